"""Discards on reads that miss a row for a moment, as eventually consistent commits of others can cause."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from stockctl.aws.retry import Patience
from stockctl.domain.discard import Discard, Discarded, TooFew
from stockctl.domain.stock import Batch
from stockctl.operations.discard import discard
from stockctl.operations.receive import receive
from stockctl.operations.rows import batch_key
from stockctl.operations.stock_table import StockTable
from stockctl.operations.use import Tables
from tests.faults.table_engine import STOCK, TRANSACTIONS, TableEngine, key_of

BATCHES = [Batch("ham", f"{name}@d", name, 5, 5, "d", 1000, "e", "at") for name in ("a", "b")]


def test_a_read_that_misses_a_row_is_repeated_and_not_taken_for_too_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """The roster counts ten units, and the rows that were read have five."""
    engine = TableEngine()
    client: Any = engine

    def hide_one(*_: object) -> None:
        missing = {key_of(STOCK, batch_key("ham", "b@d")): None}
        engine.store = replace(engine.store, hidden=missing)

    def show_all(_seconds: float) -> None:
        monkeypatch.undo()
        engine.store = replace(engine.store, hidden={})

    table = StockTable(client, STOCK)
    receive(table, BATCHES, lambda: 0.0, Patience(seconds=0.0))
    monkeypatch.setattr("stockctl.operations.discard.reconcile", hide_one)
    tables = Tables(table, TRANSACTIONS, lambda: 0.0, Patience(sleep=show_all))
    outcome = discard(tables, Discard("d", "ham", 8, "dropped"))
    assert isinstance(outcome, Discarded)
    assert sum(removal.units for removal in outcome.removals) == 8


def test_more_than_there_is_is_refused_with_what_there_is() -> None:
    """Nothing, of what was never delivered."""
    client: Any = TableEngine()
    table = StockTable(client, STOCK)
    receive(table, BATCHES, lambda: 0.0, Patience(seconds=0.0))
    tables = Tables(table, TRANSACTIONS, lambda: 0.0, Patience(seconds=0.0))
    assert discard(tables, Discard("d1", "ham", 11, "spoiled")) == TooFew(10)
    assert discard(tables, Discard("d2", "egg", 1, "spoiled")) == TooFew(0)


def test_a_repeat_is_answered_even_if_there_is_less_by_now() -> None:
    """Without that, whoever lost the answer would hear that there is too little, and discard other units."""
    client: Any = TableEngine()
    table = StockTable(client, STOCK)
    receive(table, BATCHES, lambda: 0.0, Patience(seconds=0.0))
    tables = Tables(table, TRANSACTIONS, lambda: 0.0, Patience(seconds=0.0))
    request = Discard("d", "ham", 8, "dropped")
    first = discard(tables, request)
    assert isinstance(first, Discarded)
    again = discard(tables, request)
    assert again == replace(first, replayed=True)
