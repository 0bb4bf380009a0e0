"""Sixteen threads and too little stock, on AWS's own engine: exactly what there was is handed out."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from stockctl.aws.retry import Patience
from stockctl.domain.transaction import Accepted, Insufficient, Outcome, Transaction
from stockctl.operations.stock_table import StockTable
from stockctl.operations.use import Tables, use
from tests.engines.clouds import EngineCloud, StruckCloud
from tests.faults.invariants import Truth, accepted_units, holds, holds_at_rest, partitions
from tests.faults.operations import batch, receiving, reconciling, settling
from tests.faults.table_engine import STOCK, TRANSACTIONS

THREADS = 16
TRANSACTION_COUNT = 2_000
INGREDIENTS = ("ham", "cheese", "tomato")
ON_HAND = 1_000
WHOLE = tuple(batch(f"d{number}", ON_HAND // 4, 100 + number, name) for name in INGREDIENTS for number in range(4))


class Attempts:
    """Counts the transactions that were sent."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.count: Counter[str] = Counter()

    def __call__(self, name: str, do: Any) -> Any:
        with self.lock:
            self.count[name] += 1
        return do()


def transactions() -> list[Transaction]:
    """One to three ingredients each, one to five units: about 4,000 units of each ingredient are asked for."""
    chance = random.Random(16)  # noqa: S311 - the same mix in every run
    return [
        Transaction(
            f"t{number}",
            {name: chance.randint(1, 5) for name in chance.sample(INGREDIENTS, chance.randint(1, 3))},
        )
        for number in range(TRANSACTION_COUNT)
    ]


@pytest.mark.ci
def test_sixteen_threads_get_exactly_the_stock_there_was(
    local_cloud: EngineCloud, record_property: Any, capsys: Any
) -> None:
    """2,000 transactions on 3 ingredients, with reconciliations: nothing is lost, counted twice or oversold."""
    local_cloud.clear()
    for one in WHOLE:
        receiving(one)(local_cloud)
    attempts = Attempts()
    counted = StruckCloud(local_cloud, attempts)
    patience = Patience(seconds=60)
    tables = Tables(StockTable(counted.dynamodb, STOCK, patience), TRANSACTIONS, local_cloud.clock, patience)
    wanted = transactions()
    began = time.monotonic()
    is_over = threading.Event()
    outcomes = _served(tables, wanted, is_over, local_cloud)
    seconds = time.monotonic() - began
    _adds_up(local_cloud, wanted, outcomes)
    accepted = sum(isinstance(outcome, Accepted) for outcome in outcomes)
    per_accepted = attempts.count["transact_write_items"] / accepted
    record_property("accepted", accepted)
    record_property("attempts_per_accepted", per_accepted)
    with capsys.disabled():
        print(  # noqa: T201
            f"\n{accepted} of {TRANSACTION_COUNT} accepted, {per_accepted:.2f} attempts for each, {seconds:.1f} s"
        )


def _served(
    tables: Tables, wanted: Sequence[Transaction], is_over: threading.Event, cloud: EngineCloud
) -> list[Outcome]:
    with ThreadPoolExecutor(THREADS + 1) as threads:
        keeper = threads.submit(_keeps_reconciling, is_over, cloud)
        try:
            return list(threads.map(lambda transaction: use(tables, transaction), wanted))
        finally:
            is_over.set()
            keeper.result()


def _keeps_reconciling(is_over: threading.Event, cloud: EngineCloud) -> None:
    """Reconciles, as StockUpdated does."""
    patient = StruckCloud(cloud, lambda _name, do: do())
    patient.patience = replace(patient.patience, seconds=60)
    while not is_over.wait(0.2):
        for name in INGREDIENTS:
            reconciling(name)(patient)


def _adds_up(cloud: EngineCloud, wanted: Sequence[Transaction], outcomes: Sequence[Outcome]) -> None:
    settling(cloud)
    rows = cloud.rows()
    holds(Truth(WHOLE), rows, rows, cloud.now)
    holds_at_rest(rows, cloud.now)
    given: Counter[str] = Counter()
    for transaction, outcome in zip(wanted, outcomes, strict=True):
        assert isinstance(outcome, Accepted | Insufficient)
        if isinstance(outcome, Accepted):
            assert not outcome.replayed
            given.update(transaction.items)
    levels = {name: partition.level for name, partition in partitions(rows).items()}
    assert accepted_units(rows) == dict(given) == {name: levels[name].used for name in INGREDIENTS}
    assert all(level.quantity + level.used == ON_HAND for level in levels.values())
    # A refused transaction asked for more than is left at the end: nothing is delivered meanwhile.
    for transaction, outcome in zip(wanted, outcomes, strict=True):
        if isinstance(outcome, Insufficient):
            assert any(units > levels[name].quantity for name, units in transaction.items.items())
