"""Use: take all items of a transaction, or none (stockctl/README.md, "Use")."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from stockctl.aws.retry import Patience
from stockctl.domain.commit import Commit
from stockctl.domain.compact_json import compact_json
from stockctl.domain.transaction import Accepted, Insufficient, Outcome, Reused, Shortage, Transaction
from stockctl.operations import conditions
from stockctl.operations.reconcile import reconcile
from stockctl.operations.rows import STAMP, Action, TableRow, level_from, level_key, stamp, update
from stockctl.operations.stock_table import StockTable
from stockctl.operations.transact import Cancelled, Reason, outcome_of, transact
from stockctl.operations.transaction_records import find_record, record_once, repeated


@dataclass(frozen=True)
class Tables:
    """Stock table, name of the transaction table, clock (seconds since the epoch), and how long to retry."""

    stock: StockTable
    transactions: str
    clock: Callable[[], float]
    patience: Patience

    def record(self, record_id: str) -> TableRow | None:
        """The record with this id in the transaction table; None if there is none."""
        return find_record(self.stock.client, self.transactions, record_id)


def use(tables: Tables, transaction: Transaction) -> Outcome:
    """Takes every item in full, or changes nothing. A repeat of the same id and items is replayed.

    Raises:
        Busy: contention outlasted the deadline; nothing changed.
    """
    return outcome_of(
        tables.patience, f"transaction {transaction.transaction_id}", lambda: _attempt(tables, transaction)
    )


def _attempt(tables: Tables, transaction: Transaction) -> Outcome | None:
    """The outcome of one attempt; None if another attempt is needed."""
    now = tables.clock()
    try:
        transact(tables.stock.client, _actions(tables, transaction, now))
    except Cancelled as cancelled:
        return _outcome(tables, transaction, cancelled, now)
    return Accepted(transaction.items)


def _actions(tables: Tables, transaction: Transaction, now: float) -> list[Action]:
    cause = f"use {transaction.transaction_id}"
    commit = Commit.of([cause], now)
    takes = [take(tables.stock.name, name, units, cause, commit) for name, units in transaction.items.items()]
    return [put_record(tables.transactions, transaction, commit), *takes]


def put_record(
    table: str, transaction: Transaction, commit: Commit, units_after: Mapping[str, int] | None = None
) -> Action:
    """The action that records a transaction's id.

    `units_after` are the units that later members of its group take, by ingredient; none for a single use.
    """
    offsets = [units_after.get(name, 0) for name in transaction.items] if units_after else []
    attributes = {
        "items": compact_json(list(transaction.items.items())),
        "status": "accepted",
        "commit_id": commit.commit_id,
        **({"units_after": compact_json(offsets)} if any(offsets) else {}),
    }
    return record_once(table, transaction.transaction_id, transaction.request_hash, commit.at, attributes)


def take(table: str, ingredient: str, units: int, cause: str, commit: Commit) -> Action:
    """The action that takes units out of a level, if that many are available and none of them may have expired."""
    return update(
        table,
        level_key(ingredient),
        f"ADD quantity :minus_units, used :units, version :one SET {STAMP}",
        conditions.all_of(conditions.IS_AVAILABLE, conditions.IS_UNGUARDED),
        {":minus_units": -units, ":units": units, ":now": int(commit.at), **stamp(cause, commit)},
        shows_row=True,
    )


def _outcome(tables: Tables, transaction: Transaction, cancelled: Cancelled, now: float) -> Outcome | None:
    """The outcome of a failed condition; None if the transaction should be tried again."""
    record, *takes = cancelled.reasons
    if record.is_failed_condition:
        return known(transaction, record.row)
    if record.is_contention:  # the same id is being committed: it may have caused this shortage itself
        return None
    failed = dict(zip(transaction.items, takes, strict=True))
    failed = {name: reason for name, reason in failed.items() if reason.is_failed_condition}
    guarded = [name for name, reason in failed.items() if reason.row and level_from(reason.row).is_guarded(int(now))]
    for name in guarded:
        reconcile(tables.stock, name, tables.clock, tables.patience)
    if guarded:
        return None
    return Insufficient(tuple(_shortage(name, transaction.items[name], reason) for name, reason in failed.items()))


def known(transaction: Transaction, record: TableRow | None) -> Accepted | Reused | None:
    """The answer to a transaction whose id has this record; None if TTL has removed the record meanwhile."""
    return repeated(
        record, transaction.request_hash, lambda row: Accepted(dict(json.loads(row["items"]["S"])), replayed=True)
    )


def _shortage(ingredient: str, requested: int, reason: Reason) -> Shortage:
    available = level_from(reason.row).quantity if reason.row else 0
    return Shortage(ingredient, requested, available)
