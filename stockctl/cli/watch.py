"""`stockctl watch`: follows levels as they change, on a screen for people, as JSON lines for programs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from stockctl.cli.completion import complete_ingredients
from stockctl.cli.ingredients import did_you_mean, named
from stockctl.cli.session import Session, with_session
from stockctl.domain.errors import StockctlError, UsageError
from stockctl.domain.level_condition import LevelCondition
from stockctl.terminal.durations import duration_of, short
from stockctl.terminal.output import OutputFormat

if TYPE_CHECKING:
    from stockctl.cli.watch_feed import Feeds, LevelSource
    from stockctl.domain.level_change import LevelChange
    from stockctl.terminal.watch_model import Watched
    from stockctl.terminal.watch_screen import View

WAIT_LONGER = "Give a longer --duration, or none to wait for as long as it takes."
PAUSE_SECONDS = 0.1
"""Between two looks at what has come, where no screen is drawn."""


@dataclass
class WatchEnd:
    """When a watch is over: after so many changes, so long after it began, or once a level meets a condition."""

    count: int | None = None
    duration: timedelta | None = None
    until: LevelCondition | None = None
    monotonic: Callable[[], float] = time.monotonic
    seen: int = field(default=0, init=False)
    is_met: bool = field(default=False, init=False)
    _deadline: float | None = field(default=None, init=False)

    def begin(self) -> None:
        """From now on the duration counts: getting to the stream takes none of it."""
        if self.duration is not None:
            self._deadline = self.monotonic() + self.duration.total_seconds()

    def level(self, ingredient: str, quantity: int) -> None:
        """Takes note of a level."""
        if self.until is not None and ingredient == self.until.ingredient and self.until.holds(quantity):
            self.is_met = True

    def change(self, change: LevelChange) -> None:
        """Takes note of a change."""
        self.seen += 1
        self.level(change.ingredient, change.quantity)

    @property
    def has_enough(self) -> bool:
        """Whether what was waited for has come."""
        return self.is_met or (self.count is not None and self.seen >= self.count)

    @property
    def is_over(self) -> bool:
        """Whether there is nothing more to wait for."""
        return self.has_enough or (self._deadline is not None and self.monotonic() >= self._deadline)

    def raise_if_missed(self) -> None:
        """The watch has ended.

        Raises:
            StockctlError: its time was up, and what was waited for has not come.
        """
        if self.duration is None or self.has_enough or not self.is_over:
            return
        within = f"within {short(self.duration.total_seconds())}"
        if self.until is not None:
            raise StockctlError(f"{self.until} did not come true {within}", WAIT_LONGER)
        if self.count is not None:
            changes = "change" if self.count == 1 else "changes"
            raise StockctlError(f"{self.seen} of {self.count} {changes} came {within}", WAIT_LONGER)


@with_session
def watch(
    session: Session,
    ingredients: Annotated[
        list[str] | None,
        typer.Argument(metavar="INGREDIENT...", help="All, if none is named.", autocompletion=complete_ingredients),
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Begin with the changes of this long ago, such as 10m.", metavar="DURATION")
    ] = None,
    count: Annotated[int | None, typer.Option(help="End after so many changes.", min=1, metavar="N")] = None,
    duration: Annotated[str | None, typer.Option(help="End after this long, such as 90s.", metavar="DURATION")] = None,
    until_level: Annotated[
        str | None, typer.Option(help="End once a level is so: 'ham<100', 'basil>=20'.", metavar="CONDITION")
    ] = None,
) -> None:
    """Follow levels as they change.

    A live chart or table on a terminal, one JSON line per change when piped.

    Ends with 0 once --count or --until-level is met, and with 1 if --duration is over first, so that scripts can wait
    on stock. Keys: q quit, p pause, arrows and enter move between ingredients, / finds one by name, s sorts.

    Examples:
        stockctl watch pepperoni
        stockctl watch --since 10m | jq .quantity
        stockctl watch --until-level 'ham<100' --duration 1h && reorder ham
    """
    names = named(ingredients or []) or []
    back = duration_of(since, "--since") if since else None
    limit = duration_of(duration, "--duration") if duration else None
    until = _condition(until_level) if until_level else None
    if until and names and until.ingredient not in names:
        names.append(until.ingredient)
    end = WatchEnd(count, limit, until)
    _follow(session, names, back, end)
    end.raise_if_missed()


def _condition(text: str) -> LevelCondition:
    try:
        return LevelCondition.parse(text)
    except ValueError as error:
        raise UsageError(f"--until-level is {text!r}, which {error}", "Write it like 'ham<100', in quotes.") from error


def _follow(session: Session, names: list[str], back: timedelta | None, end: WatchEnd) -> None:
    from stockctl.aws.clients import Clients
    from stockctl.cli.watch_feed import Feeds, TableReader
    from stockctl.client.deployment import Deployment
    from stockctl.client.level_reader import LevelFollower, LevelReader
    from stockctl.operations.stock_table import StockTable

    target = session.target
    deployment = Deployment.of(session.clients, target)
    since = session.environment.now() - back if back else None
    reader = LevelReader(lambda: Clients.of_target(target).kinesis, deployment.level_stream, since)
    table = TableReader(lambda: StockTable(Clients.of_target(target).dynamodb, deployment.stock_table), names)
    with LevelFollower(reader) as stream, table:
        end.begin()
        stock = StockTable(session.clients.dynamodb, deployment.stock_table)
        show(session, Feeds(stream, stock, table), names, back, end)


def show(session: Session, feeds: Feeds, names: Sequence[str], back: timedelta | None, end: WatchEnd) -> None:
    """Shows what the stream brings until the end: a screen, lines for people, or lines for programs."""
    from stockctl.cli.watch_feed import WINDOW_SECONDS, LevelSource
    from stockctl.terminal.watch_model import Watched

    thresholds = {end.until.ingredient: end.until.units} if end.until else {}
    watched = Watched(names, thresholds)
    for level in feeds.stock.levels(list(names) or None):
        watched.present(level)
        end.level(level.ingredient, level.quantity)
    _warn_of_unknown(session, watched)
    past = back.total_seconds() if back else 60.0
    source = LevelSource(
        watched,
        feeds,
        started=time.time() - past,
        window=max(past, WINDOW_SECONDS),
        ends=lambda: end.is_over,
        seen=end.change,
    )
    if session.output.format is OutputFormat.TABLE and session.environment.draws_screens:
        _screen(session, source)
    else:
        _lines(session, source, end)


def _warn_of_unknown(session: Session, watched: Watched) -> None:
    """What was never delivered may be misspelt, or may be what is waited for."""
    unknown = [ingredient.name for ingredient in watched.ingredients if ingredient.latest is None]
    if unknown:
        session.environment.tell(f"stockctl: never delivered so far: {', '.join(unknown)}")
        for question in did_you_mean(session, unknown):
            session.environment.tell(f"stockctl: {question}")


def _screen(session: Session, source: LevelSource) -> None:
    from stockctl.terminal.live import watch_live

    view = first_view(session, f"stockctl watch {session.target.stack}", source.watched.names)
    watch_live(source, view, session.environment)


def first_view(session: Session, title: str, names: Sequence[str]) -> View:
    """The screen as it begins, with the characters that this terminal can show."""
    from stockctl.terminal.glyphs import glyphs_for
    from stockctl.terminal.watch_screen import View

    environment = session.environment
    glyphs = glyphs_for(environment.stdout.encoding or "ascii", environment.variables)
    now = time.time()
    return View(now, now, glyphs, title=title, opened=names[0] if len(names) == 1 else None)


def _lines(session: Session, source: LevelSource, end: WatchEnd) -> None:
    """A line per change; what the stream is up to goes to stderr whenever that changes."""
    said = "live"
    while not end.is_over:
        for change in source.feeds.stream.changes():
            if source.watched.wants(change.ingredient) and not end.has_enough:
                source.watched.changed(change)
                end.change(change)
                _line(session, source.watched, change)
        state = source.feeds.stream.state
        word = state.condition.value
        if word not in {said, "connecting", "behind"}:
            session.environment.tell(f"stockctl: {word}" + (f" ({state.reason})" if state.reason else ""))
            said = word
        time.sleep(PAUSE_SECONDS)


def _line(session: Session, watched: Watched, change: LevelChange) -> None:
    """JSON for programs; on a terminal that cannot draw, a line to read."""
    output = session.output
    if output.format is OutputFormat.JSON or not session.environment.stdout_is_terminal:
        output.json_line(change.document())
        return
    from rich.text import Text

    from stockctl.terminal.glyphs import ASCII
    from stockctl.terminal.output import shown
    from stockctl.terminal.watch_screen import signed

    ingredient = watched[change.ingredient]
    place = next(index for index, point in enumerate(ingredient.points) if point.version == change.version)
    if ingredient.is_idle(place):
        return
    clock = change.at.astimezone().strftime("%H:%M:%S")
    difference = signed(ingredient.difference(place), ASCII)
    why = f"{shown(change.cause)} {difference}".rstrip()
    line = f"{clock} {shown(change.ingredient)} {change.quantity:,} ({why})"
    session.environment.console().print(Text(line), soft_wrap=True)
