"""The data of the watch screen: levels over time, batches, and thresholds."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from stockctl.domain.forecast import DAYS_PER_WEEK, Pace, demand, outlook
from stockctl.domain.history import LevelEntry
from stockctl.domain.instants import NEVER
from stockctl.domain.level_change import LevelChange
from stockctl.domain.level_point import Point
from stockctl.domain.stock import Batch, Level
from stockctl.terminal.charts import Mark, MarkKind

_MOST_POINTS = 20_000
PACE_SECONDS = 15 * 60.0
"""How much of the past makes the present pace."""
SHORTEST_PACE_SECONDS = 15.0
"""Less says nothing about the pace."""
DAYS_AHEAD = 30
"""Batches that expire later are not marked."""


@dataclass
class WatchedIngredient:
    """One ingredient: its level over time, by version, and its batches as last read, soonest to expire first."""

    name: str
    points: list[Point] = field(default_factory=list)
    batches: Sequence[Batch] | None = None
    unspent: Sequence[Batch] = ()
    """The same batches, less the usage that waits to be charged."""
    pace: Pace | None = None
    """The pace learned from days of history; None if there are too few."""
    next_expiry: int | None = None
    threshold: int | None = None

    @property
    def latest(self) -> Point | None:
        """The current level; None if unknown."""
        return self.points[-1] if self.points else None

    @property
    def quantity(self) -> int:
        """Units on hand."""
        return self.points[-1].quantity if self.points else 0

    @property
    def is_low(self) -> bool:
        """Whether nothing is left, or less than the threshold."""
        return self.quantity == 0 or (self.threshold is not None and self.quantity < self.threshold)

    def add(self, point: Point) -> None:
        """Inserts a level by version; a known version changes nothing."""
        place = bisect_left(self.points, point.version, key=lambda known: known.version)
        if place == len(self.points) or self.points[place].version != point.version:
            self.points.insert(place, point)
            del self.points[:-_MOST_POINTS]

    def difference(self, index: int) -> int | None:
        """The change in units at `index`; None if the level before is unknown."""
        if index == 0 and self.points[index].version == 1:
            return self.points[index].quantity
        if index == 0 or self.points[index - 1].version != self.points[index].version - 1:
            return None
        return self.points[index].quantity - self.points[index - 1].quantity

    def is_idle(self, index: int) -> bool:
        """Whether the change at `index` moved no units: an empty batch was dropped."""
        return self.points[index].cause.startswith("expired") and self.difference(index) == 0

    def unused(self, now: float) -> dict[str, int]:
        """Units by batch id that will expire unused: at the pace of history, or else at the present pace."""
        pace = self.pace or self.present_pace(now)
        if pace is None:
            return {}
        batches = [batch for batch in self.unspent if not batch.is_due(int(now))]
        curve = demand(pace, datetime.fromtimestamp(now).astimezone(), DAYS_AHEAD).likely
        lost = outlook(batches, curve).unused
        return {batch.batch_id: round(units) for batch, units in zip(batches, lost, strict=True) if round(units)}

    def present_pace(self, now: float) -> Pace | None:
        """The pace of the last minutes; None if nothing was used in them, or too little time was seen."""
        seen = [point for point in self.points if point.at >= now - PACE_SECONDS]
        if not seen or now - seen[0].at < SHORTEST_PACE_SECONDS:
            return None
        used = (seen[-1].used - seen[-1].returned) - (seen[0].used - seen[0].returned)
        days = (now - seen[0].at) / 86_400
        return Pace((used / days,) * DAYS_PER_WEEK, 0.0, days) if used > 0 else None

    def marks(self) -> list[Mark]:
        """The deliveries and write-offs to mark."""
        kinds = {"delivery": MarkKind.DELIVERY, "expired": MarkKind.WRITE_OFF}
        return [
            Mark(kinds[point.cause.split(" ")[0]], point.at, point.quantity)
            for index, point in enumerate(self.points)
            if point.cause.split(" ")[0] in kinds and self.difference(index)
        ]


def match_of(typed: str, names: Sequence[str]) -> str | None:
    """The first name that begins with what was typed, else the first that contains it."""
    wanted = typed.casefold()
    if not wanted:
        return None
    return next((name for name in names if name.startswith(wanted)), next((n for n in names if wanted in n), None))


class SortOrder(Enum):
    """How the table of ingredients is sorted."""

    LOW_FIRST = "low stock first"
    NAME = "name"
    EXPIRY = "next to expire"
    RECENT = "last change"

    def following(self) -> SortOrder:
        """The next sort order, cyclically."""
        orders = list(SortOrder)
        return orders[(orders.index(self) + 1) % len(orders)]


class Watched:
    """All watched ingredients: those in `names`, or all that appear.

    `thresholds` given to this watch override those stored on the levels.
    """

    def __init__(self, names: Iterable[str] = (), thresholds: Mapping[str, int] | None = None) -> None:
        self.names = tuple(names)
        self._thresholds = thresholds or {}
        self._ingredients: dict[str, WatchedIngredient] = {}
        for name in self.names:
            self._ingredient(name)

    @property
    def ingredients(self) -> list[WatchedIngredient]:
        """The ingredients in order of appearance."""
        return list(self._ingredients.values())

    def __getitem__(self, name: str) -> WatchedIngredient:
        return self._ingredients[name]

    def wants(self, name: str) -> bool:
        """Whether this ingredient is watched."""
        return not self.names or name in self.names

    def present(self, level: Level) -> None:
        """Adds a level read from the table."""
        if self.wants(level.ingredient):
            self.recorded(LevelEntry.of(level))
            ingredient = self._ingredient(level.ingredient)
            ingredient.next_expiry = level.next_expiry
            ingredient.threshold = self._thresholds.get(level.ingredient, level.threshold)

    def recorded(self, entry: LevelEntry) -> None:
        """Adds a level read from history."""
        self._add(entry, datetime.fromisoformat(entry.at))

    def changed(self, change: LevelChange) -> None:
        """Adds a change from the stream."""
        self._add(change, change.at)

    def held(self, name: str, batches: Sequence[Batch], unspent: Sequence[Batch] | None = None) -> None:
        """Sets the batches of an ingredient; `unspent` is what is left once pending usage is charged."""
        ingredient = self._ingredient(name)
        ingredient.unspent = [batch for batch in batches if batch.quantity] if unspent is None else unspent
        ingredient.batches = sorted(batches, key=lambda batch: (batch.expires_at, batch.batch_id))
        live = [batch.expires_at for batch in batches if batch.quantity > 0 and batch.expires_at != NEVER]
        ingredient.next_expiry = min(live, default=None)

    def sorted(self, order: SortOrder) -> list[WatchedIngredient]:
        """The ingredients in the chosen order, then by name."""
        by_name = sorted(self._ingredients.values(), key=lambda one: one.name)
        match order:
            case SortOrder.LOW_FIRST:
                return sorted(by_name, key=lambda one: (not one.is_low, one.quantity))
            case SortOrder.EXPIRY:
                return sorted(by_name, key=lambda one: (one.next_expiry is None, one.next_expiry or 0))
            case SortOrder.RECENT:
                return sorted(by_name, key=lambda one: -(one.latest.at if one.latest else 0.0))
            case SortOrder.NAME:
                return by_name

    def _add(self, level: LevelEntry | LevelChange, at: datetime) -> None:
        if self.wants(level.ingredient):
            units = (level.quantity, level.received, level.used, level.expired)
            point = Point(level.version, at.timestamp(), *units, level.cause, level.discarded, level.returned)
            self._ingredient(level.ingredient).add(point)

    def _ingredient(self, name: str) -> WatchedIngredient:
        if name not in self._ingredients:
            self._ingredients[name] = WatchedIngredient(name, threshold=self._thresholds.get(name))
        return self._ingredients[name]
