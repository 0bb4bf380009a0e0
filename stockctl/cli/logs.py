"""`stockctl logs`: the logs of all functions, merged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from stockctl.cli.completion import complete_functions
from stockctl.cli.session import Session, with_session
from stockctl.domain.errors import UsageError
from stockctl.domain.instants import iso
from stockctl.terminal.control_characters import printable
from stockctl.terminal.durations import duration_of
from stockctl.terminal.output import Field

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.text import Text

    from stockctl.client.function_logs import LogLine

COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "bright_red", "bright_cyan", "bright_magenta")
FIELDS: Sequence[Field[LogLine]] = (
    Field("at", lambda line: iso(line.at.timestamp())),
    Field("function", lambda line: line.function),
    Field("level", lambda line: line.level),
    Field("message", lambda line: line.message),
)
LOUD = {"ERROR": "bold red", "CRITICAL": "bold red", "FATAL": "bold red", "WARN": "yellow", "WARNING": "yellow"}


@with_session
def logs(
    session: Session,
    function: Annotated[
        str | None,
        typer.Argument(
            metavar="FUNCTION",
            help="Name of a function, or a prefix, such as StockR. Default: all.",
            autocompletion=complete_functions,
        ),
    ] = None,
    since: Annotated[str, typer.Option(metavar="DURATION", help="How far to look back.")] = "10m",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Keep printing new lines, until Ctrl-C.")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Also show tracebacks, metrics and Lambda's own lines.")
    ] = False,
) -> None:
    """Show the functions' logs, sorted by time, one colour per function.

    A failed invocation is shown on one line; --all adds the traceback.

    Examples:
        stockctl logs
        stockctl logs StockReceived --since 1h --follow
    """
    from stockctl.client.function_logs import FunctionLogs

    start = session.environment.now().timestamp() - duration_of(since, "--since").total_seconds()
    functions = session.deployment.functions
    found = FunctionLogs(session.clients, _chosen(functions, function))
    lines = found.following(start) if follow else found.since(start)
    if everything:
        wanted = (replace(line, message=line.whole) for line in lines)
    else:
        wanted = (line for line in lines if not line.is_routine)
    if not _show(session, list(functions), wanted):
        more = "" if everything else "; --all shows Lambda's own lines, too"
        session.environment.note(f"stockctl: nothing was logged in the last {since}{more}")


def _chosen(functions: Mapping[str, str], wanted: str | None) -> dict[str, str]:
    if wanted is None:
        return dict(functions)
    exact = [name for name in functions if name.casefold() == wanted.casefold()]
    matching = exact or [name for name in functions if name.casefold().startswith(wanted.casefold())]
    if not matching:
        raise UsageError(f"there is no function {wanted!r}", f"The functions are {', '.join(functions)}.")
    return {name: functions[name] for name in matching}


def _show(session: Session, functions: list[str], lines: Iterable[LogLine]) -> int:
    """Prints the lines, for people in local time, and returns their number."""
    stream = session.output.stream(FIELDS, partial(_for_people, functions))
    shown = 0
    for line in lines:
        shown += 1
        stream.print(line)
    return shown


def _for_people(functions: list[str], line: LogLine) -> Text:
    from rich.text import Text

    colour = COLOURS[functions.index(line.function) % len(COLOURS)]
    message = "\n".join(map(printable, line.message.split("\n")))
    clock = line.at.astimezone().isoformat(timespec="milliseconds")[11:23]
    return Text.assemble((f"{clock} ", "dim"), (f"{line.function:<17}", colour), (message, LOUD.get(line.level, "")))
