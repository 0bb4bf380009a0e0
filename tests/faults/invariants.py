"""The invariants (stockctl/README.md, "Invariants"), checked on the rows as they are stored, whatever a reader may see.

`holds` runs after every single change, with the rows before it; `holds_at_rest` once the stream has been processed.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from stockctl.domain.best_before import NEVER_WRITTEN
from stockctl.domain.history import ChargeEntry, LevelEntry
from stockctl.domain.returns import ReturnedUnits
from stockctl.domain.stock import Batch, Holding, Level, Roster
from stockctl.operations.history_table import entry_from
from stockctl.operations.return_units import parts_in
from stockctl.operations.rows import BATCH_PREFIX, LEVEL, ROSTER, batch_from, level_from, roster_from
from stockctl.operations.serving import UseRecord
from tests.faults.table_engine import HISTORY, STOCK, TRANSACTIONS, Key

Rows = Mapping[Key, Mapping[str, Any]]


class Broken(AssertionError):
    """An invariant does not hold."""


@dataclass(frozen=True)
class Truth:
    """What could ever be delivered: batches by ingredient. Nothing else may enter a level."""

    batches: tuple[Batch, ...]

    def of(self, ingredient: str) -> tuple[Batch, ...]:
        return tuple(batch for batch in self.batches if batch.ingredient == ingredient)


@dataclass(frozen=True)
class Partition:
    """The true rows of one ingredient."""

    level: Level
    roster: Roster
    batches: tuple[Batch, ...]

    @property
    def holding(self) -> Holding:
        return Holding(self.level, self.roster, self.batches)


def partitions(rows: Rows) -> dict[str, Partition]:
    """The true rows, by ingredient.

    Raises:
        Broken: an ingredient has a level and no roster, or batches and no level.
    """
    stock = [row for key, row in rows.items() if key[0] == STOCK]
    levels = {row["ingredient"]["S"]: level_from(row) for row in stock if row["batch_id"]["S"] == LEVEL}
    rosters = {row["ingredient"]["S"]: roster_from(row) for row in stock if row["batch_id"]["S"] == ROSTER}
    batches = [batch_from(row) for row in stock if row["batch_id"]["S"].startswith(BATCH_PREFIX)]
    ensure(
        levels.keys() == rosters.keys() >= {batch.ingredient for batch in batches}, "I2: level and roster go together"
    )
    return {
        name: Partition(level, rosters[name], tuple(batch for batch in batches if batch.ingredient == name))
        for name, level in levels.items()
    }


def ensure(fact: bool, what: str, *details: object) -> None:
    """
    Raises:
        Broken: it is not a fact.
    """
    if not fact:
        raise Broken(what, *details)


def holds(truth: Truth, before: Rows, after: Rows, now: float) -> None:
    """The invariants of every moment. `now` is the latest time that any operation can have read.

    Raises:
        Broken: one does not hold.
    """
    were, used, discarded = partitions(before), accepted_units(after), discarded_units(after)
    returned = returned_parts(after)
    _returned_well(after, returned)
    for name, partition in partitions(after).items():
        back = [part for _, part in returned if part.ingredient == name and part.is_back]
        _always(truth, partition, used.get(name, 0), back, now)
        _discarded_well(partition, discarded.get(name, 0))
        if name in were:
            _changed_well(were[name], partition)
            _charges_tile(were[name], partition)


def _always(truth: Truth, partition: Partition, used: int, back: Sequence[ReturnedUnits], now: float) -> None:
    level, roster = partition.level, partition.roster
    ensure(level.adds_up, "I1: received + returned = quantity + used + expired + discarded, all at least 0", level)
    ensure(level.generation == roster.generation, "I2: one generation", level, roster)
    ensure(level.used == used, "I5: what was used is what was accepted", level, used)
    mine = truth.of(level.ingredient)
    ensure(level.received in _sums(batch.quantity for batch in mine), "I5: each batch is received once", level)
    ensure(level.returned == sum(part.units for part in back), "I5: what came back is what was recorded", level, back)
    could_expire = sum(batch.quantity for batch in mine if batch.is_due(int(now)))
    could_expire += sum(part.units for part in back if part.expires_at <= now)
    ensure(level.expired <= could_expire, "I5: nothing is written off before its time", level, could_expire)
    ensure(all(batch.quantity >= 0 for batch in partition.batches), "I5: no batch below nothing", partition)
    dated = [batch for batch in partition.batches if batch.best_before != NEVER_WRITTEN]
    is_kept = all(instant(batch.best_before) == batch.expires_at for batch in dated)
    ensure(is_kept, "I6: a batch expires at its best-before", partition)
    ensure(
        bool(partition.holding.gone) or partition.holding.is_consistent,
        "the roster says what its batches add up to",
        partition,
    )
    stocked = [batch.expires_at for batch in partition.holding.counted if batch.quantity]
    soonest = min(stocked, default=None)
    guarded = soonest is None or (level.next_expiry is not None and level.next_expiry <= soonest)
    ensure(guarded, "I6: the guard is not later than the soonest batch with stock", partition)
    charged = partition.holding.charged_units
    ensure(0 <= charged <= level.used, "I4: no more is charged to batches than was used", partition, charged)


def _returned_well(rows: Rows, returned: Sequence[tuple[str, ReturnedUnits]]) -> None:
    """No more comes back than was taken, and each unit with the best-before it had when it was served."""
    counted: Counter[tuple[str, str]] = Counter()
    dated: Counter[tuple[str, str, str]] = Counter()
    for transaction_id, part in returned:
        counted[transaction_id, part.ingredient] += part.units
        dated[transaction_id, part.ingredient, part.best_before] += part.units
    for transaction_id in {transaction_id for transaction_id, _ in counted}:
        use = UseRecord.of(rows[TRANSACTIONS, transaction_id])
        for name, units in use.items.items():
            ensure(counted[transaction_id, name] <= units, "no more comes back than was taken", transaction_id, name)
            recorded = use.returned.get(name, 0)
            ensure(counted[transaction_id, name] == recorded, "the transaction counts its returns", use, returned)
            served = _served(rows, use, name)
            for (one, ingredient, best_before), back in dated.items():
                if (one, ingredient) == (transaction_id, name):
                    ensure(back <= served[best_before], "units keep their best-before", transaction_id, dated, served)


def _served(rows: Rows, use: UseRecord, name: str) -> Counter[str]:
    """The units of one item by best-before, counted unit by unit on the axis of the units ever used."""
    entries = [entry_from(row) for key, row in rows.items() if key[:2] == (HISTORY, name)]
    end = next(one.used for one in entries if isinstance(one, LevelEntry) and one.commit_id == use.commit_id)
    end -= use.units_after[name]
    mine = set(range(end - use.items[name], end))
    charges = [one for one in entries if isinstance(one, ChargeEntry)]
    return Counter(
        charge.best_before for charge in charges for unit in range(charge.start, charge.through) if unit in mine
    )


def _discarded_well(partition: Partition, discarded: int) -> None:
    level = partition.level
    ensure(level.discarded == discarded, "I5: what was discarded is what was recorded", level, discarded)
    from_batches = sum(batch.discarded for batch in partition.batches)
    ensure(from_batches <= discarded, "I5: batches lose no more than was discarded", partition)
    for batch in partition.batches:
        ensure(batch.quantity + batch.discarded <= batch.received, "I5: no batch grows", batch)


def _changed_well(before: Partition, after: Partition) -> None:
    if replace(after.level, next_expiry=before.level.next_expiry) == before.level:
        same = replace(after.roster, batch_units=before.roster.batch_units) == before.roster
        ensure(same, "I2: the set of batches never changes alone", before, after)
        moved = after.level.next_expiry != before.level.next_expiry
        ensure(not moved or before.batches == after.batches, "the guard moves alone", before, after)
        _charged_well(before, after)
        return
    ensure(after.level.version == before.level.version + 1, "I3: one version for each change", before, after)
    ensure(after.level.commit_id != before.level.commit_id, "each change has a commit of its own", before, after)
    moved = after.roster.batch_ids != before.roster.batch_ids
    moved = moved or after.level.discarded != before.level.discarded
    grown = after.level.generation - before.level.generation
    ensure(grown == int(moved), "I2: the generation grows with each change of the roster", before, after)
    at = instant(after.level.updated_at)
    if after.level.used > before.level.used:
        served = [batch for batch in before.holding.counted if batch.quantity and batch.is_due(int(at))]
        ensure(not served, "I6: no use while expired stock counts", before, after)
    if after.level.expired > before.level.expired:
        _written_off_well(before, after)


def _written_off_well(before: Partition, after: Partition) -> None:
    """A write-off takes what is left of the batches that leave, once all that was used before has been charged."""
    staying = after.holding.read_units
    # Rows that time to live has removed since the write-off read them: they are still on the roster.
    removed = after.roster.batch_units - staying
    ensure(after.level.quantity == staying + removed, "I5: a write-off leaves exactly what is left", before, after)


def _charged_well(before: Partition, after: Partition) -> None:
    """A change of batches alone is a charge, which never takes more than was used; or time to live."""
    ids = {batch.batch_id for batch in after.batches}
    if all(batch.batch_id in ids for batch in before.batches) and after.batches != before.batches:
        drift = after.holding.drift
        ensure(drift >= 0, "I4: no more is charged to batches than was used", before, after)


def _charges_tile(before: Partition, after: Partition) -> None:
    """Charges continue where those before ended, without overlap, and with a gap only for rows that are gone."""
    start, end = before.holding.charged_units, after.holding.charged_units
    were = {batch.batch_id: batch for batch in before.batches}
    intervals = sorted(
        (batch.charged_through - (were[batch.batch_id].quantity - batch.quantity), batch.charged_through)
        for batch in after.batches
        if batch.charged_through is not None
        and batch.charged_through != were.get(batch.batch_id, batch).charged_through
    )
    ensure(start <= end, "charges are never taken back", before, after)
    if not intervals:
        ensure(start == end or bool(before.holding.gone), "what is charged is charged to a batch", before, after)
        return
    if before.holding.gone:
        start = max(intervals[0][0], start)
    edges = [start, *(through for _, through in intervals)]
    ensure([first for first, _ in intervals] == edges[:-1], "charges follow one another", intervals, before, after)
    ensure(edges[-1] == end, "charges end where the units charged end", intervals, before, after)


def holds_at_rest(rows: Rows, now: float) -> None:
    """What holds once the stream has been processed and no operation is running.

    Raises:
        Broken: it does not hold.
    """
    for partition in partitions(rows).values():
        ensure(partition.holding.drift == 0, "I4: the batches add up to the level", partition)
        ensure(
            not [batch for batch in partition.batches if batch.is_due(int(now))], "expired batches are gone", partition
        )
        ids = {batch.batch_id for batch in partition.batches}
        ensure(ids == partition.roster.batch_ids, "every batch is on the roster, and no other", partition)
        guard = partition.level.next_expiry
        ensure(guard is None or guard > now, "no use has to wait", partition)
        ensure(guard == partition.holding.soonest_expiry, "the guard is the soonest batch with stock", partition)


def accepted_units(rows: Rows) -> dict[str, int]:
    """Units by ingredient in the records of accepted transactions."""
    units: dict[str, int] = {}
    for key, row in rows.items():
        if key[0] == TRANSACTIONS and "items" in row:
            for name, quantity in json.loads(row["items"]["S"]):
                units[name] = units.get(name, 0) + quantity
    return units


def discarded_units(rows: Rows) -> dict[str, int]:
    """Units by ingredient in the records of discards."""
    units: dict[str, int] = {}
    for key, row in rows.items():
        if key[0] == TRANSACTIONS and "removals" in row:
            name = row["ingredient"]["S"]
            units[name] = units.get(name, 0) + sum(taken for *_, taken in json.loads(row["removals"]["S"]))
    return units


def returned_parts(rows: Rows) -> list[tuple[str, ReturnedUnits]]:
    """What the records of returns hold, each with the transaction that it was of."""
    return [
        (row["returned_transaction"]["S"], part)
        for key, row in rows.items()
        if key[0] == TRANSACTIONS and "returned_transaction" in row
        for part in parts_in(row)
    ]


def instant(text: str) -> float:
    """Seconds since the epoch of an ISO 8601 time."""
    return datetime.fromisoformat(text).timestamp()


def _sums(quantities: Iterable[int]) -> set[int]:
    sums = {0}
    for quantity in quantities:
        sums |= {earlier + quantity for earlier in sums}
    return sums
