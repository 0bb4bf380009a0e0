"""Which batches a transaction was served from (stockctl/README.md, "Which batch a unit came from")."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from stockctl.domain.history import ChargeEntry, Served, served
from stockctl.operations.history_table import HistoryTable
from stockctl.operations.rows import TableRow
from stockctl.operations.stock_table import StockTable

CLOCK_DIFFERENCE = timedelta(minutes=5)
"""A charge comes after its use, by the clocks of two workers."""


@dataclass(frozen=True)
class ServedItem:
    """One item of a transaction: what it was served from, and the units that wait to be charged.

    `is_known` is False if the history lacks the level change. Units that do not wait were charged by
    `charged_by`, at the latest.
    """

    ingredient: str
    units: int
    parts: tuple[Served, ...] = ()
    pending: int = 0
    is_known: bool = True
    charged_by: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether history has the charge of each of its units."""
        return self.is_known and not self.pending and all(part.charge for part in self.parts)


@dataclass(frozen=True)
class UseRecord:
    """The record of an accepted transaction: units by ingredient, and what later members of its group took.

    `returned` are the units of each ingredient that returns have dealt with.
    """

    at: str
    commit_id: str
    items: Mapping[str, int]
    units_after: Mapping[str, int]
    returned: Mapping[str, int]

    @classmethod
    def of(cls, row: TableRow) -> UseRecord:
        """The record in a row."""
        items = dict(json.loads(row["items"]["S"]))
        offsets = json.loads(row["units_after"]["S"]) if "units_after" in row else [0] * len(items)
        return cls(
            at=row["at"]["S"],
            commit_id=row["commit_id"]["S"] if "commit_id" in row else "",
            items=items,
            units_after=dict(zip(items, offsets, strict=True)),
            returned=json.loads(row["returned"]["S"]) if "returned" in row else {},
        )

    @property
    def outstanding(self) -> dict[str, int]:
        """Units that no return has dealt with."""
        return {name: units - self.returned.get(name, 0) for name, units in self.items.items()}


def served_items(stock: StockTable, history: HistoryTable, use: UseRecord, now: datetime) -> Iterator[ServedItem]:
    """What each item of a transaction was served from."""
    for ingredient, units in use.items.items():
        yield served_units(stock, history, use, ingredient, range(units), now)


def served_units(
    stock: StockTable, history: HistoryTable, use: UseRecord, ingredient: str, which: range, now: datetime
) -> ServedItem:
    """What some of the units that a transaction took of an ingredient were served from, counted from 0."""
    used = _used_after(history, ingredient, use)
    holding = stock.read(ingredient) if used is not None else None
    if used is None or holding is None:
        return ServedItem(ingredient, len(which), is_known=False)
    start = used - use.units_after[ingredient] - use.items[ingredient]
    first, last = start + which.start, start + which.stop
    charges = list(_charges_until(history, ingredient, use, last, now))
    parts, pending = served(first, last, charges, holding.charged_units)
    latest = max((batch.charged_at for batch in holding.batches), default="")
    charged_by = min((charge.at for charge in charges if charge.start >= last), default=latest)
    return ServedItem(ingredient, len(which), tuple(parts), pending, charged_by=charged_by)


def _used_after(history: HistoryTable, ingredient: str, use: UseRecord) -> int | None:
    """The units ever used after the commit of a transaction; None where history does not have it."""
    entries = history.at(ingredient, use.at) if use.commit_id and history.name else []
    return next((entry.used for entry in entries if entry.commit_id == use.commit_id), None)


def _charges_until(
    history: HistoryTable, ingredient: str, use: UseRecord, last: int, now: datetime
) -> Iterator[ChargeEntry]:
    """The charges since a use, up to those after the `last` unit ever used."""
    since = datetime.fromisoformat(use.at).astimezone(UTC) - CLOCK_DIFFERENCE
    until = now + CLOCK_DIFFERENCE
    for entry in history.entries(ingredient, since, until):
        if datetime.fromisoformat(entry.at) > until:
            return
        if isinstance(entry, ChargeEntry):
            yield entry
            if entry.start >= last:  # the others come later, by the clocks of all workers
                until = min(until, datetime.fromisoformat(entry.at) + CLOCK_DIFFERENCE)
