"""Reads what a report is made of: the history of a period, batches, and the records of discards."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from stockctl.domain.discard import PREFIX
from stockctl.domain.history import LevelEntry
from stockctl.domain.report import Account, DiscardRecord, Discards, discard_id_of
from stockctl.operations import workers
from stockctl.operations.batch_reads import rows_at
from stockctl.operations.discard import removals_in
from stockctl.operations.history_table import HistoryTable
from stockctl.operations.rows import record_key
from stockctl.operations.use import Tables


def accounts(
    tables: Tables, history: HistoryTable, ingredients: Sequence[str], since: datetime, until: datetime
) -> list[Account]:
    """The accounts of these ingredients from `since` up to `until`, which has passed."""
    with ThreadPoolExecutor(workers.WORKERS) as threads:
        return list(threads.map(lambda name: _account(tables, history, name, since, until), ingredients))


def _account(tables: Tables, history: HistoryTable, ingredient: str, since: datetime, until: datetime) -> Account:
    """Batches are read before history, which then has the charges of those that are gone."""
    holding = tables.stock.read(ingredient)
    opening = history.last_before(ingredient, since)
    entries = list(history.entries(ingredient, since, until))
    return Account(ingredient, opening, entries, holding.counted if holding else ())


def discards_of(tables: Tables, found: Sequence[Account]) -> Discards:
    """What is on record of the discards in these accounts; records are kept for 90 days."""
    entries = (entry for account in found for entry in account.entries if isinstance(entry, LevelEntry))
    ids = sorted({name for name in map(discard_id_of, entries) if name})
    keys = [record_key(PREFIX + name) for name in ids]
    rows = rows_at(tables.stock.client, tables.transactions, keys, tables.patience, "reading discards")
    return {
        row["transaction_id"]["S"].removeprefix(PREFIX): DiscardRecord(row["reason"]["S"], removals_in(row))
        for row in rows
    }
