"""`stockctl logs`: what the functions say, all of them together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from stockctl.cli.session import Session, with_session
from stockctl.domain.errors import UsageError
from stockctl.domain.instants import iso
from stockctl.terminal.durations import duration_of
from stockctl.terminal.output import OutputFormat

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from stockctl.client.function_logs import LogLine

COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "bright_red", "bright_cyan", "bright_magenta")
LOUD = {"ERROR": "bold red", "CRITICAL": "bold red", "FATAL": "bold red", "WARN": "yellow", "WARNING": "yellow"}


@with_session
def logs(
    session: Session,
    function: Annotated[
        str | None, typer.Argument(metavar="FUNCTION", help="As StockReceived, or how it begins. Default: all.")
    ] = None,
    since: Annotated[str, typer.Option(metavar="DURATION", help="How far to look back.")] = "10m",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Show Lambda's own lines and metrics, too.")] = False,
) -> None:
    """Show what the functions have logged, sorted by time, a colour for each.

    Examples:
        stockctl logs
        stockctl logs StockReceived --since 1h --follow
    """
    from stockctl.client.deployment import Deployment
    from stockctl.client.function_logs import FunctionLogs

    start = session.environment.now().timestamp() - duration_of(since, "--since").total_seconds()
    functions = Deployment.of(session.clients, session.target).functions
    found = FunctionLogs(session.clients, _chosen(functions, function))
    lines = found.following(start) if follow else found.since(start)
    shown = _show(session, list(functions), (line for line in lines if everything or not line.is_routine))
    if not shown:
        more = "" if everything else "; --all shows Lambda's own lines, too"
        session.environment.tell(f"stockctl: nothing was logged in the last {since}{more}")


def _chosen(functions: Mapping[str, str], wanted: str | None) -> dict[str, str]:
    if wanted is None:
        return dict(functions)
    exact = [name for name in functions if name.casefold() == wanted.casefold()]
    matching = exact or [name for name in functions if name.casefold().startswith(wanted.casefold())]
    if not matching:
        raise UsageError(f"there is no function {wanted!r}", f"The functions are {', '.join(functions)}.")
    return {name: functions[name] for name in matching}


def _show(session: Session, functions: list[str], lines: Iterable[LogLine]) -> int:
    """Prints the lines and returns how many there were; to people the time is told as their clocks do."""
    from rich.text import Text

    console = session.environment.console()
    shown = 0
    for line in lines:
        shown += 1
        at = iso(line.at.timestamp())
        fields = {"at": at, "function": line.function, "level": line.level, "message": line.message}
        if session.output.format is OutputFormat.JSON:
            session.output.json_line(fields)
        elif session.output.format is OutputFormat.TSV:
            session.output.line(list(fields.values()))
        else:
            colour = COLOURS[functions.index(line.function) % len(COLOURS)]
            message = (line.message, LOUD.get(line.level, ""))
            console.print(
                Text.assemble((f"{_clock(line.at)} ", "dim"), (f"{line.function:<17}", colour), message), soft_wrap=True
            )
    return shown


def _clock(at: datetime) -> str:
    return at.astimezone().isoformat(timespec="milliseconds")[11:23]
