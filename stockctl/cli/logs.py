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

    from stockctl.aws.function_logs import LogLine

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
    from stockctl.aws.deployment import Deployment
    from stockctl.aws.function_logs import FunctionLogs

    start = session.environment.now().timestamp() - duration_of(since, "--since").total_seconds()
    functions = Deployment.of(session.clients, session.target).functions
    found = FunctionLogs(session.clients, _chosen(functions, function))
    lines = found.following(start) if follow else found.since(start)
    _show(session, list(functions), (line for line in lines if everything or not line.is_routine))


def _chosen(functions: Mapping[str, str], wanted: str | None) -> dict[str, str]:
    if wanted is None:
        return dict(functions)
    exact = [name for name in functions if name.casefold() == wanted.casefold()]
    matching = exact or [name for name in functions if name.casefold().startswith(wanted.casefold())]
    if not matching:
        raise UsageError(f"there is no function {wanted!r}", f"The functions are {', '.join(functions)}.")
    return {name: functions[name] for name in matching}


def _show(session: Session, functions: list[str], lines: Iterable[LogLine]) -> None:
    from rich.text import Text

    console = session.environment.console()
    for line in lines:
        at = iso(line.at.timestamp())
        fields = {"at": at, "function": line.function, "level": line.level, "message": line.message}
        if session.output.format is OutputFormat.JSON:
            session.output.json_line(fields)
        elif session.output.format is OutputFormat.TSV:
            session.output.line(list(fields.values()))
        else:
            colour = COLOURS[functions.index(line.function) % len(COLOURS)]
            message = (line.message, LOUD.get(line.level, ""))
            console.print(Text.assemble((f"{at[11:23]} ", "dim"), (f"{line.function:<17}", colour), message))
