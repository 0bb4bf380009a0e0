"""`plan()`: what makes level and batches of one ingredient agree again.

It is level-triggered: it compares the actual state with the intended one and never applies a delta that an event
carries, so lost, repeated and reordered events do no harm. The first rule that applies makes the plan
(stockctl/README.md, "Reconcile"):

1. Usage is pending (the batches on the roster hold more than the level), and a batch that is due still has stock: the
   usage is charged to the batches on the roster, due ones included, soonest best-before first.
2. Batches on the roster are due, or their rows are gone: they leave the roster, and what the level still counts of them
   is written off. Usage that no remaining row can be charged with was served from a batch whose row is gone.
3. The level has more than its batches: the Query was skewed, because uses and charges went on while it read.
4. The level's `next_expiry` is not the soonest best-before of a batch with stock, because that batch is used up: it is
   set.
5. Usage is pending: it is charged to the batches on the roster, soonest best-before first.

Charges number the units ever used of an ingredient: each continues where the last one ended (`Charge.through`), so the
charges of all batches cover that axis without overlaps, with a gap only for what was served from rows that are gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from stockctl.domain.stock import Batch, Holding, soonest_expiry, taken_from

MAX_ACTIONS = 100
"""DynamoDB's limit on the actions of one transaction."""


@dataclass(frozen=True)
class Charge:
    """Used units that one batch is charged with: from its quantity to `after` units left.

    `through` is where the charge ends, counted in units of the ingredient ever used.
    """

    batch: Batch
    after: int
    through: int

    @property
    def units(self) -> int:
        return self.batch.quantity - self.after


@dataclass(frozen=True)
class Plan:
    """One transaction's worth of work. `is_last` says that nothing is left to do after it.

    `batch_units` is the roster's after it; `fixes_roster` says that this is all it does.
    `written_off` is in units; `next_expiry` (s since the epoch) is the level's new one where batches leave the roster,
    or where `moves_expiry` says that this is all the plan does. `uncharged` are units used that no batch is left to be
    charged with; they end at `uncharged_through`, counted as for charges.
    """

    charges: tuple[Charge, ...] = ()
    written_off: int = 0
    due: tuple[Batch, ...] = ()
    gone: tuple[str, ...] = ()
    next_expiry: int | None = None
    batch_units: int = 0
    uncharged: int = 0
    uncharged_through: int = 0
    fixes_roster: bool = False
    moves_expiry: bool = False
    is_skewed: bool = False
    is_last: bool = True

    @property
    def changes_roster(self) -> bool:
        return bool(self.due or self.gone)

    @property
    def is_empty(self) -> bool:
        return not (self.charges or self.changes_roster or self.fixes_roster or self.moves_expiry or self.is_skewed)

    @property
    def allocated(self) -> int:
        """Units charged to batches."""
        return sum(charge.units for charge in self.charges)


def plan(holding: Holding, now: int, limit: int = MAX_ACTIONS) -> Plan:
    """The next transaction for one ingredient, of at most `limit` actions; it leaves every invariant true.

    `holding` must be consistent, or its batches must come from an isolated read.
    """
    due = [batch for batch in holding.counted if batch.is_due(now)]
    if _left(due) and holding.drift > 0:
        return replace(_allocation(holding, limit), is_last=False)
    if due or holding.gone:
        return _write_off(holding, due, limit)
    if holding.drift < 0:
        return Plan(batch_units=holding.read_units, is_skewed=True)
    if holding.level.next_expiry != holding.soonest_expiry:
        return _new_expiry(holding)
    return _allocation(holding, limit)


def _allocation(holding: Holding, limit: int) -> Plan:
    charges = _charges(holding.counted, holding.drift, holding.charged_units)
    charges_now = charges[: limit - 1]  # the roster comes with them
    # The units of gone rows stay on the roster: one may be a new delivery's that this reader could not see yet.
    batch_units = (holding.roster.batch_units if holding.gone else holding.read_units) - _units(charges_now)
    soonest = _next_expiry(holding.counted, charges_now)
    return Plan(
        charges=tuple(charges_now),
        batch_units=batch_units,
        fixes_roster=not charges and batch_units != holding.roster.batch_units,
        is_last=len(charges_now) == len(charges) and soonest == holding.level.next_expiry,
    )


def _new_expiry(holding: Holding) -> Plan:
    """The level's `next_expiry` alone. No batch can have arrived since, because the generation is unchanged; a batch
    that has been used up since makes it too early, which is safe."""
    return Plan(
        next_expiry=holding.soonest_expiry,
        batch_units=holding.read_units,
        moves_expiry=True,
        is_last=holding.drift == 0,
    )


def _write_off(holding: Holding, due: list[Batch], limit: int) -> Plan:
    """Batches leave the roster, each with what is left of it.

    The units of removed rows are written off with the last of these rows. Until each is confirmed to be gone, one may
    be a new delivery's that this reader could not see yet, so neither units nor the level's `next_expiry` change.
    """
    live = [batch for batch in holding.counted if batch not in due]
    gone_units = holding.roster.batch_units - holding.read_units if holding.gone else 0
    uncharged = max(0, gone_units - max(0, -holding.drift))
    charges = _charges(live, _left(live) - holding.level.quantity, holding.charged_units + gone_units)
    room = limit - 2  # the level and the roster
    gone_now = holding.gone[:room]
    due_now = due[: room - len(gone_now)]
    charges_now = charges[: room - len(gone_now) - len(due_now)]
    all_gone = len(gone_now) == len(holding.gone)
    staying = [*due[len(due_now) :], *live]
    return Plan(
        charges=tuple(charges_now),
        written_off=_left(due_now) + (max(0, -holding.drift) if all_gone else 0),
        uncharged=uncharged if all_gone else 0,
        uncharged_through=holding.charged_units + uncharged,
        due=tuple(due_now),
        gone=gone_now,
        next_expiry=_next_expiry(staying, charges_now) if all_gone else holding.level.next_expiry,
        batch_units=_left(staying) - _units(charges_now) + (0 if all_gone else gone_units),
        is_last=len(due) + len(holding.gone) + len(charges) <= room,
    )


def _left(batches: Sequence[Batch]) -> int:
    return sum(batch.quantity for batch in batches)


def _units(charges: list[Charge]) -> int:
    return sum(charge.units for charge in charges)


def charged(holding: Holding, units: int, now: int) -> tuple[tuple[Charge, ...], int]:
    """The charges of a use of `units` if it were made now, and the units that are not available.

    Pending usage is charged first.
    """
    live = [batch for batch in holding.counted if not batch.is_due(now)]
    waiting = max(0, _left(live) - holding.level.quantity)
    left = {charge.batch.batch_id: charge.after for charge in _charges(live, waiting, 0)}
    live = [replace(batch, quantity=left.get(batch.batch_id, batch.quantity)) for batch in live]
    return tuple(_charges(live, units, holding.level.used)), max(0, units - _left(live))


def _charges(batches: Sequence[Batch], units: int, start: int) -> list[Charge]:
    """Charges of `units` to batches in their order; `start` is how many units were charged before."""
    charges: list[Charge] = []
    for batch, taken in taken_from(batches, units):
        start += taken
        charges.append(Charge(batch, batch.quantity - taken, start))
    return charges


def _next_expiry(batches: Sequence[Batch], charges: list[Charge]) -> int | None:
    """The soonest expiry among batches that have stock after these charges; due ones keep uses waiting."""
    left = {charge.batch.batch_id: charge.after for charge in charges}
    return soonest_expiry(batch for batch in batches if left.get(batch.batch_id, batch.quantity))
