"""Return: units of a transaction come back as batches with their best-befores (stockctl/README.md, "Return")."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain

from stockctl.domain.commit import Commit
from stockctl.domain.compact_json import compact_json
from stockctl.domain.instants import iso
from stockctl.domain.reconciliation import MAX_ACTIONS
from stockctl.domain.returns import (
    PREFIX,
    Excess,
    NoTransaction,
    NotRecorded,
    Return,
    Returned,
    ReturnedUnits,
    ReturnOutcome,
    TooMany,
    TooWide,
    coming_back,
    merged,
)
from stockctl.domain.stock import Batch, Level
from stockctl.operations import conditions
from stockctl.operations.history_table import HistoryTable
from stockctl.operations.receive import Arrival, arriving
from stockctl.operations.reconcile import reconcile
from stockctl.operations.rows import Action, TableRow, batch_from, batch_key, record_key, update
from stockctl.operations.serving import ServedItem, UseRecord, served_units
from stockctl.operations.transact import Cancelled, TooLarge, isolated_rows, outcome_of, transact
from stockctl.operations.transaction_records import record_once, repeated
from stockctl.operations.use import Tables

RECORDED_WITHIN = timedelta(minutes=15)
"""History has level changes and charges within seconds; one that it lacks for so long, it may never get."""


@dataclass(frozen=True)
class Returns:
    """Where returns happen: the tables, and the history that says what was served from where."""

    tables: Tables
    history: HistoryTable


def return_units(place: Returns, request: Return) -> ReturnOutcome:
    """Brings the units back into stock, all or nothing. The same request again is answered, not carried out again.

    Raises:
        Busy: contention, or charges that are not recorded yet, outlasted the deadline; nothing changed.
    """
    what = f"returning units of {request.transaction_id}"
    return outcome_of(place.tables.patience, what, lambda: _attempt(place, request))


def outstanding(tables: Tables, transaction_id: str) -> Mapping[str, int]:
    """Units of a transaction that no return has dealt with, by ingredient; none where there is no such transaction."""
    record = tables.record(transaction_id)
    return UseRecord.of(record).outstanding if record and "items" in record else {}


def _attempt(place: Returns, request: Return) -> ReturnOutcome | None:
    """The outcome of one attempt; None if another attempt is needed."""
    tables = place.tables
    keys = [record_key(name) for name in (PREFIX + request.return_id, request.transaction_id)]
    earlier, record = isolated_rows(tables.stock.client, tables.transactions, keys)
    if earlier is not None:
        return repeated(earlier, request.request_hash, lambda row: Returned(parts_in(row), replayed=True))
    if record is None or "items" not in record:
        return NoTransaction()
    use = UseRecord.of(record)
    wanted = request.items or use.outstanding
    if excesses := _excesses(use, wanted):
        return TooMany(excesses)
    served = [_served(place, use, name, units) for name, units in wanted.items() if units]
    if not place.history.days or not use.commit_id:
        return NotRecorded()
    if missing := [item for item in served if not item.is_complete]:
        now = tables.clock()
        are_coming = all(item.pending or _is_recent(item.charged_by or use.at, now) for item in missing)
        return None if are_coming else NotRecorded()
    return _brought_back(place, request, use, wanted, served)


def parts_in(record: TableRow) -> tuple[ReturnedUnits, ...]:
    """The units that the record of a return holds."""
    return tuple(ReturnedUnits(*one) for one in json.loads(record["parts"]["S"]))


def _excesses(use: UseRecord, wanted: Mapping[str, int]) -> tuple[Excess, ...]:
    """What is too much; all of it where nothing is left to come back."""
    found = []
    for name, units in wanted.items():
        taken, returned = use.items.get(name, 0), use.returned.get(name, 0)
        if units > taken - returned or not any(wanted.values()):
            found.append(Excess(name, units, taken, returned))
    return tuple(found)


def _is_recent(at: str, now: float) -> bool:
    return datetime.fromtimestamp(now, UTC) - datetime.fromisoformat(at) < RECORDED_WITHIN


def _served(place: Returns, use: UseRecord, ingredient: str, units: int) -> ServedItem:
    """What the next units to come back were served from: those that expire soonest come back first."""
    tables, returned = place.tables, use.returned.get(ingredient, 0)
    reconcile(tables.stock, ingredient, tables.clock, tables.patience)
    now = datetime.fromtimestamp(tables.clock(), UTC)
    return served_units(tables.stock, place.history, use, ingredient, range(returned, returned + units), now)


def _brought_back(
    place: Returns, request: Return, use: UseRecord, wanted: Mapping[str, int], served: Sequence[ServedItem]
) -> ReturnOutcome | None:
    tables = place.tables
    units = merged(part for item in served for part in _units(tables, item))
    levels = {level.ingredient: level for level in tables.stock.levels([item.ingredient for item in served])}
    now = tables.clock()  # after the levels, as in Receive
    parts = tuple(coming_back(units, request.return_id, int(now)))
    batches = [_batch(request, part, now) for part in parts if part.is_back]
    commit = Commit.of([PREFIX, request.return_id], now)
    actions = [
        _put_record(tables.transactions, request, parts, commit),
        _count_returned(tables.transactions, request, use, wanted),
        *_arrivals(tables.stock.name, request, batches, levels, commit),
    ]
    if len(actions) > MAX_ACTIONS:
        return TooWide()
    try:
        transact(tables.stock.client, actions)
    except TooLarge:
        return TooWide()
    except Cancelled:
        return None
    return Returned(parts)


def _units(tables: Tables, item: ServedItem) -> Iterable[ReturnedUnits]:
    """The units of one ingredient in the order in which they were served.

    A row is removed only once its batch has expired: what was served from a batch without a row has expired.
    """
    charges = [(part.charge, part.units) for part in item.parts if part.charge]
    expiries = _expiries(tables, item.ingredient, sorted({charge.batch_id for charge, _ in charges if charge.batch_id}))
    for charge, units in charges:
        expires_at = expiries.get(charge.batch_id, 0)
        yield ReturnedUnits(item.ingredient, units, charge.best_before, charge.delivery, expires_at)


def _expiries(tables: Tables, ingredient: str, ids: Sequence[str]) -> dict[str, int]:
    """When batches expire (s since the epoch), of those that still have rows."""
    keys = [batch_key(ingredient, batch_id) for batch_id in ids]
    rows = isolated_rows(tables.stock.client, tables.stock.name, keys)
    return {batch.batch_id: batch.expires_at for batch in (batch_from(row) for row in rows if row)}


def _batch(request: Return, part: ReturnedUnits, now: float) -> Batch:
    return Batch(
        ingredient=part.ingredient,
        batch_id=part.batch_id,
        delivery=part.delivery,
        quantity=part.units,
        received=part.units,
        best_before=part.best_before,
        expires_at=part.expires_at,
        etag=request.request_hash,
        received_at=iso(now),
    )


def _arrivals(
    table: str, request: Return, batches: Iterable[Batch], levels: Mapping[str, Level], commit: Commit
) -> Iterable[Action]:
    by_ingredient: dict[str, list[Batch]] = {}
    for batch in batches:
        by_ingredient.setdefault(batch.ingredient, []).append(batch)
    arrival = Arrival("returned", f"return {request.return_id}", commit)
    return chain.from_iterable(arriving(table, mine, levels[name], arrival) for name, mine in by_ingredient.items())


def _put_record(table: str, request: Return, parts: Sequence[ReturnedUnits], commit: Commit) -> Action:
    attributes = {
        "status": "returned",
        "returned_transaction": request.transaction_id,
        "parts": compact_json([astuple(part) for part in parts]),
        "commit_id": commit.commit_id,
    }
    return record_once(table, PREFIX + request.return_id, request.request_hash, commit.at, attributes)


def _count_returned(table: str, request: Return, use: UseRecord, wanted: Mapping[str, int]) -> Action:
    """Counts the units on the transaction's record, if it is as it was read: no more comes back than was taken."""
    after = {**use.returned, **{name: use.returned.get(name, 0) + units for name, units in wanted.items()}}
    before = {":before": compact_json(use.returned)} if use.returned else {}
    return update(
        table,
        record_key(request.transaction_id),
        "SET returned = :after",
        conditions.HAS_SAME_RETURNS if before else conditions.HAS_RETURNED_NOTHING,
        {":after": compact_json(after), **before},
    )
