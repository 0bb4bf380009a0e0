"""Where every unit went: what each batch received is left, charged, discarded or expired, and orders show the charges.

The rows are observed as they truly change; what history and `show` say at the end is compared with that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from stockctl.domain.count import PREFIX
from stockctl.domain.history import ChargeEntry
from stockctl.domain.stock import Batch
from stockctl.operations.count import lines_in
from stockctl.operations.discard import removals_in
from stockctl.operations.history_table import entry_from
from stockctl.operations.recall import trace, uses_in
from stockctl.operations.rows import BATCH_PREFIX, batch_from
from stockctl.operations.serving import UseRecord, served_items
from tests.engines.clouds import ProcessCloud
from tests.faults.invariants import Rows, ensure, partitions
from tests.faults.operations import returns, stock_table, tables
from tests.faults.table_engine import HISTORY, STOCK, TRANSACTIONS

BatchKey = tuple[str, str]
"""An ingredient and the id of one of its batches; no id stands for units that no batch could be charged with."""


@dataclass(frozen=True)
class Portion:
    """Units of a charge that one transaction was served with."""

    transaction_id: str
    charge: ChargeEntry
    units: int


@dataclass
class Accounts:
    """By batch: the units it brought, and those that were left in it when its row was removed."""

    brought: Counter[BatchKey] = field(default_factory=Counter)
    removed: Counter[BatchKey] = field(default_factory=Counter)

    def observe(self, before: Rows, after: Rows) -> None:
        """Notes the batches that one change of the rows brought or removed."""
        were, are = _batches(before), _batches(after)
        self.brought.update({key: are[key].received for key in are.keys() - were.keys()})
        self.removed.update({key: were[key].quantity for key in were.keys() - are.keys()})

    def close(self, cloud: ProcessCloud) -> None:
        """Compares the accounts with rows and history, once the stream has been processed.

        Raises:
            Broken: they differ.
        """
        rows = cloud.rows()
        charges = _charges(rows)
        self._ensure_batches_balance(rows, charges)
        self._ensure_levels_balance(rows, charges)
        _ensure_charges_tile(rows, charges)
        self._ensure_counts_are_booked_once(rows)
        shown = _shown(cloud)
        units: Counter[BatchKey] = Counter()
        for one in shown:
            units[one.charge.ingredient, one.charge.batch_id] += one.units
        ensure(units == _by_batch(charges), "orders show every charge, and nothing else", shown, charges)
        _ensure_recalls_agree(cloud, shown)

    def _ensure_batches_balance(self, rows: Rows, charges: list[ChargeEntry]) -> None:
        left, charged, discarded = _batches(rows), _by_batch(charges), _discarded(rows)
        for key, brought in self.brought.items():
            now = left[key].quantity if key in left else 0
            gone = charged[key], discarded[key], self.removed[key]
            ensure(
                brought == now + sum(gone), "received = left + charged + discarded + expired", key, brought, now, gone
            )

    def _ensure_levels_balance(self, rows: Rows, charges: list[ChargeEntry]) -> None:
        """A batch that was removed before its usage was charged had fewer units that expired than were left in it."""
        uncharged = _by_batch(charges)
        for name, partition in partitions(rows).items():
            level = partition.level
            brought, removed = _of(self.brought, name), _of(self.removed, name)
            ensure(brought == level.received + level.returned, "batches bring what the level counts", level, brought)
            expired = removed - uncharged[name, ""]
            ensure(expired == level.expired, "what was removed has expired or was used before", level, removed)

    def _ensure_counts_are_booked_once(self, rows: Rows) -> None:
        """What a count added is the difference that was agreed on."""
        for key, row in rows.items():
            if key[0] == TRANSACTIONS and key[1].startswith(PREFIX):
                batches = f"count/{key[1].removeprefix(PREFIX)}@"
                for line in lines_in(row):
                    of_line = ((line.ingredient, name) for of, name in self.brought if of == line.ingredient)
                    added = sum(self.brought[batch] for batch in of_line if batch[1].startswith(batches))
                    ensure(added in {0, max(0, line.difference)}, "a count adds its difference once", line, added)


def _ensure_charges_tile(rows: Rows, charges: list[ChargeEntry]) -> None:
    """One charge begins where the one before ends, from the first unit ever used to the last."""
    for name, partition in partitions(rows).items():
        mine = sorted((one.start, one.through) for one in charges if one.ingredient == name)
        edges = [0, *(through for _, through in mine)]
        ensure([start for start, _ in mine] == edges[:-1], "charges tile the axis of used units", name, mine)
        ensure(edges[-1] == partition.level.used, "every unit used is charged", partition.level, mine)


def _shown(cloud: ProcessCloud) -> list[Portion]:
    """What `show` lists of each accepted transaction; for each of its items that adds up."""
    shown: list[Portion] = []
    now = datetime.fromtimestamp(cloud.now, UTC)
    for row in _transactions(cloud.rows()):
        for item in served_items(stock_table(cloud), returns(cloud).history, UseRecord.of(row), now):
            charges = [(part.charge, part.units) for part in item.parts if part.charge]
            ensure(item.is_complete, "history has every charge of every order", row, item)
            ensure(sum(units for _, units in charges) == item.units, "what is shown adds up to the items", row, item)
            shown += [Portion(row["transaction_id"]["S"], charge, units) for charge, units in charges]
    return shown


def _ensure_recalls_agree(cloud: ProcessCloud, shown: list[Portion]) -> None:
    """A recall of any delivery lists the orders that `show` says were served from it, with the same units."""
    place, history, began = tables(cloud), returns(cloud).history, datetime.fromtimestamp(0, UTC)
    for delivery in {one.charge.delivery for one in shown} - {""}:
        traces = {name: trace(place, history, delivery, name, began) for name in partitions(cloud.rows())}
        whole = all(found.is_complete and not found.unrecorded for found in traces.values())
        ensure(whole, "history has all of a delivery", delivery, traces)
        uses = [use for row in _transactions(cloud.rows()) for use in uses_in(row, traces)]
        listed = Counter({(use.transaction_id, use.ingredient): use.units for use in uses})
        wanted: Counter[tuple[str, str]] = Counter()
        for one in shown:
            wanted[one.transaction_id, one.charge.ingredient] += one.units * (one.charge.delivery == delivery)
        ensure(listed == wanted, "a recall lists what `show` does", delivery, listed, wanted)


def _transactions(rows: Rows) -> list[Mapping[str, Any]]:
    """The records of accepted transactions."""
    return [row for key, row in rows.items() if key[0] == TRANSACTIONS and "items" in row]


def _batches(rows: Rows) -> dict[BatchKey, Batch]:
    found = (batch_from(row) for key, row in rows.items() if key[0] == STOCK and key[-1].startswith(BATCH_PREFIX))
    return {(batch.ingredient, batch.batch_id): batch for batch in found}


def _charges(rows: Rows) -> list[ChargeEntry]:
    entries = (entry_from(row) for key, row in rows.items() if key[0] == HISTORY)
    return [entry for entry in entries if isinstance(entry, ChargeEntry)]


def _by_batch(charges: list[ChargeEntry]) -> Counter[BatchKey]:
    units: Counter[BatchKey] = Counter()
    for one in charges:
        units[one.ingredient, one.batch_id] += one.units
    return units


def _discarded(rows: Rows) -> Counter[BatchKey]:
    """The units by batch in the records of discards."""
    units: Counter[BatchKey] = Counter()
    for row in (row for key, row in rows.items() if key[0] == TRANSACTIONS and "removals" in row):
        for removal in removals_in(row):
            units[row["ingredient"]["S"], removal.batch_id] += removal.units
    return units


def _of(units: Counter[BatchKey], ingredient: str) -> int:
    return sum(count for (name, _), count in units.items() if name == ingredient)
