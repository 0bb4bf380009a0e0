"""`stockctl local`: the embedded cloud on this machine."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stockctl.cli.help import Command, CommandGroup, exit_codes
from stockctl.cli.session import Session, with_session
from stockctl.terminal.figures import local
from stockctl.terminal.output import Column, Table

if TYPE_CHECKING:
    from stockctl.local.cloud import EmbeddedCloud

app = typer.Typer(
    name="local",
    cls=CommandGroup,
    help="Run the embedded cloud on this machine: an AWS emulator with the same stack.\n\n"
    "Examples:\n"
    "    stockctl local up\n"
    "    stockctl local status",
    no_args_is_help=True,
)


@app.command(cls=Command, epilog=exit_codes())
@with_session
def up(
    session: Session,
    port: Annotated[
        int | None,
        typer.Option(
            metavar="PORT",
            min=1,
            max=65535,
            help="Port on 127.0.0.1. Default: $STOCKCTL_LOCAL_PORT, else the last one, else 4580.",
        ),
    ] = None,
) -> None:
    """Start the embedded cloud in the background. Where it runs already, nothing happens.

    Examples:
        stockctl local up
        stockctl local up --port 4600
    """
    from stockctl.cli.rollout import start

    started = start(session.environment, port)
    if not started.fresh:
        session.environment.tell("stockctl: the embedded cloud runs already")
    _show(session)


@app.command(cls=Command, epilog=exit_codes())
@with_session
def down(session: Session) -> None:
    """Stop the embedded cloud. Its state is kept for the next start.

    Examples:
        stockctl local down
    """
    ended = _cloud(session).down()
    said = f"the embedded cloud (process {ended.pid}) has ended" if ended else "the embedded cloud does not run"
    session.environment.tell(f"stockctl: {said}")
    _show(session)


@app.command(cls=Command, epilog=exit_codes())
@with_session
def status(session: Session) -> None:
    """Say whether the embedded cloud runs, where, since when, and what it holds.

    Examples:
        stockctl local status
        stockctl local status --output json
    """
    _show(session)


@app.command(cls=Command, epilog=exit_codes())
@with_session
def reset(session: Session) -> None:
    """Stop the embedded cloud and wipe all that it holds.

    Examples:
        stockctl local reset
    """
    _cloud(session).reset()
    session.environment.tell("stockctl: the embedded cloud is wiped")
    _show(session)


def _cloud(session: Session) -> EmbeddedCloud:
    from stockctl.local.cloud import EmbeddedCloud

    return EmbeddedCloud(session.environment.variables)


def _show(session: Session) -> None:
    document = _document(_cloud(session))
    state = document["state"]
    rows = [
        ("running", "yes" if document["running"] else "no"),
        *((name, str(document[name] or "-")) for name in ("endpoint", "pid")),
        ("since", _clock(document["since"])),
        ("stacks", ", ".join(state["stacks"]) or "-"),
        ("state", f"{state['bytes']:,} bytes in {state['directory']}"),
        ("saved", _clock(state["saved"])),
    ]
    plain = [*rows[:3], ("since", document["since"] or "-"), *rows[4:6], ("saved", state["saved"] or "-")]
    columns = [Column("embedded cloud", field="field"), Column("", field="value")]
    session.output.show(document, Table(columns, rows, plain))


def _clock(at: str | None) -> str:
    return local(datetime.fromisoformat(at)) if at else "-"


def _document(cloud: EmbeddedCloud) -> dict[str, Any]:
    run = cloud.running()
    return {
        "running": run is not None,
        "endpoint": run.endpoint if run else None,
        "pid": run.pid if run else None,
        "since": run.since if run else None,
        "state": {
            "directory": str(cloud.home.root),
            "bytes": cloud.home.size(),
            "saved": cloud.home.saved().at,
            "stacks": cloud.stacks(),
        },
    }
