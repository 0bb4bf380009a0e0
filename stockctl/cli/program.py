"""The commands of `stockctl`, in the order its help lists them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from stockctl.cli import local
from stockctl.cli.completion_scripts import use_own_scripts
from stockctl.cli.deploy import deploy
from stockctl.cli.destroy import destroy
from stockctl.cli.discard import discard
from stockctl.cli.doctor import doctor
from stockctl.cli.failures import failures
from stockctl.cli.help import Command, CommandGroup, exit_codes
from stockctl.cli.history import history
from stockctl.cli.ingest import ingest
from stockctl.cli.logs import logs
from stockctl.cli.reconcile import reconcile
from stockctl.cli.show import show
from stockctl.cli.simulate import simulate
from stockctl.cli.status import status
from stockctl.cli.stock import stock
from stockctl.cli.threshold import threshold
from stockctl.cli.use import use
from stockctl.cli.watch import watch
from stockctl.domain.errors import ExitCode

STOCK = "Stock"
STACK = "Stack"
MACHINE = "This machine"

app = typer.Typer(
    name="stockctl",
    cls=CommandGroup,
    help="Deploy and operate a serverless stock service for kitchens, on AWS or on this machine.\n\n"
    "`stockctl help COMMAND` shows more about a command. Options that all commands share may stand before it, "
    "as in `stockctl -o json stock`.\n\n"
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

use_own_scripts()


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"stockctl {version('stockctl')}")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool, typer.Option("--version", "-V", help="Show the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Keeps `stockctl COMMAND` a group however many commands there are."""


def _add(command: Callable[..., None], panel: str, *ends: ExitCode) -> None:
    """Adds a command under a heading of the help; `ends` are its own exit codes."""
    app.command(cls=Command, rich_help_panel=panel, epilog=exit_codes(*ends))(command)


_add(ingest, STOCK, ExitCode.REFUSED)
_add(use, STOCK, ExitCode.REFUSED)
_add(discard, STOCK, ExitCode.REFUSED)
_add(stock, STOCK)
_add(history, STOCK)
_add(show, STOCK, ExitCode.REFUSED)
_add(threshold, STOCK)
_add(reconcile, STOCK, ExitCode.DRIFT)
_add(watch, STOCK)
_add(simulate, STOCK, ExitCode.REFUSED)
_add(deploy, STACK)
_add(status, STACK)
_add(logs, STACK)
_add(failures, STACK)
_add(destroy, STACK)
app.add_typer(local.app, rich_help_panel=MACHINE)
_add(doctor, MACHINE)
