"""Units used per day, read from a stack's history.

Counters in history are running totals, so one entry per day is enough, however many uses a day has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import pairwise

from stockctl.domain.forecast import DailyUse
from stockctl.domain.history import LevelEntry
from stockctl.operations import workers
from stockctl.operations.history_table import HistoryTable

DAY = timedelta(days=1)


def daily_use(
    history: HistoryTable, ingredients: Sequence[str], now: datetime, days: int
) -> Mapping[str, Sequence[DailyUse]]:
    """Units used less units returned by ingredient, on each of the last `days` days and on today so far.

    Days begin at midnight in the time zone of `now`. Days before an ingredient's first entry are left out.
    """
    with ThreadPoolExecutor(workers.WORKERS) as threads:
        figures = threads.map(lambda name: _figures(history, name, now, days), ingredients)
        return dict(zip(ingredients, figures, strict=True))


def _figures(history: HistoryTable, ingredient: str, now: datetime, days: int) -> list[DailyUse]:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    moments = [*(midnight - DAY * number for number in range(days, -1, -1)), now]
    opening = history.last_before(ingredient, moments[0])
    if opening is None:
        opening = history.first_from(ingredient, moments[0])
        if opening is None:
            return []
        began = datetime.fromisoformat(opening.at).astimezone(now.tzinfo)
        moments = [began, *(moment for moment in moments if moment > began)]
    totals = [entry.used - entry.returned for entry in _entries_at(history, opening, moments)]
    spans = zip(pairwise(moments), pairwise(totals), strict=True)
    return [
        DailyUse(start.date(), after - before, (end - start) / DAY)
        for (start, end), (before, after) in spans
        if end > start
    ]


def _entries_at(history: HistoryTable, opening: LevelEntry, moments: Sequence[datetime]) -> list[LevelEntry]:
    """The last entry before each moment, the `opening` one before the first. Where nothing changed nothing is read."""

    def read(moment: datetime) -> LevelEntry:
        return history.last_before(opening.ingredient, moment) or opening

    def between(first: LevelEntry, last: LevelEntry, inner: Sequence[datetime]) -> list[LevelEntry]:
        if not inner or first.version == last.version:
            return [first] * len(inner)
        half = len(inner) // 2
        middle = read(inner[half])
        return [*between(first, middle, inner[:half]), middle, *between(middle, last, inner[half + 1 :])]

    last = read(moments[-1])
    return [opening, *between(opening, last, moments[1:-1]), last]
