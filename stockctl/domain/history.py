"""History: the durable record of every level change and of every charge.

An ingredient's entries are sorted by time. Their keys follow from their content, so that writing one again changes
nothing. Counters are cumulative: a missing entry loses detail, but totals stay right.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from stockctl.domain.stock import Batch, Level, Totals


@dataclass(frozen=True)
class LevelEntry(Totals):
    """A level as it was after one change."""

    ingredient: str
    at: str
    version: int
    quantity: int
    received: int
    used: int
    expired: int
    discarded: int
    returned: int
    cause: str
    commit_id: str

    @classmethod
    def of(cls, level: Level) -> LevelEntry:
        """The entry of a level that has just changed."""
        return cls(
            ingredient=level.ingredient,
            at=level.updated_at,
            version=level.version,
            quantity=level.quantity,
            cause=level.cause,
            commit_id=level.commit_id,
            **level.counters,
        )


@dataclass(frozen=True)
class ChargeEntry:
    """Used units that one batch was charged with: those from `through - units` to `through` ever used.

    Without a batch id, they came from a batch that had expired and whose row was gone, so no batch could be charged.
    """

    ingredient: str
    at: str
    batch_id: str
    delivery: str
    best_before: str
    units: int
    through: int

    @property
    def start(self) -> int:
        """The units used before those of this charge."""
        return self.through - self.units


Entry = LevelEntry | ChargeEntry


def charge_between(before: Batch, after: Batch) -> ChargeEntry | None:
    """The charge that turned one image of a batch row into the next; None where it was another change."""
    if after.charged_through is None or after.charged_through == before.charged_through:
        return None
    return ChargeEntry(
        ingredient=after.ingredient,
        at=after.charged_at,
        batch_id=after.batch_id,
        delivery=after.delivery,
        best_before=after.best_before,
        units=before.quantity - after.quantity,
        through=after.charged_through,
    )


def uncharged_between(before: Level, after: Level) -> ChargeEntry | None:
    """The units that a write-off could charge to no batch, where it turned one image of a level into the next."""
    if after.uncharged_through == before.uncharged_through:
        return None
    return ChargeEntry(after.ingredient, after.updated_at, "", "", "", after.uncharged_units, after.uncharged_through)


@dataclass(frozen=True)
class RecordedChange:
    """One change of a level: the entry, and the one before it if that is known and is the version before.

    `missing` is how many changes between the two are not recorded.
    """

    entry: LevelEntry
    before: LevelEntry | None

    @property
    def missing(self) -> int:
        return self.entry.version - self.before.version - 1 if self.before else 0

    @property
    def units(self) -> int | None:
        """By how much the level changed; None where that is not known."""
        return self.entry.quantity - self.before.quantity if self.before else None


def changes(entries: Sequence[LevelEntry], before: LevelEntry | None) -> Iterator[RecordedChange]:
    """Entries in the order of their versions, each with the one before it."""
    for entry in sorted(entries, key=lambda one: one.version):
        if before is None and entry.version == 1:
            before = LevelEntry(entry.ingredient, entry.at, 0, 0, 0, 0, 0, 0, 0, "", "")
        yield RecordedChange(entry, before)
        before = entry


@dataclass(frozen=True)
class Served:
    """Units of a use and the charge that covers them; None where history does not have it, or not yet."""

    charge: ChargeEntry | None
    units: int


def served(start: int, end: int, charges: Iterable[ChargeEntry], charged: int) -> tuple[list[Served], int]:
    """What units `start` to `end` ever used were served from, and how many of them wait to be charged.

    `charged` is how many units have been charged so far: the charge of what lies before, and is in none of `charges`,
    is not in history.
    """
    found: list[Served] = []
    at = start
    for charge in sorted(charges, key=lambda one: one.through):
        first, last = max(at, charge.start), min(end, charge.through)
        if first < last:
            if at < first:
                found.append(Served(None, first - at))
            found.append(Served(charge, last - first))
            at = last
    known = min(end, max(charged, at))
    if at < known:
        found.append(Served(None, known - at))
    return found, end - known
