"""`plan()`: what would bring level and batches of one ingredient together again.

It is level-triggered: it compares what is with what should be and never applies a delta that an event carries, so lost,
repeated and reordered events do no harm. The rules (stockctl/README.md, "Reconcile"):

* Live batches are on the roster, present, and not yet due. S is what is left in them, A the level's quantity.
* Batches on the roster that are due, or whose rows are gone, leave it, and `max(0, A - S)` units are written off. Usage
  that still waits to be allocated is thus absorbed by what has just expired before it is charged to fresh stock.
* Where S > A, the difference is charged to live batches, the soonest to expire first.
* Where S < A although nothing is due or gone, the Query was skewed: uses and allocations went on while it read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from stockctl.domain.stock import Batch, Holding

MAX_ACTIONS = 100
"""DynamoDB's limit on the actions of one transaction."""


@dataclass(frozen=True)
class Charge:
    """Units to take from one batch: from `before` to `after` units left."""

    batch: Batch
    after: int

    @property
    def units(self) -> int:
        return self.batch.quantity - self.after


@dataclass(frozen=True)
class Plan:
    """One transaction's worth of work. `is_last` says that nothing is left to do after it.

    `batch_units` is what the batches on the roster add up to after it; `mends_roster` says that this is all it does.
    `written_off` is in units; `next_expiry` (s since the epoch) is the new guard where batches leave the roster.
    """

    charges: tuple[Charge, ...] = ()
    written_off: int = 0
    due: tuple[Batch, ...] = ()
    gone: tuple[str, ...] = ()
    next_expiry: int | None = None
    batch_units: int = 0
    mends_roster: bool = False
    is_skewed: bool = False
    is_last: bool = True

    @property
    def changes_roster(self) -> bool:
        return bool(self.due or self.gone)

    @property
    def is_empty(self) -> bool:
        return not (self.charges or self.changes_roster or self.mends_roster or self.is_skewed)

    @property
    def allocated(self) -> int:
        """Units charged to batches."""
        return sum(charge.units for charge in self.charges)


def plan(holding: Holding, now: int, limit: int = MAX_ACTIONS) -> Plan:
    """The next transaction for one ingredient, of at most `limit` actions; it leaves every invariant true.

    The rows of `holding` must have been read whole: they add up to what the roster says, or were settled.
    """
    counted = holding.counted
    live = [batch for batch in counted if not batch.is_due(now)]
    due = [batch for batch in counted if batch.is_due(now)]
    gone = holding.gone
    surplus = sum(batch.quantity for batch in live) - holding.level.quantity
    charges = _charges(live, surplus)
    if not due and not gone:
        return _allocation(holding, charges, surplus, limit)
    room = limit - 2  # the level and the roster
    due_now = due[:room]
    gone_now = list(gone[: room - len(due_now)])
    charges_now = charges[: room - len(due_now) - len(gone_now)]
    return Plan(
        charges=tuple(charges_now),
        written_off=max(0, -surplus),
        due=tuple(due_now),
        gone=tuple(gone_now),
        next_expiry=_next_expiry(due[len(due_now) :], live, charges_now),
        batch_units=holding.batch_units - sum(batch.quantity for batch in due_now) - _units(charges_now),
        is_last=len(due) + len(gone) + len(charges) <= room,
    )


def _allocation(holding: Holding, charges: list[Charge], surplus: int, limit: int) -> Plan:
    charges_now = charges[: limit - 1]  # the roster comes with them
    batch_units = holding.batch_units - _units(charges_now)
    return Plan(
        charges=tuple(charges_now),
        batch_units=batch_units,
        mends_roster=not charges and batch_units != holding.roster.batch_units,
        is_skewed=surplus < 0,
        is_last=len(charges_now) == len(charges),
    )


def _units(charges: list[Charge]) -> int:
    return sum(charge.units for charge in charges)


def charged(holding: Holding, units: int, now: int) -> tuple[tuple[Charge, ...], int]:
    """Which batches a use of so many units would be charged to, were it the next; and how many units are missing.

    Uses that still wait to be allocated are charged first.
    """
    live = [batch for batch in holding.counted if not batch.is_due(now)]
    waiting = max(0, sum(batch.quantity for batch in live) - holding.level.quantity)
    left = {charge.batch.batch_id: charge.after for charge in _charges(live, waiting)}
    live = [replace(batch, quantity=left.get(batch.batch_id, batch.quantity)) for batch in live]
    available = sum(batch.quantity for batch in live)
    return tuple(_charges(live, units)), max(0, units - available)


def _charges(live: list[Batch], units: int) -> list[Charge]:
    charges = []
    for batch in live:
        if units <= 0:
            break
        taken = min(units, batch.quantity)
        if taken:
            charges.append(Charge(batch, batch.quantity - taken))
        units -= taken
    return charges


def _next_expiry(still_due: list[Batch], live: list[Batch], charges: list[Charge]) -> int | None:
    """The soonest expiry among the batches that stay and have stock: due ones that did not fit keep uses waiting."""
    left = {charge.batch.batch_id: charge.after for charge in charges}
    stocked = [batch for batch in (*still_due, *live) if left.get(batch.batch_id, batch.quantity)]
    return min((batch.expires_at for batch in stocked), default=None)
