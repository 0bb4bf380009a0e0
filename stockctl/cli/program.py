"""The commands of `stockctl`, in the order its help lists them.

Importing all of them takes a tenth of a command's time, so a command line that names a command gets that one alone, and
the program's own help none: the summaries are here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import import_module
from keyword import iskeyword
from typing import Annotated

import typer

from stockctl.cli.completion_scripts import use_own_scripts
from stockctl.cli.help import Command, CommandGroup, exit_codes
from stockctl.domain.errors import ExitCode

NAME = "stockctl"
STOCK = "Stock"
STACK = "Stack"
MACHINE = "This machine"

COMMANDS: dict[str, tuple[str, str, *tuple[ExitCode, ...]]] = {
    "ingest": (
        STOCK,
        "Bring deliveries into stock, from CSV files with the columns ingredient, quantity and best_before",
        ExitCode.REFUSED,
        ExitCode.PARTIAL,
    ),
    "use": (STOCK, "Take ingredients from stock, all or nothing", ExitCode.REFUSED, ExitCode.PARTIAL),
    "return": (STOCK, "Bring units of an accepted transaction back into stock, all or nothing", ExitCode.REFUSED),
    "discard": (STOCK, "Remove units from stock that were spoiled, dropped or lost", ExitCode.REFUSED),
    "count": (STOCK, "Compare a stocktake with the levels, and book the differences", ExitCode.REFUSED),
    "recall": (
        STOCK,
        "Take what is left of a delivery out of stock, and list the transactions that were served from it",
        ExitCode.REFUSED,
    ),
    "stock": (STOCK, "Show what is in stock, by ingredient or by batch", ExitCode.REFUSED, ExitCode.FOUND),
    "history": (STOCK, "Show what changed the level of an ingredient", ExitCode.REFUSED),
    "forecast": (
        STOCK,
        "Forecast how long stock lasts and which units will expire unused",
        ExitCode.REFUSED,
        ExitCode.FOUND,
    ),
    "report": (STOCK, "Report what was received, used, returned and wasted in a period", ExitCode.REFUSED),
    "deliveries": (STOCK, "List deliveries"),
    "show": (STOCK, "Show a transaction, return, discard, count or delivery", ExitCode.REFUSED),
    "threshold": (STOCK, "Set or show low-stock thresholds", ExitCode.REFUSED),
    "reconcile": (STOCK, "Charge usage to batches and write off expired stock, now", ExitCode.REFUSED, ExitCode.FOUND),
    "watch": (STOCK, "Follow levels as they change"),
    "simulate": (STOCK, "Simulate a kitchen, and watch it live", ExitCode.REFUSED),
    "deploy": (STACK, "Deploy or update the stack"),
    "status": (
        STACK,
        "Check the stack, its functions, streams, queues, alarms and stock; show how to fix what is wrong",
    ),
    "logs": (STACK, "Show the functions' logs, sorted by time, one colour per function"),
    "failures": (STACK, "Show or retry deliveries and stream records that failed permanently", ExitCode.REFUSED),
    "destroy": (STACK, "Remove the stack"),
    "local": (MACHINE, "Run the embedded cloud on this machine"),
    "doctor": (MACHINE, "Check this machine and the selected target; show how to fix what is wrong"),
    "selftest": (MACHINE, "Prove that the service works"),
}
"""Its heading in the help, its summary, and the exit codes of its own. Each is in the file of its name; `return` is one
of Python's words, so its file is `return_`."""

use_own_scripts()


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"stockctl {version('stockctl')}")
        raise typer.Exit


def _root(
    _version: Annotated[
        bool, typer.Option("--version", "-V", help="Show the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Keeps `stockctl` a group of commands."""


@cache
def program(only: str = "") -> typer.Typer:
    """The program with all commands; with one alone if `only` names a command."""
    app = _without_commands()
    for name in (only,) if only in COMMANDS else COMMANDS:
        _add(app, name)
    return app


def outline() -> typer.Typer:
    """The program with the names and summaries of its commands, which cannot be run."""
    app = _without_commands()
    for name, (panel, summary, *_) in COMMANDS.items():
        app.command(name, cls=Command, help=summary, rich_help_panel=panel)(lambda: None)
    return app


def program_for(words: Sequence[str], variables: Mapping[str, str]) -> typer.Typer:
    """The program with all that these words of a command line need, or those that a shell wants completed."""
    typed = variables.get("COMP_WORDS") or variables.get("_TYPER_COMPLETE_ARGS") or ""
    if f"_{NAME.upper()}_COMPLETE" in variables:
        words = [*typed.split(), ""][1:] if typed.endswith(" ") else typed.split()[1:]
        words = words if len(words) > 1 else []  # the command itself is being typed
    first = words[1] if len(words) > 1 and words[0] == "help" else words[0] if words else ""
    if first in COMMANDS:
        return program(first)
    is_option = first.startswith("-") and first not in {"-h", "--help", "-V", "--version"}
    return program() if is_option else outline()


def _without_commands() -> typer.Typer:
    app = typer.Typer(
        name=NAME,
        cls=CommandGroup,
        help="Deploy and operate a serverless stock service for kitchens, on AWS or on this machine.\n\n"
        "`stockctl help COMMAND` shows more about a command. Shared options can also precede the "
        "command, as in `stockctl -o json stock`.\n\n"
        "Examples:\n"
        "    stockctl simulate\n"
        "    stockctl ingest monday.csv\n"
        "    stockctl use ham=10 mushroom=5\n"
        "    stockctl watch",
        epilog=exit_codes(*ExitCode),
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    return app


def _add(app: typer.Typer, name: str) -> None:
    """Adds a command, or a group of commands, under its heading of the help."""
    panel, _, *ends = COMMANDS[name]
    place = f"{name}_" if iskeyword(name) else name
    module = import_module(f"stockctl.cli.{place}")
    if hasattr(module, "app"):
        app.add_typer(module.app, rich_help_panel=panel)
    else:
        command: Callable[..., None] = getattr(module, place)
        app.command(name, cls=Command, rich_help_panel=panel, epilog=exit_codes(*ends))(command)
