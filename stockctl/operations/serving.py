"""Which batches a transaction was served from (stockctl/README.md, "Which batch a unit came from")."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from stockctl.domain.history import ChargeEntry, Served, served
from stockctl.operations.history_table import HistoryTable
from stockctl.operations.stock_table import StockTable

if TYPE_CHECKING:
    from stockctl.operations.rows import TableRow

CLOCK_DIFFERENCE = timedelta(minutes=5)
"""A charge comes after its use, by the clocks of two workers."""


@dataclass(frozen=True)
class ServedItem:
    """One item of a transaction: what it was served from, and the units that wait to be charged.

    `is_known` is False where history does not have the change of the level.
    """

    ingredient: str
    units: int
    parts: tuple[Served, ...] = ()
    pending: int = 0
    is_known: bool = True


def served_items(stock: StockTable, history: HistoryTable, record: TableRow, now: datetime) -> Iterator[ServedItem]:
    """What each item of a transaction's record was served from."""
    items = json.loads(record["items"]["S"])
    offsets = json.loads(record["units_after"]["S"]) if "units_after" in record else [0] * len(items)
    at, commit_id = record["at"]["S"], record["commit_id"]["S"] if "commit_id" in record else ""
    for (ingredient, units), units_after in zip(items, offsets, strict=True):
        used = _used_after(history, ingredient, at, commit_id)
        holding = stock.read(ingredient) if used is not None else None
        if used is None or holding is None:
            yield ServedItem(ingredient, units, is_known=False)
            continue
        charges = _charges_since(history, ingredient, at, now)
        end = used - units_after
        parts, pending = served(end - units, end, charges, holding.charged_units)
        yield ServedItem(ingredient, units, tuple(parts), pending)


def _used_after(history: HistoryTable, ingredient: str, at: str, commit_id: str) -> int | None:
    """The units ever used after the commit of a transaction; None where history does not have it."""
    entries = history.at(ingredient, at) if commit_id and history.name else []
    return next((entry.used for entry in entries if entry.commit_id == commit_id), None)


def _charges_since(history: HistoryTable, ingredient: str, at: str, now: datetime) -> list[ChargeEntry]:
    since = datetime.fromisoformat(at).astimezone(UTC) - CLOCK_DIFFERENCE
    entries = history.entries(ingredient, since, now + CLOCK_DIFFERENCE)
    return [entry for entry in entries if isinstance(entry, ChargeEntry)]
