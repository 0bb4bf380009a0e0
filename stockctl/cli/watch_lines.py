"""`watch` without a screen: a line per change, for programs or for people."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from stockctl.cli.session import Session
from stockctl.domain.errors import UsageError
from stockctl.domain.instants import iso
from stockctl.terminal.control_characters import printable
from stockctl.terminal.glyphs import ASCII
from stockctl.terminal.output import Field, Output, OutputFormat

if TYPE_CHECKING:
    from rich.text import Text

    from stockctl.cli.watch_end import WatchEnd
    from stockctl.cli.watch_feed import LevelSource
    from stockctl.domain.level_change import LevelChange
    from stockctl.terminal.watch_model import Watched

PAUSE_SECONDS = 0.1
"""Between two looks at the stream."""
CHANGE: tuple[Field[LevelChange], ...] = (
    Field("ingredient", lambda change: change.ingredient),
    Field("quantity", lambda change: change.quantity),
    Field("version", lambda change: change.version),
    Field("at", lambda change: iso(change.at.timestamp())),
    Field("cause", lambda change: change.cause),
    Field("received", lambda change: change.received),
    Field("used", lambda change: change.used),
    Field("expired", lambda change: change.expired),
    Field("discarded", lambda change: change.discarded),
    Field("returned", lambda change: change.returned),
)


def output_of(session: Session) -> Output:
    """Where changes go: a table means a screen, and a pipe gets JSON lines unless it asks for something else.

    Raises:
        UsageError: a table was asked for in a pipe.
    """
    asked, is_terminal = session.settings.output, session.environment.stdout_is_terminal
    if asked is OutputFormat.TABLE and not is_terminal:
        if session.settings.is_option("output"):
            raise UsageError("`watch -o table` needs a terminal", "In a pipe, use json, tsv or csv.")
        asked = None
    return Output(session.environment, asked or (OutputFormat.TABLE if is_terminal else OutputFormat.JSON))


def print_changes(session: Session, output: Output, source: LevelSource, end: WatchEnd) -> None:
    """Prints each change until the end; trouble with the stream is reported on stderr when it begins and ends."""
    stream = output.stream(CHANGE, lambda change: _line(source.watched, change))
    reported = "live"
    while not end.is_over:
        for change in source.feeds.stream.changes():
            if source.watched.wants(change.ingredient) and not end.has_enough:
                source.watched.changed(change)
                end.change(change)
                if output.format is not OutputFormat.TABLE or not _is_idle(source.watched, change):
                    stream.print(change)
        state = source.feeds.stream.state
        word = state.condition.value
        if word not in {reported, "connecting", "behind"}:
            session.environment.note(f"stockctl: {word}" + (f" ({state.reason})" if state.reason else ""))
            reported = word
        time.sleep(PAUSE_SECONDS)


def _place(watched: Watched, change: LevelChange) -> int:
    points = watched[change.ingredient].points
    return next(index for index, point in enumerate(points) if point.version == change.version)


def _is_idle(watched: Watched, change: LevelChange) -> bool:
    return watched[change.ingredient].is_idle(_place(watched, change))


def _line(watched: Watched, change: LevelChange) -> Text:
    """A change on a terminal that cannot draw."""
    from rich.text import Text

    from stockctl.terminal.watch_screen import signed

    clock = change.at.astimezone().strftime("%H:%M:%S")
    difference = signed(watched[change.ingredient].difference(_place(watched, change)), ASCII)
    why = f"{printable(change.cause)} {difference}".rstrip()
    return Text(f"{clock} {printable(change.ingredient)} {change.quantity:,} ({why})")
