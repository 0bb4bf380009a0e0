"""Recall: take what is left of a delivery out of stock, and find the transactions that it went into."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from stockctl.aws.errors import CONDITION_FAILED, unless_refused
from stockctl.domain.delivery import belongs_to
from stockctl.domain.discard import Discard, Discarded, Removal, TooFew, chosen, units_of
from stockctl.domain.errors import OutcomeUnknown
from stockctl.domain.history import ChargeEntry, LevelEntry
from stockctl.domain.instants import iso
from stockctl.domain.stock import Batch
from stockctl.domain.transaction import RESERVED_PREFIX, Unknown
from stockctl.operations import conditions
from stockctl.operations.discard import discard, removals_of
from stockctl.operations.history_table import HistoryTable
from stockctl.operations.reconcile import reconcile
from stockctl.operations.rows import TableRow, in_format
from stockctl.operations.serving import CLOCK_DIFFERENCE, UseRecord
from stockctl.operations.use import Tables

REASON = "recall"
RECALLED_PREFIX = "recall#"


@dataclass(frozen=True)
class ServedUse:
    """Units of one ingredient that a transaction took from a delivery."""

    transaction_id: str
    at: str
    ingredient: str
    units: int


@dataclass(frozen=True)
class Trace:
    """What one ingredient's history has of a delivery: its charges, and the units ever used after each commit.

    `is_complete` is False where history does not have the latest changes yet. `unrecorded` are units that were used
    of its batches and whose charge history does not have: an earlier version made it, or history was off.
    """

    charges: tuple[ChargeEntry, ...]
    used_after: Mapping[str, int]
    is_complete: bool
    unrecorded: int

    @property
    def units(self) -> int:
        """Units of the delivery that transactions took, as far as its batches or history show."""
        return sum(charge.units for charge in self.charges) + self.unrecorded


def recorded_at(tables: Tables, delivery: str, parts: Sequence[str]) -> datetime | None:
    """When the first row of a delivery or its parts was recorded; None if it is not known, or has no recorded row."""
    return min(filter(None, (_claimed_at(tables, key) for key in (delivery, *parts))), default=None)


def _claimed_at(tables: Tables, delivery: str) -> datetime | None:
    row = tables.record(RESERVED_PREFIX + delivery)
    return datetime.fromisoformat(row["at"]["S"]) if row else None


def left_of(tables: Tables, delivery: str, ingredient: str) -> tuple[Removal, ...]:
    """What of a delivery and its parts can be taken out of stock, with what came back."""
    holding = tables.stock.read(ingredient)
    batches = holding.counted if holding else ()
    mine = tuple(batch.batch_id for batch in batches if belongs_to(batch.delivery, delivery))
    if holding is None or not mine:  # a discard that names no batch takes from any
        return ()
    everything = Discard("", ingredient, sys.maxsize, REASON, batch_ids=mine, up_to=True)
    found = chosen(holding, everything, int(tables.clock()))
    return () if isinstance(found, TooFew) else removals_of(holding, found)


def mark_recalled(tables: Tables, delivery: str) -> str | None:
    """Records that a delivery is recalled, before anything is taken out. Returns when it was, if it was before."""
    row = in_format({"transaction_id": RECALLED_PREFIX + delivery, "at": iso(tables.clock())})
    put = partial(tables.stock.client.put_item, TableName=tables.transactions, Item=row)
    is_first = unless_refused(lambda: put(ConditionExpression=conditions.IS_NEW), CONDITION_FAILED) is not None
    return None if is_first else recalled_at(tables, delivery)


def recalled_at(tables: Tables, delivery: str) -> str | None:
    """When a whole delivery was first recalled; None if it was not."""
    row = tables.record(RECALLED_PREFIX + delivery)
    return row["at"]["S"] if row else None


def take_out(tables: Tables, delivery: str, ingredient: str, recall_id: str) -> tuple[Removal, ...]:
    """Discards what is left of a delivery, as discards `<recall id>/<ingredient>`. A repeat finds nothing left.

    Raises:
        Busy: others kept changing the ingredient until the deadline; repeating takes out the rest.
        OutcomeUnknown: no answer came; the same.
    """
    removals: tuple[Removal, ...] = ()
    number = 1
    for _ in tables.patience.attempts(f"recalling {ingredient}"):
        reconcile(tables.stock, ingredient, tables.clock, tables.patience)
        left = left_of(tables, delivery, ingredient)
        if not left:
            return removals
        name = f"{recall_id}/{ingredient}" + (f"/{number}" if number > 1 else "")
        batch_ids = tuple(one.batch_id for one in left)
        outcome = discard(tables, Discard(name, ingredient, units_of(left), REASON, batch_ids=batch_ids))
        if isinstance(outcome, Unknown):
            raise OutcomeUnknown(f"no answer came of whether {ingredient} was discarded", "Repeat the recall.")
        if isinstance(outcome, Discarded) and not outcome.replayed:
            removals += outcome.removals
        if not isinstance(outcome, TooFew):  # what is left now needs an id of its own
            number += 1
    raise AssertionError  # attempts end by raising


def trace(tables: Tables, history: HistoryTable, delivery: str, ingredient: str, since: datetime) -> Trace:
    """What history has of a delivery since it was recorded. Nothing, where the ingredient was not part of it."""
    holding = tables.stock.read(ingredient)
    now = datetime.fromtimestamp(tables.clock(), UTC)
    entries = list(history.entries(ingredient, since - CLOCK_DIFFERENCE, now + CLOCK_DIFFERENCE))
    charges = [entry for entry in entries if isinstance(entry, ChargeEntry) and belongs_to(entry.delivery, delivery)]
    levels = [entry for entry in entries if isinstance(entry, LevelEntry)]
    mine = [batch for batch in holding.batches if belongs_to(batch.delivery, delivery)] if holding else []
    is_recorded = all(_has_last_charge(charges, batch) for batch in mine)
    latest = holding.level.version if holding and mine else 0
    is_recorded = is_recorded and latest <= max((entry.version for entry in levels), default=latest)
    used_after = {entry.commit_id: entry.used for entry in levels if charges}
    return Trace(tuple(charges), used_after, is_recorded, sum(_unrecorded(charges, batch) for batch in mine))


def _unrecorded(charges: list[ChargeEntry], batch: Batch) -> int:
    recorded = sum(charge.units for charge in charges if charge.batch_id == batch.batch_id)
    return max(0, batch.received - batch.quantity - batch.discarded - recorded)


def _has_last_charge(charges: list[ChargeEntry], batch: Batch) -> bool:
    ends = {charge.through for charge in charges if charge.batch_id == batch.batch_id}
    return batch.charged_through is None or batch.charged_through in ends


def records(tables: Tables) -> Iterator[list[TableRow]]:
    """Every record of the transaction table, a page at a time."""
    pages = tables.stock.client.get_paginator("scan").paginate(TableName=tables.transactions, ConsistentRead=True)
    for page in pages:
        yield list(page["Items"])


def uses_in(record: TableRow, traces: Mapping[str, Trace]) -> Iterator[ServedUse]:
    """What the transaction of a record took from the delivery of these traces, by ingredient."""
    if "items" not in record or "commit_id" not in record:
        return
    use = UseRecord.of(record)
    for ingredient, units in use.items.items():
        found = traces.get(ingredient)
        if found is None or use.commit_id not in found.used_after:
            continue
        end = found.used_after[use.commit_id] - use.units_after[ingredient]
        taken = sum(_overlap(charge, end - units, end) for charge in found.charges)
        if taken:
            yield ServedUse(record["transaction_id"]["S"], use.at, ingredient, taken)


def _overlap(charge: ChargeEntry, start: int, end: int) -> int:
    return max(0, min(end, charge.through) - max(start, charge.start))
