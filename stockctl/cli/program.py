"""The commands of `stockctl`, in the order its help lists them.

Importing all of them takes a tenth of a command's time, so a command line that names a command gets that one alone.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from keyword import iskeyword
from typing import Annotated

import typer

from stockctl.cli.completion_scripts import use_own_scripts
from stockctl.cli.help import Command, CommandGroup, exit_codes
from stockctl.domain.errors import ExitCode

STOCK = "Stock"
STACK = "Stack"
MACHINE = "This machine"

COMMANDS: dict[str, tuple[str, *tuple[ExitCode, ...]]] = {
    "ingest": (STOCK, ExitCode.REFUSED, ExitCode.PARTIAL),
    "use": (STOCK, ExitCode.REFUSED, ExitCode.PARTIAL),
    "return": (STOCK, ExitCode.REFUSED),
    "discard": (STOCK, ExitCode.REFUSED),
    "count": (STOCK, ExitCode.REFUSED),
    "recall": (STOCK, ExitCode.REFUSED),
    "stock": (STOCK, ExitCode.REFUSED, ExitCode.FOUND),
    "history": (STOCK, ExitCode.REFUSED),
    "forecast": (STOCK, ExitCode.REFUSED, ExitCode.FOUND),
    "report": (STOCK, ExitCode.REFUSED),
    "deliveries": (STOCK,),
    "show": (STOCK, ExitCode.REFUSED),
    "threshold": (STOCK, ExitCode.REFUSED),
    "reconcile": (STOCK, ExitCode.REFUSED, ExitCode.FOUND),
    "watch": (STOCK,),
    "simulate": (STOCK, ExitCode.REFUSED),
    "deploy": (STACK,),
    "status": (STACK,),
    "logs": (STACK,),
    "failures": (STACK, ExitCode.REFUSED),
    "destroy": (STACK,),
    "local": (MACHINE,),
    "doctor": (MACHINE,),
    "selftest": (MACHINE,),
}
"""Its heading in the help, and the exit codes of its own. Each is in the file of its name; `return` is one
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
    app = typer.Typer(
        name="stockctl",
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
    for name in (only,) if only in COMMANDS else COMMANDS:
        _add(app, name)
    return app


def _add(app: typer.Typer, name: str) -> None:
    """Adds a command, or a group of commands, under its heading of the help."""
    panel, *ends = COMMANDS[name]
    place = f"{name}_" if iskeyword(name) else name
    module = import_module(f"stockctl.cli.{place}")
    if hasattr(module, "app"):
        app.add_typer(module.app, rich_help_panel=panel)
    else:
        command: Callable[..., None] = getattr(module, place)
        app.command(name, cls=Command, rich_help_panel=panel, epilog=exit_codes(*ends))(command)
