"""Reconcile: make the level and batches of one ingredient agree again (stockctl/README.md, "Reconcile")."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from stockctl.aws.retry import Patience
from stockctl.domain.commit import Commit
from stockctl.domain.instants import iso
from stockctl.domain.reconciliation import Charge, Plan, plan
from stockctl.domain.stock import Batch, Holding
from stockctl.operations import conditions
from stockctl.operations.rows import STAMP, Action, batch_key, in_format, level_key, roster_key, stamp, update
from stockctl.operations.stock_table import StockTable
from stockctl.operations.transact import Cancelled, Contended, transact

EXPIRED = "expired"
"""Cause of a write-off."""


@dataclass(frozen=True)
class Reconciled:
    """Units that one reconciliation found and moved; `drift` is from the first reading."""

    ingredient: str
    drift: int = 0
    allocated: int = 0
    written_off: int = 0

    def plus(self, work: Plan) -> Reconciled:
        """The result with one more plan carried out."""
        return replace(self, allocated=self.allocated + work.allocated, written_off=self.written_off + work.written_off)


def reconcile(table: StockTable, ingredient: str, clock: Callable[[], float], patience: Patience) -> Reconciled:
    """Charges and writes off until the batches on the roster add up to the level. Safe to repeat
    and to run concurrently.

    `clock` gives the time in seconds since the epoch.

    Raises:
        Busy: others kept changing the ingredient until the deadline; nothing is half done.
    """
    total = Reconciled(ingredient)
    holding = table.read(ingredient)
    if holding is not None:
        total = replace(total, drift=holding.drift)
    for _ in patience.attempts(f"reconciling {ingredient}"):
        while holding is not None:
            work = _done(table, holding, clock())
            if work is None:
                break
            total = total.plus(work)
            if work.is_last:
                return total
            holding = table.read(ingredient)
        else:
            return total
        holding = table.read(ingredient)
    raise AssertionError  # attempts end by raising


def _done(table: StockTable, holding: Holding, now: float) -> Plan | None:
    """Carries out one plan as one transaction. Returns None if the reading was torn or is outdated: read again."""
    try:
        if not holding.is_consistent:
            holding = table.with_isolated_batches(holding)
        work = plan(holding, int(now))
        if work.is_skewed:
            return None
        if not work.is_empty:
            transact(table.client, _actions(table.name, holding, work, now))
    except (Cancelled, Contended):
        return None
    return work


def _actions(table: str, holding: Holding, work: Plan, now: float) -> list[Action]:
    ingredient = holding.level.ingredient
    if work.moves_expiry:
        return [_move_expiry(table, holding, work)]
    charges = [_charge(table, charge, now) for charge in work.charges]
    if not work.changes_roster:
        return [_charge_roster(table, holding, work), *charges]
    return [
        _lower_level(table, holding, work, now),
        _shrink_roster(table, holding, work),
        *(_delete_due(table, batch) for batch in work.due),
        *(_check_gone(table, ingredient, batch_id) for batch_id in work.gone),
        *charges,
    ]


def _charge_roster(table: str, holding: Holding, work: Plan) -> Action:
    """Charges alone write the roster, not the level: they never compete for the busy row."""
    roster = holding.roster
    return update(
        table,
        roster_key(holding.level.ingredient),
        "SET batch_units = :left",
        conditions.all_of(conditions.IS_SAME_GENERATION, conditions.HAS_SAME_UNITS),
        {":left": work.batch_units, ":generation": roster.generation, ":batch_units": roster.batch_units},
    )


def _charge(table: str, charge: Charge, now: float) -> Action:
    batch = charge.batch
    return update(
        table,
        batch_key(batch.ingredient, batch.batch_id),
        "SET quantity = :after, charged_through = :through, charged_at = :now",
        conditions.HAS_SAME_QUANTITY,
        {":before": batch.quantity, ":after": charge.after, ":through": charge.through, ":now": iso(now)},
    )


def _move_expiry(table: str, holding: Holding, work: Plan) -> Action:
    """The batch that the level's `next_expiry` stood for is used up. No unit moves, so the level keeps its version."""
    expiry = {":next_expiry": work.next_expiry} if work.next_expiry is not None else {}
    return update(
        table,
        level_key(holding.level.ingredient),
        "SET next_expiry = :next_expiry" if expiry else "REMOVE next_expiry",
        conditions.IS_SAME_GENERATION,
        {":generation": holding.level.generation, **expiry},
    )


def _lower_level(table: str, holding: Holding, work: Plan, now: float) -> Action:
    """Takes expired units out of the level. Dropping empty batches changes no units and needs no version."""
    guard = "SET next_expiry = :next_expiry, " if work.next_expiry is not None else "REMOVE next_expiry SET "
    uncharged = ", uncharged_units = :uncharged, uncharged_through = :through" if work.uncharged else ""
    values = {
        ":minus_units": -work.written_off,
        ":units": work.written_off,
        ":generation": holding.level.generation,
        **stamp(EXPIRED, Commit.of([EXPIRED, *_leaving(work)], now)),
    }
    if work.next_expiry is not None:
        values[":next_expiry"] = work.next_expiry
    if work.uncharged:
        values |= {":uncharged": work.uncharged, ":through": work.uncharged_through}
    condition = conditions.IS_SAME_GENERATION
    if work.written_off:
        values[":version"] = holding.level.version
        condition = conditions.all_of(condition, conditions.IS_SAME_VERSION)
    return update(
        table,
        level_key(holding.level.ingredient),
        f"ADD quantity :minus_units, expired :units, version :one, generation :one {guard}{STAMP}{uncharged}",
        condition,
        values,
    )


def _shrink_roster(table: str, holding: Holding, work: Plan) -> Action:
    return update(
        table,
        roster_key(holding.level.ingredient),
        "DELETE batches :ids ADD generation :one SET batch_units = :left",
        conditions.all_of(conditions.IS_SAME_GENERATION, conditions.HAS_SAME_UNITS),
        {
            ":ids": _leaving(work),
            ":one": 1,
            ":left": work.batch_units,
            ":generation": holding.roster.generation,
            ":batch_units": holding.roster.batch_units,
        },
    )


def _leaving(work: Plan) -> list[str]:
    """The ids of the batches that leave the roster."""
    return [*(batch.batch_id for batch in work.due), *work.gone]


def _delete_due(table: str, batch: Batch) -> Action:
    return {
        "Delete": {
            "TableName": table,
            "Key": batch_key(batch.ingredient, batch.batch_id),
            "ConditionExpression": conditions.HAS_SAME_QUANTITY,
            "ExpressionAttributeValues": in_format({":before": batch.quantity}),
        }
    }


def _check_gone(table: str, ingredient: str, batch_id: str) -> Action:
    """A running delivery, whose row could not be read yet, cancels the transaction instead of losing its batch."""
    return {
        "ConditionCheck": {
            "TableName": table,
            "Key": batch_key(ingredient, batch_id),
            "ConditionExpression": conditions.DOES_NOT_EXIST,
        }
    }
