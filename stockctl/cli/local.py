"""`stockctl local`: the embedded cloud on this machine."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Annotated

import typer

from stockctl.cli.help import Command, CommandGroup, exit_codes
from stockctl.cli.session import Session, with_local_session
from stockctl.domain.errors import StockctlError, UsageError
from stockctl.terminal.figures import local_iso
from stockctl.terminal.output import Field, Listing, OutputFormat

if TYPE_CHECKING:
    from stockctl.local.cloud import EmbeddedCloud
    from stockctl.local.home import Run

app = typer.Typer(
    name="local",
    cls=CommandGroup,
    help="Run the embedded cloud on this machine: an AWS emulator with the same stack.\n\n"
    "Examples:\n"
    "    stockctl local up\n"
    "    stockctl local status",
    no_args_is_help=True,
)


def _command(command: Callable[..., None]) -> Callable[..., None]:
    """Adds a command to the group."""
    return app.command(cls=Command, epilog=exit_codes())(with_local_session(command))


@_command
def up(
    session: Session,
    port: Annotated[
        int | None,
        typer.Option(
            metavar="PORT",
            min=1,
            max=65535,
            help="Port on 127.0.0.1. Default: $STOCKCTL_LOCAL_PORT, else the port used last, else 4580.",
        ),
    ] = None,
) -> None:
    """Start the embedded cloud in the background, unless it is running already.

    Examples:
        stockctl local up
        stockctl local up --port 4600
    """
    from stockctl.cli.rollout import start

    started = start(session.environment, port)
    if not started.fresh:
        session.environment.note("stockctl: the embedded cloud is running already")
    _show(session)


@_command
def down(session: Session) -> None:
    """Stop the embedded cloud. Its data is kept for the next start.

    Examples:
        stockctl local down
    """
    ended = _cloud(session).down()
    state = f"has stopped (process {ended.pid})" if ended else "is not running"
    session.environment.note(f"stockctl: the embedded cloud {state}")
    _show(session)


@_command
def status(session: Session) -> None:
    """Show whether the embedded cloud is running, its address, and where its data is.

    Examples:
        stockctl local status
        stockctl local status --output json
    """
    _show(session)


@_command
def reset(
    session: Session,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; for scripts.")] = False,
) -> None:
    """Stop the embedded cloud and delete everything in it, after asking.

    Examples:
        stockctl local reset
        stockctl local reset --yes
    """
    cloud = _cloud(session)
    if not yes:
        _confirm_reset(session, cloud)
    cloud.reset()
    session.environment.note("stockctl: the embedded cloud has been reset")
    _show(session)


@_command
def env(session: Session) -> None:
    """Print shell commands that point other AWS tools at the embedded cloud.

    They contain its access key. In a shell: eval "$(stockctl local env)"; aws s3 ls

    Examples:
        stockctl local env
        stockctl local env --output json
    """
    from stockctl.cli.rollout import start

    variables = start(session.environment).run.variables()
    if session.output.format is OutputFormat.JSON:
        session.output.json({name: value for name, value in variables.items() if value})
    else:
        lines = (
            f"export {name}={shlex.quote(value)}" if value else f"unset {name}" for name, value in variables.items()
        )
        print("\n".join(lines), file=session.environment.stdout)


def _confirm_reset(session: Session, cloud: EmbeddedCloud) -> None:
    """Asks, naming what would be lost, where there is anything to lose.

    Raises:
        UsageError: there is nobody to ask.
        StockctlError: the answer was no.
    """
    if not cloud.home.size():
        return
    stacks = cloud.stacks()
    nouns = ("stack", "its") if len(stacks) == 1 else ("stacks", "their")
    named = f"{nouns[0]} {', '.join(stacks)} with all {nouns[1]} stock" if stacks else "all stacks and their stock"
    session.environment.note(f"stockctl: reset deletes {named}: {cloud.home.size():,} bytes in {cloud.home.root}")
    if not session.environment.stdin_is_terminal:
        raise UsageError("reset deletes what the embedded cloud holds", "In a script, confirm with --yes.")
    if not session.environment.agrees("Delete it for good?"):
        raise StockctlError("nothing was changed")


def _cloud(session: Session) -> EmbeddedCloud:
    from stockctl.local.cloud import EmbeddedCloud

    return EmbeddedCloud(session.environment.variables)


@dataclass(frozen=True)
class CloudState:
    """The embedded cloud as `local status` shows it."""

    run: Run | None
    stacks: Sequence[str]
    directory: str
    bytes: int
    saved: str | None
    problems: Sequence[str]


FIELDS: tuple[Field[CloudState], ...] = (
    Field("running", lambda cloud: cloud.run is not None),
    Field("endpoint", lambda cloud: cloud.run.endpoint if cloud.run else None),
    Field("pid", lambda cloud: cloud.run.pid if cloud.run else None, format=str),
    Field("since", lambda cloud: cloud.run.since if cloud.run else None, format=local_iso),
    Field("state.stacks", lambda cloud: cloud.stacks, heading="stacks"),
    Field("state.directory", lambda cloud: cloud.directory, heading="directory"),
    Field("state.bytes", lambda cloud: cloud.bytes, heading="bytes"),
    Field("state.saved", lambda cloud: cloud.saved, heading="saved", format=local_iso),
    Field("state.problems", lambda cloud: cloud.problems, heading="problems"),
)


def _show(session: Session) -> None:
    cloud = _state_of(_cloud(session))
    if session.output.format is not OutputFormat.TABLE:
        session.output.show(Listing(FIELDS, [cloud], is_document=True))
        return
    lines = [(field.heading or field.name, field.text(cloud)) for field in FIELDS]
    columns = Field[tuple[str, str]]("embedded cloud", itemgetter(0)), Field[tuple[str, str]]("", itemgetter(1))
    session.output.show(Listing(columns, lines))


def _state_of(cloud: EmbeddedCloud) -> CloudState:
    home = cloud.home
    return CloudState(
        cloud.running(), cloud.stacks(), str(home.root), home.size(), home.saved().at, list(home.problems())
    )
