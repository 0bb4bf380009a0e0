"""Counts: a stocktake, what is really there of some ingredients, compared with their levels.

The differences are agreed on before anything is booked, and kept with the count. Uses after that do them no harm, so
whoever repeats the count books the same differences, and each of them once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stockctl.domain.best_before import BestBefore
from stockctl.domain.compact_json import hash_of
from stockctl.domain.discard import Discard
from stockctl.domain.stock import Batch, batch_id_of

PREFIX = "count#"
"""Records of counts are beside those of transactions."""

REASON = "count"
"""The reason of what a count discards."""

MAX_LINES = 99
"""Ingredients in one sheet: a DynamoDB transaction's 100 actions, less the record."""


@dataclass(frozen=True)
class Line:
    """One ingredient: the units that were counted, and the level they are compared with.

    `version` is the level's version, None for an ingredient that was never stocked. `best_before` is that of units to
    be added; None where there are none to add, or none is known.
    """

    ingredient: str
    counted: int
    book: int
    version: int | None
    best_before: BestBefore | None = None

    @property
    def difference(self) -> int:
        """Units to add, or below 0 to take out."""
        return self.counted - self.book


@dataclass(frozen=True)
class Sheet:
    """A part of a count, at most 99 ingredients: its lines, and when they were counted, where that was not just now."""

    count_id: str
    number: int
    counted: Mapping[str, int]
    at: str | None = None

    @property
    def record_id(self) -> str:
        """The id of its record."""
        return f"{PREFIX}{self.count_id}" + (f"#{self.number}" if self.number > 1 else "")

    @property
    def request_hash(self) -> str:
        """What makes two requests the same: what was counted, whatever it was compared with."""
        return hash_of(sorted(self.counted.items()))

    @property
    def cause(self) -> str:
        """What the levels that it changes name as the cause."""
        return f"count {self.count_id}"

    @property
    def delivery(self) -> str:
        """What the batches that it adds name as their delivery."""
        return f"count/{self.count_id}"

    def discard(self, line: Line) -> Discard:
        """Takes out what the book has too much, as far as it is still there."""
        name, units = discard_id(self.count_id, line.ingredient), -line.difference
        return Discard(name, line.ingredient, units, REASON, up_to=True, part_of=self.cause)

    def batch(self, line: Line, best_before: BestBefore, received_at: str) -> Batch:
        """The batch of what the book has too little."""
        text, expires_at = best_before
        batch_id, units = batch_id_of(self.delivery, text), line.difference
        return Batch(
            line.ingredient, batch_id, self.delivery, units, units, text, expires_at, self.request_hash, received_at
        )


def sheets_of(count_id: str, counted: Mapping[str, int], at: str | None = None) -> list[Sheet]:
    """The sheets of a count, which follow from what was counted: the same count has the same sheets."""
    items = sorted(counted.items())
    parts = [dict(items[start : start + MAX_LINES]) for start in range(0, len(items), MAX_LINES)]
    return [Sheet(count_id, number, part, at) for number, part in enumerate(parts, start=1)]


def discard_id(count_id: str, ingredient: str) -> str:
    """The id of the discard that a count makes of an ingredient."""
    return f"{count_id}/{ingredient}"


@dataclass(frozen=True)
class BookedLine:
    """What a count booked of one line: units added, or below 0 taken out."""

    line: Line
    units: int

    @property
    def missing(self) -> int:
        """Units of the difference that could not be booked: used or discarded since, or expired."""
        return abs(self.line.difference - self.units)
