"""The commands of `stockctl`, in the order its help lists them."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from stockctl.cli import local
from stockctl.cli.deploy import deploy
from stockctl.cli.destroy import destroy
from stockctl.cli.doctor import doctor
from stockctl.cli.failures import failures
from stockctl.cli.ingest import ingest
from stockctl.cli.logs import logs
from stockctl.cli.reconcile import reconcile
from stockctl.cli.simulate import simulate
from stockctl.cli.status import status
from stockctl.cli.stock import stock
from stockctl.cli.threshold import threshold
from stockctl.cli.use import use
from stockctl.cli.watch import watch

EXIT_CODES = (
    "Exit codes: 0 done; 1 failed; 2 usage; 3 refused (a shortage, or nothing of a file could be recorded); "
    "4 credentials or permission; 5 drift found; 130 Ctrl-C."
)

app = typer.Typer(
    name="stockctl",
    help="Deploy and operate a serverless stock service for kitchens, on AWS or on this machine.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"stockctl {version('stockctl')}")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Keeps `stockctl COMMAND` a group however many commands there are."""


app.command()(deploy)
app.command()(ingest)
app.command()(use)
app.command()(stock)
app.command()(threshold)
app.command()(reconcile)
app.command()(watch)
app.command()(simulate)
app.add_typer(local.app)
app.command()(status)
app.command()(logs)
app.command()(failures)
app.command()(doctor)
app.command()(destroy)
