"""Reconciliation under contention: nothing is half done, and what could not be done is done again."""

from __future__ import annotations

from typing import Any

import pytest

from stockctl.aws.retry import Patience
from stockctl.domain.errors import Busy
from stockctl.domain.stock import Batch
from stockctl.operations.receive import receive
from stockctl.operations.reconcile import Reconciled, reconcile
from stockctl.operations.stock_table import StockTable
from tests.faults.table_engine import STOCK, TableEngine, client_error

NOW = 1000
ONCE = Patience(seconds=0.0)
CONFLICT = client_error(
    "TransactWriteItems", "TransactionCanceledException", CancellationReasons=[{"Code": "TransactionConflict"}]
)


class Contended(TableEngine):
    """Others write the same rows during the next transactions."""

    conflicts = 0

    def transact_write_items(self, **request: Any) -> dict[str, Any]:
        if self.conflicts:
            self.conflicts -= 1
            raise CONFLICT
        return super().transact_write_items(**request)


@pytest.fixture
def engine() -> Contended:
    """Five units of ham that have expired."""
    engine = Contended()
    batch = Batch("ham", "a@d", "a", 5, 5, "d", NOW, "e", "at")
    receive(table_of(engine), [batch], lambda: 0.0, ONCE)
    return engine


def table_of(engine: Any) -> StockTable:
    return StockTable(engine, STOCK)


def test_after_a_conflict_it_reads_again_and_reports_what_it_did(engine: Contended) -> None:
    engine.conflicts = 3
    patience = Patience(seconds=60.0, sleep=lambda _: None)
    assert reconcile(table_of(engine), "ham", lambda: NOW, patience) == Reconciled("ham", written_off=5)
    level = table_of(engine).level("ham")
    assert level is not None
    assert (level.quantity, level.expired) == (0, 5)


def test_a_conflict_that_lasts_is_reported_and_changes_nothing(engine: Contended) -> None:
    engine.conflicts = 1_000_000
    before = engine.store.rows
    with pytest.raises(Busy):
        reconcile(table_of(engine), "ham", lambda: NOW, ONCE)
    assert engine.store.rows == before


def test_an_ingredient_that_was_never_delivered_needs_nothing(engine: Contended) -> None:
    assert reconcile(table_of(engine), "egg", lambda: NOW, ONCE) == Reconciled("egg")
