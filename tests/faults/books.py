"""What people are shown adds up: which batches each transaction was served from, and what became of each batch."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from stockctl.domain.count import PREFIX
from stockctl.domain.history import ChargeEntry
from stockctl.operations.count import lines_in
from stockctl.operations.history_table import HistoryTable, entry_from
from stockctl.operations.serving import UseRecord, served_items
from stockctl.operations.stock_table import StockTable
from tests.engines.clouds import ProcessCloud
from tests.faults.invariants import Rows, ensure, partitions
from tests.faults.table_engine import HISTORY, HISTORY_DAYS, STOCK, TRANSACTIONS

BatchName = tuple[str, str]
"""An ingredient and a batch id."""


def ensure_books(cloud: ProcessCloud, received: Mapping[BatchName, int]) -> None:
    """What history says of a kitchen at rest; `received` is every batch that was ever there, with its units.

    Raises:
        Broken: something does not add up.
    """
    rows = cloud.rows()
    charges = {name: _charges(rows, name) for name in partitions(rows)}
    for name, found in charges.items():
        _tile(found, partitions(rows)[name].level.used)
    _transactions_add_up(cloud, rows)
    _batches_add_up(rows, charges, received)
    _counts_are_booked_once(rows, received)


def _charges(rows: Rows, name: str) -> list[ChargeEntry]:
    entries = [entry_from(row) for key, row in rows.items() if key[:2] == (HISTORY, name)]
    return sorted((one for one in entries if isinstance(one, ChargeEntry)), key=lambda one: one.through)


def _tile(charges: list[ChargeEntry], used: int) -> None:
    """The charges of all batches, and what could be charged to none, cover the units ever used once each."""
    edges = [0, *(one.through for one in charges)]
    ensure([one.start for one in charges] == edges[:-1], "charges tile the axis of used units", charges)
    ensure(edges[-1] == used, "all that was used is charged", used, charges)


def _transactions_add_up(cloud: ProcessCloud, rows: Rows) -> None:
    """The units that `show` lists of a transaction add up to its items."""
    dynamodb: Any = cloud.dynamodb
    stock = StockTable(dynamodb, STOCK, cloud.patience)
    history = HistoryTable(dynamodb, HISTORY, HISTORY_DAYS, cloud.patience)
    now = datetime.fromtimestamp(cloud.now, UTC)
    for key, row in rows.items():
        if key[0] != TRANSACTIONS or "items" not in row:
            continue
        use = UseRecord.of(row)
        for item in served_items(stock, history, use, now):
            ensure(item.is_known and not item.pending, "history has every use and its charges", use, item)
            shown = sum(part.units for part in item.parts)
            ensure(shown == use.items[item.ingredient], "the units shown add up to the item", use, item)


def _batches_add_up(rows: Rows, charges: Mapping[str, list[ChargeEntry]], received: Mapping[BatchName, int]) -> None:
    """Of each batch: received = left + charged + discarded + expired."""
    charged: Counter[BatchName] = Counter()
    uncharged: Counter[str] = Counter()
    for name, found in charges.items():
        for one in found:
            if one.batch_id:
                charged[name, one.batch_id] += one.units
            else:
                uncharged[name] += one.units
    discarded = _discarded(rows)
    expired: Counter[str] = Counter()
    there = {(name, one.batch_id): one.quantity for name, part in partitions(rows).items() for one in part.batches}
    for batch, units in received.items():
        left = units - charged[batch] - discarded[batch]
        if batch in there:
            ensure(left == there[batch], "received = left + charged + discarded", batch, units, left)
        ensure(left >= 0, "no more is charged and discarded than was received", batch, left)
        expired[batch[0]] += left if batch not in there else 0
    for name, partition in partitions(rows).items():
        gone = partition.level.expired + uncharged[name]
        ensure(expired[name] == gone, "what is gone has expired", name, expired[name], gone)


def _discarded(rows: Rows) -> Counter[BatchName]:
    found: Counter[BatchName] = Counter()
    for key, row in rows.items():
        if key[0] == TRANSACTIONS and "removals" in row:
            for batch_id, _, _, units in json.loads(row["removals"]["S"]):
                found[row["ingredient"]["S"], batch_id] += units
    return found


def _counts_are_booked_once(rows: Rows, received: Mapping[BatchName, int]) -> None:
    """What a count added is the difference that was agreed on."""
    for key, row in rows.items():
        if key[0] == TRANSACTIONS and key[1].startswith(PREFIX):
            for line in lines_in(row):
                added = sum(
                    units
                    for (name, batch_id), units in received.items()
                    if name == line.ingredient and batch_id.startswith(f"count/{key[1].removeprefix(PREFIX)}@")
                )
                ensure(added in {0, max(0, line.difference)}, "a count adds its difference once", line, added)
