"""Feeds a watching screen from a stack: changes from its level stream, levels and batches from its table."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from stockctl.aws.clients import Clients
from stockctl.client.level_reader import LevelFollower, LevelReader, StreamState
from stockctl.operations.stock_table import StockTable
from stockctl.terminal.environment import Environment
from stockctl.terminal.glyphs import glyphs_for
from stockctl.terminal.watch_model import Watched
from stockctl.terminal.watch_screen import Reading, View

if TYPE_CHECKING:
    from rich.text import Text

    from stockctl.cli.session import Session
    from stockctl.domain.forecast import Pace
    from stockctl.domain.level_change import LevelChange
    from stockctl.domain.stock import Holding, Level

TABLE_AGAIN_SECONDS = 10.0
"""Between two readings of the table where nothing has changed."""
SOON_SECONDS = 1.5
"""After a change: by then its usage has most often been charged to batches."""
WINDOW_SECONDS = 15 * 60.0
"""How much of the past a chart shows, unless more was asked for."""


def first_view(environment: Environment, title: str, names: Sequence[str]) -> View:
    """The screen as it begins, with the characters that this terminal can show."""
    glyphs = glyphs_for(environment.stdout.encoding or "ascii", environment.variables)
    now = time.time()
    return View(now, now, glyphs, title=title, opened=names[0] if len(names) == 1 else None)


class Changes(Protocol):
    """Where changes come from: `LevelFollower`, or a test."""

    @property
    def state(self) -> StreamState:
        """How the reading goes."""
        ...

    def changes(self) -> list[LevelChange]:
        """Those that came since the last call."""
        ...


class Stock(Protocol):
    """Where levels and batches are read: the stock table, or a test."""

    def levels(self, ingredients: Sequence[str] | None) -> Sequence[Level]:
        """The levels of these ingredients, or of all."""
        ...

    def read(self, ingredient: str) -> Holding | None:
        """All rows of one ingredient; None where it was never received."""
        ...


class TableReader:
    """Reads the table on a thread of its own, so that a slow answer never holds up a screen.

    `open_stock` makes the table anew after a failure: that is when renewed credentials are found. `pace_of` learns the
    pace of an ingredient from history, once.
    """

    def __init__(
        self,
        open_stock: Callable[[], Stock],
        names: Sequence[str],
        pace_of: Callable[[str], Pace | None] = lambda _: None,
    ) -> None:
        self._open, self._names, self._pace_of = open_stock, names, pace_of
        self._paces: dict[str, Pace | None] = {}
        self._stock: Stock | None = None
        self._wanted: str | None = None
        self._wake, self._stop = threading.Event(), threading.Event()
        self._found: tuple[Sequence[Level], Holding | None] = ((), None)
        self._thread = threading.Thread(target=self._keep_reading, name="stock table", daemon=True)

    def __enter__(self) -> TableReader:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._wake.set()

    def soon(self, wanted: str | None) -> None:
        """Asks for a reading, with the batches of one ingredient where one is wanted."""
        self._wanted = wanted
        self._wake.set()

    def taken(self) -> tuple[Sequence[Level], Holding | None]:
        """What was read since the last call."""
        found, self._found = self._found, ((), None)
        return found

    def pace(self, name: str) -> Pace | None:
        """The pace of an ingredient; None if it is not known, or not yet."""
        return self._paces.get(name)

    def _keep_reading(self) -> None:
        while not self._stop.is_set():
            self._wake.wait(TABLE_AGAIN_SECONDS)
            self._wake.clear()
            try:
                self._read()
            except Exception:  # what is wrong shows in the stream's state; the next reading may succeed
                self._stock = None
                self._wake.set()
            self._stop.wait(SOON_SECONDS)

    def _read(self) -> None:
        self._stock = self._stock or self._open()
        wanted = self._wanted
        if wanted is None:
            self._found = (self._stock.levels(self._names or None), None)
        else:
            self._found = ((), self._stock.read(wanted))
            self._learn_pace(wanted)

    def _learn_pace(self, name: str) -> None:
        """Tries once: without history, a screen goes by the present pace."""
        if name not in self._paces:
            self._paces[name] = None
            with suppress(Exception):
                self._paces[name] = self._pace_of(name)


@dataclass(frozen=True)
class Feeds:
    """Where a screen's data comes from."""

    stream: Changes
    stock: Stock
    table: TableReader


@contextmanager
def feeds_of(
    session: Session,
    names: Sequence[str],
    since: datetime | None = None,
    pace_of: Callable[[str], Pace | None] = lambda _: None,
) -> Iterator[Feeds]:
    """The feeds of a session's stack, with the changes from a time on, or from now; they end with the context."""
    target, deployment = session.target, session.deployment
    reader = LevelReader(lambda: Clients.of_target(target).kinesis, deployment.level_stream, since)
    table = TableReader(lambda: StockTable(Clients.of_target(target).dynamodb, deployment.stock_table), names, pace_of)
    with LevelFollower(reader) as stream, table:
        yield Feeds(stream, session.stock_table, table)


@dataclass
class LevelSource:
    """What `watch` and `simulate` show. `notes` adds lines of the run's own."""

    watched: Watched
    feeds: Feeds
    started: float
    now: Callable[[], float] = time.time
    window: float = WINDOW_SECONDS
    is_over: Callable[[], bool] = lambda: False
    """Whether there is nothing more to wait for."""
    notes: Callable[[], Sequence[Text]] = lambda: ()
    seen: Callable[[LevelChange], None] = lambda _: None
    _opened: str | None = field(default=None, init=False)

    def refresh(self, view: View) -> View:
        """Takes in what has come. While paused, it is left to wait."""
        state = self.feeds.stream.state
        reading = Reading(state.condition.value, state.behind, state.reason, state.malformed)
        if view.paused:
            return replace(view, reading=reading)
        self._take_in(view)
        now = self.now()
        start = max(self.started, now - self.window)
        return replace(view, now=now, start=start, reading=reading, notes=tuple(self.notes()))

    def _take_in(self, view: View) -> None:
        changes = [change for change in self.feeds.stream.changes() if self.watched.wants(change.ingredient)]
        for change in changes:
            self.watched.changed(change)
            self.seen(change)
        opened = view.opened
        if changes or opened != self._opened:
            self._opened = opened
            self.feeds.table.soon(opened)
        levels, holding = self.feeds.table.taken()
        for level in levels:
            self.watched.present(level)
        if holding is not None:
            self.watched.present(holding.level)
            self.watched.held(holding.level.ingredient, holding.counted, holding.unspent)
        if opened is not None:
            self.watched[opened].pace = self.feeds.table.pace(opened)
