"""Reconcile: make the level and batches of one ingredient agree again (stockctl/README.md, "Reconcile")."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from stockctl.aws.retry import Patience
from stockctl.domain.commit import Commit
from stockctl.domain.instants import iso
from stockctl.domain.reconciliation import Charge, Plan, plan
from stockctl.domain.stock import Batch, Holding
from stockctl.operations import conditions
from stockctl.operations.rows import batch_key, level_key, number, roster_key, text
from stockctl.operations.stock_table import StockTable
from stockctl.operations.transact import Cancelled, Contended, transact

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

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


def _actions(table: str, holding: Holding, work: Plan, now: float) -> list[TransactWriteItemTypeDef]:
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


def _charge_roster(table: str, holding: Holding, work: Plan) -> TransactWriteItemTypeDef:
    """Charges alone write the roster, not the level: they never compete for the busy row."""
    return {
        "Update": {
            "TableName": table,
            "Key": roster_key(holding.level.ingredient),
            "UpdateExpression": "SET batch_units = :left",
            "ConditionExpression": conditions.all_of(conditions.IS_SAME_GENERATION, conditions.HAS_SAME_UNITS),
            "ExpressionAttributeValues": {
                ":left": number(work.batch_units),
                ":generation": number(holding.roster.generation),
                ":batch_units": number(holding.roster.batch_units),
            },
        }
    }


def _charge(table: str, charge: Charge, now: float) -> TransactWriteItemTypeDef:
    return {
        "Update": {
            "TableName": table,
            "Key": batch_key(charge.batch.ingredient, charge.batch.batch_id),
            "UpdateExpression": "SET quantity = :after, charged_through = :through, charged_at = :now",
            "ConditionExpression": conditions.HAS_SAME_QUANTITY,
            "ExpressionAttributeValues": {
                ":before": number(charge.batch.quantity),
                ":after": number(charge.after),
                ":through": number(charge.through),
                ":now": text(iso(now)),
            },
        }
    }


def _move_expiry(table: str, holding: Holding, work: Plan) -> TransactWriteItemTypeDef:
    """The batch that the level's `next_expiry` stood for is used up. No unit moves, so the level keeps its version."""
    expiry = {":next_expiry": number(work.next_expiry)} if work.next_expiry is not None else {}
    return {
        "Update": {
            "TableName": table,
            "Key": level_key(holding.level.ingredient),
            "UpdateExpression": "SET next_expiry = :next_expiry" if expiry else "REMOVE next_expiry",
            "ConditionExpression": conditions.IS_SAME_GENERATION,
            "ExpressionAttributeValues": {":generation": number(holding.level.generation), **expiry},
        }
    }


def _lower_level(table: str, holding: Holding, work: Plan, now: float) -> TransactWriteItemTypeDef:
    """Takes expired units out of the level. Dropping empty batches changes no units and needs no version."""
    guard = "SET next_expiry = :next_expiry, " if work.next_expiry is not None else "REMOVE next_expiry SET "
    uncharged = ", uncharged_units = :uncharged, uncharged_through = :through" if work.uncharged else ""
    values = {
        ":minus_units": number(-work.written_off),
        ":units": number(work.written_off),
        ":one": number(1),
        ":cause": text(EXPIRED),
        ":now": text(iso(now)),
        ":commit": text(Commit.of([EXPIRED, *_leaving(work)], now).commit_id),
        ":generation": number(holding.level.generation),
    }
    if work.next_expiry is not None:
        values[":next_expiry"] = number(work.next_expiry)
    if work.uncharged:
        values |= {":uncharged": number(work.uncharged), ":through": number(work.uncharged_through)}
    condition = conditions.IS_SAME_GENERATION
    if work.written_off:
        values[":version"] = number(holding.level.version)
        condition = conditions.all_of(condition, conditions.IS_SAME_VERSION)
    return {
        "Update": {
            "TableName": table,
            "Key": level_key(holding.level.ingredient),
            "UpdateExpression": "ADD quantity :minus_units, expired :units, version :one, generation :one "
            f"{guard}cause = :cause, updated_at = :now, commit_id = :commit{uncharged}",
            "ConditionExpression": condition,
            "ExpressionAttributeValues": values,
        }
    }


def _shrink_roster(table: str, holding: Holding, work: Plan) -> TransactWriteItemTypeDef:
    return {
        "Update": {
            "TableName": table,
            "Key": roster_key(holding.level.ingredient),
            "UpdateExpression": "DELETE batches :ids ADD generation :one SET batch_units = :left",
            "ConditionExpression": conditions.all_of(conditions.IS_SAME_GENERATION, conditions.HAS_SAME_UNITS),
            "ExpressionAttributeValues": {
                ":ids": {"SS": _leaving(work)},
                ":one": number(1),
                ":left": number(work.batch_units),
                ":generation": number(holding.roster.generation),
                ":batch_units": number(holding.roster.batch_units),
            },
        }
    }


def _leaving(work: Plan) -> list[str]:
    """The ids of the batches that leave the roster."""
    return [*(batch.batch_id for batch in work.due), *work.gone]


def _delete_due(table: str, batch: Batch) -> TransactWriteItemTypeDef:
    return {
        "Delete": {
            "TableName": table,
            "Key": batch_key(batch.ingredient, batch.batch_id),
            "ConditionExpression": conditions.HAS_SAME_QUANTITY,
            "ExpressionAttributeValues": {":before": number(batch.quantity)},
        }
    }


def _check_gone(table: str, ingredient: str, batch_id: str) -> TransactWriteItemTypeDef:
    """A running delivery, whose row could not be read yet, cancels the transaction instead of losing its batch."""
    return {
        "ConditionCheck": {
            "TableName": table,
            "Key": batch_key(ingredient, batch_id),
            "ConditionExpression": conditions.DOES_NOT_EXIST,
        }
    }
