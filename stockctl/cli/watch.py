"""`stockctl watch`: follows levels as they change, on a screen, or as a line for each change."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from stockctl.cli.ingredients import ChosenIngredients, did_you_mean, named
from stockctl.cli.session import Session, with_session
from stockctl.cli.watch_end import WatchEnd
from stockctl.cli.watch_lines import output_of, print_changes
from stockctl.domain.errors import UsageError
from stockctl.domain.instants import time_zone
from stockctl.domain.level_condition import LevelCondition
from stockctl.terminal.durations import duration_of
from stockctl.terminal.output import OutputFormat

if TYPE_CHECKING:
    from stockctl.cli.watch_feed import Feeds, LevelSource
    from stockctl.domain.forecast import Pace
    from stockctl.domain.stock import Level
    from stockctl.terminal.watch_model import Watched

PACE_DAYS = 14
"""How much history the pace is learned from."""
SHORTEST_PAST, LONGEST_PAST = timedelta(minutes=5), timedelta(hours=24)
"""How much of the past a screen begins with, at least and at most; the stream keeps a day."""


@with_session
def watch(
    session: Session,
    ingredients: ChosenIngredients = None,
    since: Annotated[
        str | None,
        typer.Option(
            help="Also show past changes, such as 10m. Default: only new ones; a screen also shows recent ones.",
            metavar="DURATION",
        ),
    ] = None,
    count: Annotated[int | None, typer.Option(help="Stop after N changes.", min=1, metavar="N")] = None,
    duration: Annotated[str | None, typer.Option(help="Stop after this time, such as 90s.", metavar="DURATION")] = None,
    until_level: Annotated[
        str | None, typer.Option(help="Stop when this condition holds, such as 'ham<100'.", metavar="CONDITION")
    ] = None,
) -> None:
    """Follow levels as they change.

    Draws a live chart or table on a terminal; press ? for its keys. Prints one JSON line per change in a pipe.

    Exits with 1 if --duration ends before --count or --until-level is reached, so that scripts can wait for stock.

    The screen of one ingredient marks units that will expire unused, at the pace of the last two weeks, or of the last
    15 minutes if there are fewer than two days of history.

    Examples:
        stockctl watch pepperoni
        stockctl watch --since 10m | jq .quantity
        stockctl watch --until-level 'ham<100' --duration 1h && reorder ham
    """
    names = named(ingredients or []) or []
    back = duration_of(since, "--since") if since else None
    if back and back > LONGEST_PAST:
        session.environment.note("stockctl: the stream keeps changes for 24 hours; `stockctl history` shows older ones")
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
    from stockctl.cli.watch_feed import feeds_of

    output, now = output_of(session), session.environment.now()
    draws = output.format is OutputFormat.TABLE and session.environment.draws_screens
    past = back or (since_last_change(session.stock_table.levels(names or None), now) if draws else None)
    since = session.environment.now() - past if past else None
    with feeds_of(session, names, since, partial(_pace, session)) as feeds:
        end.begin()
        source = _source(session, feeds, names, past, end)
        if back is None:
            end.skip({one.name: one.latest.version for one in source.watched.ingredients if one.latest})
        if draws:
            _screen(session, source)
        else:
            print_changes(session, output, source, end)


def _pace(session: Session, ingredient: str) -> Pace | None:
    """The pace of the last two weeks; None if there are fewer than two days of history, or none is recorded."""
    from stockctl.client.daily_use import daily_use
    from stockctl.domain.forecast import Pace

    if not int(session.deployment.history_days):
        return None
    now = session.environment.now().astimezone(time_zone(session.deployment.time_zone))
    pace = Pace.of(daily_use(session.history_table, [ingredient], now, PACE_DAYS)[ingredient])
    return None if pace.is_short else pace


def since_last_change(levels: Sequence[Level], now: datetime) -> timedelta:
    """How far back a screen begins: a little before the last change, so that it is never empty."""
    changed = [datetime.fromisoformat(level.updated_at) for level in levels]
    last = now - max(changed, default=now)
    return min(max(last * 1.25, SHORTEST_PAST), LONGEST_PAST)


def _source(session: Session, feeds: Feeds, names: Sequence[str], past: timedelta | None, end: WatchEnd) -> LevelSource:
    from stockctl.cli.watch_feed import WINDOW_SECONDS, LevelSource
    from stockctl.terminal.watch_model import Watched

    thresholds = {end.until.ingredient: end.until.units} if end.until else {}
    watched = Watched(names, thresholds)
    levels = feeds.stock.levels(list(names) or None)
    for level in levels:
        watched.present(level)
        end.level(level.ingredient, level.quantity)
    _warn_of_unknown(session, {*names, *thresholds} - {level.ingredient for level in levels})
    if past:
        _add_levels_before(session, watched, session.environment.now() - past)
    seconds = past.total_seconds() if past else 0.0
    return LevelSource(
        watched,
        feeds,
        started=time.time() - seconds,
        window=max(seconds, WINDOW_SECONDS),
        is_over=lambda: end.is_over,
        seen=end.change,
    )


def _add_levels_before(session: Session, watched: Watched, moment: datetime) -> None:
    """Adds the last level of each named ingredient before a moment, where a chart begins; without history, none."""
    from stockctl.aws.errors import EXPECTED

    with suppress(*EXPECTED):
        history = session.history_table
        for entry in (history.last_before(name, moment) for name in watched.names):
            if entry is not None:
                watched.recorded(entry)


def _warn_of_unknown(session: Session, unknown: set[str]) -> None:
    """A name that was never delivered may be misspelt, or may be what the watch waits for."""
    if unknown:
        names = sorted(unknown)
        session.environment.note(f"stockctl: never delivered so far: {', '.join(names)}")
        for question in did_you_mean(session, names):
            session.environment.note(f"stockctl: {question}")


def _screen(session: Session, source: LevelSource) -> None:
    from stockctl.cli.watch_feed import first_view
    from stockctl.terminal.live import watch_live

    view = first_view(session.environment, f"stockctl watch {session.target.stack}", source.watched.names)
    watch_live(source, view, session.environment)
