"""Levels as they were at a moment, from history (stockctl/README.md, "History")."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from stockctl.domain.history import LevelEntry
from stockctl.domain.stock import Level
from stockctl.operations.history_table import HistoryTable
from stockctl.operations.workers import workers_for

_NEXT = timedelta(milliseconds=1)
"""The precision of the times in history."""


@dataclass(frozen=True)
class LevelAt:
    """A level as it was at a moment: the last change until then, None before the first one.

    `missing` is how many changes about that moment are not recorded, so that some of them may belong before it.
    `begins` is when history of the ingredient begins, where that is later than the moment (empty: not yet).
    """

    ingredient: str
    entry: LevelEntry | None
    missing: int = 0
    begins: str | None = None

    @property
    def was_never_stocked(self) -> bool:
        """Whether the first change of all came after the moment."""
        return self.entry is None and self.begins is None

    @property
    def quantity(self) -> int | None:
        """Units on hand; None where history does not know."""
        if self.begins is not None:
            return None
        return self.entry.quantity if self.entry else 0


def levels_at(history: HistoryTable, levels: Iterable[Level], moment: datetime) -> list[LevelAt]:
    """These levels as they were at a moment that has passed; `levels` are as they are now."""
    now = list(levels)
    with ThreadPoolExecutor(workers_for(len(now))) as threads:
        return list(threads.map(lambda level: _level_at(history, level, moment), now))


def _level_at(history: HistoryTable, level: Level, moment: datetime) -> LevelAt:
    if datetime.fromisoformat(level.updated_at) <= moment:  # nothing has changed since, whatever history has forgotten
        return LevelAt(level.ingredient, LevelEntry.of(level))
    last = history.last_before(level.ingredient, moment + _NEXT)
    following = history.first_from(level.ingredient, moment + _NEXT)
    if last is not None:
        next_version = following.version if following else level.version + 1
        return LevelAt(level.ingredient, last, next_version - last.version - 1)
    if following is not None and following.version == 1:
        return LevelAt(level.ingredient, None)
    return LevelAt(level.ingredient, None, begins=following.at if following else "")
