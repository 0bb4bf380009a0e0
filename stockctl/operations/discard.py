"""Discard: taking units out of stock that were not used (stockctl/README.md, "Discard")."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import astuple

from stockctl.domain.commit import Commit
from stockctl.domain.compact_json import compact_json
from stockctl.domain.discard import PREFIX, Discard, Discarded, DiscardOutcome, Removal, TooFew, chosen, units_of
from stockctl.domain.errors import OutcomeUnknown
from stockctl.domain.stock import Batch, Holding
from stockctl.domain.transaction import Reused, Unknown
from stockctl.operations import conditions, rows
from stockctl.operations.reconcile import reconcile
from stockctl.operations.transact import Cancelled, isolated_rows, outcome_of, transact
from stockctl.operations.transaction_records import record_once, repeated
from stockctl.operations.use import Tables


def discard(tables: Tables, request: Discard) -> DiscardOutcome:
    """Takes the units out of stock, or changes nothing. A repeat of a discard that was made changes nothing.

    Raises:
        Busy: contention outlasted the deadline; nothing changed.
    """
    return outcome_of(tables.patience, f"discarding {request.ingredient}", lambda: _attempt(tables, request))


def units_taken_out(tables: Tables, request: Discard) -> int:
    """Takes the units out of stock, as `discard` does, and returns how many the request took, now or before.

    Raises:
        Busy: contention outlasted the deadline; nothing changed.
        OutcomeUnknown: an answer was lost; repeating it finds out.
    """
    outcome = discard(tables, request)
    if isinstance(outcome, Unknown):
        raise OutcomeUnknown(f"no response: {request.ingredient} may have been discarded")
    return units_of(outcome.removals) if isinstance(outcome, Discarded) else 0


def _attempt(tables: Tables, request: Discard) -> DiscardOutcome | None:
    """What one attempt came to; None where another one is needed."""
    reconcile(tables.stock, request.ingredient, tables.clock, tables.patience)
    holding = tables.stock.read(request.ingredient)
    if holding is None:
        return _known(tables, request) or TooFew(0)
    if not holding.is_consistent:  # a row may not be visible yet, so neither choose batches nor refuse on these rows
        return None
    now = tables.clock()
    batches = chosen(holding, request, int(now))
    if not isinstance(batches, tuple):
        return _known(tables, request) or batches
    try:
        transact(tables.stock.client, _actions(tables, holding, request, batches, now))
    except Cancelled as cancelled:
        record = cancelled.reasons[0]
        return _repeated(request, record.row) if record.is_failed_condition else None
    return Discarded(removals_of(holding, batches))


def _known(tables: Tables, request: Discard) -> Discarded | Reused | None:
    """The answer to a request whose id is known; None where it is not.

    Raises:
        Contended: a running transaction may be recording it.
    """
    key = rows.record_key(PREFIX + request.discard_id)
    return _repeated(request, isolated_rows(tables.stock.client, tables.transactions, [key])[0])


def _repeated(request: Discard, record: rows.TableRow | None) -> Discarded | Reused | None:
    return repeated(record, request.request_hash, lambda row: Discarded(removals_in(row), replayed=True))


def removals_in(record: rows.TableRow) -> tuple[Removal, ...]:
    """The removals that a discard's record holds."""
    return tuple(Removal(*one) for one in json.loads(record["removals"]["S"]))


def removals_of(holding: Holding, batches: Sequence[Batch]) -> tuple[Removal, ...]:
    """What these batches lose, each being what is left of one of the holding's."""
    before = {batch.batch_id: batch.quantity for batch in holding.batches}
    return tuple(
        Removal(batch.batch_id, batch.delivery, batch.best_before, before[batch.batch_id] - batch.quantity)
        for batch in batches
    )


def _actions(
    tables: Tables, holding: Holding, request: Discard, batches: Sequence[Batch], now: float
) -> list[rows.Action]:
    commit = Commit.of([PREFIX, request.discard_id], now)
    table, removals = tables.stock.name, removals_of(holding, batches)
    units = units_of(removals)
    record = _put_record(tables.transactions, request, removals, commit)
    if not removals:  # nothing to take: the record tells a repeat so, even if there is stock again by then
        return [record]
    return [
        record,
        _take_from_level(table, holding, request, units, commit),
        _take_from_roster(table, holding, units),
        *(_take_from_batch(table, batch, removal.units) for batch, removal in zip(batches, removals, strict=True)),
    ]


def _put_record(table: str, request: Discard, removals: Sequence[Removal], commit: Commit) -> rows.Action:
    attributes: rows.Values = {
        "status": "discarded",
        "ingredient": request.ingredient,
        "units": units_of(removals),
        "reason": request.reason,
        "removals": compact_json([astuple(removal) for removal in removals]),
        "commit_id": commit.commit_id,
    }
    return record_once(table, PREFIX + request.discard_id, request.request_hash, commit.at, attributes)


def _take_from_level(table: str, holding: Holding, request: Discard, units: int, commit: Commit) -> rows.Action:
    return rows.update(
        table,
        rows.level_key(request.ingredient),
        f"ADD quantity :minus_units, discarded :units, version :one, generation :one SET {rows.STAMP}",
        conditions.all_of(conditions.IS_AVAILABLE, conditions.IS_SAME_GENERATION),
        {
            ":minus_units": -units,
            ":units": units,
            ":generation": holding.level.generation,
            **rows.stamp(request.cause, commit),
        },
    )


def _take_from_roster(table: str, holding: Holding, units: int) -> rows.Action:
    return rows.update(
        table,
        rows.roster_key(holding.level.ingredient),
        "ADD batch_units :minus_units, generation :one",
        conditions.IS_SAME_GENERATION,
        {":minus_units": -units, ":one": 1, ":generation": holding.roster.generation},
    )


def _take_from_batch(table: str, after: Batch, units: int) -> rows.Action:
    return rows.update(
        table,
        rows.batch_key(after.ingredient, after.batch_id),
        "ADD discarded :units SET quantity = :after",
        conditions.HAS_SAME_QUANTITY,
        {":units": units, ":after": after.quantity, ":before": after.quantity + units},
    )
