"""Discards: units taken out of stock that were not used, with the reason, named by an id of the caller's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from stockctl.domain.compact_json import hash_of
from stockctl.domain.delivery import is_delivery
from stockctl.domain.stock import Batch, Holding, taken_from
from stockctl.domain.transaction import Reused, Unknown

PREFIX = "discard#"
"""Records of discards are beside those of transactions."""

MAX_BATCHES = 97
"""Batches in one discard: a DynamoDB transaction's 100 actions, less the record, the level and the roster."""


@dataclass(frozen=True)
class Discard:
    """A request: units of one ingredient, of one batch or delivery, or of any batch, the soonest to expire first.

    `delivery` is the key of a delivery or the name of its file. Units are taken only from `batch_ids`; empty means any.
    With `up_to` it takes what is available if that is less, even nothing. `part_of` is the cause of the level change,
    where the discard is a part of something: `count <id>`.
    """

    discard_id: str
    ingredient: str
    units: int
    reason: str
    batch_id: str | None = None
    delivery: str | None = None
    batch_ids: tuple[str, ...] = ()
    up_to: bool = False
    part_of: str | None = None

    @property
    def cause(self) -> str:
        """What the level names as the cause of its change."""
        return self.part_of or f"discard {self.discard_id}"

    @property
    def request_hash(self) -> str:
        """What makes two requests the same."""
        parts = [self.ingredient, self.units, self.reason, self.batch_id, self.delivery]
        more = [list(self.batch_ids), self.up_to] if self.batch_ids or self.up_to else []
        return hash_of([*parts, *more])

    def covers(self, batch: Batch) -> bool:
        """Whether it may take units of this batch."""
        is_named = self.batch_id is None or batch.batch_id == self.batch_id
        is_named = is_named and (not self.batch_ids or batch.batch_id in self.batch_ids)
        return is_named and (self.delivery is None or is_delivery(batch.delivery, self.delivery))


@dataclass(frozen=True)
class Removal:
    """Units that one batch loses to a discard."""

    batch_id: str
    delivery: str
    best_before: str
    units: int


def units_of(removals: Iterable[Removal]) -> int:
    """Units that all these batches lose."""
    return sum(removal.units for removal in removals)


@dataclass(frozen=True)
class Discarded:
    """The units are out of stock, by this request or (`replayed`) by an earlier one of the same id and content."""

    removals: tuple[Removal, ...]
    replayed: bool = False


@dataclass(frozen=True)
class TooFew:
    """Nothing changed: this many units are there to be discarded.

    `is_expired` says that what was named has expired: its write-off takes it out of stock.
    """

    available: int
    is_expired: bool = False


DiscardOutcome = Discarded | TooFew | Reused | Unknown


def chosen(holding: Holding, request: Discard, now: int) -> tuple[Batch, ...] | TooFew:
    """The batches that a discard changes, each with what is left of it afterwards; or how many units there are.

    Units on a batch that a use has taken already and is not charged with yet are not there to be discarded: the level
    has the last word.
    """
    covered = [batch for batch in holding.counted if request.covers(batch) and batch.quantity]
    live = [batch for batch in covered if not batch.is_due(now)][:MAX_BATCHES]
    available = min(sum(batch.quantity for batch in live), holding.level.quantity)
    if available < request.units and not request.up_to:
        return TooFew(available, is_expired=bool(covered) and not live)
    return tuple(
        replace(batch, quantity=batch.quantity - units, discarded=batch.discarded + units)
        for batch, units in taken_from(live, min(request.units, available))
    )
