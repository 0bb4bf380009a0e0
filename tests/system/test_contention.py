"""Sixteen callers of the HTTP API and too little stock: exactly what there was is handed out."""

from __future__ import annotations

import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from stockctl.client.api import StockApi
from stockctl.operations.drop_bucket import DropBucket
from stockctl.operations.stock_table import StockTable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stockctl.domain.api import Answer
    from stockctl.domain.stock import Level
    from tests.system.conftest import System

THREADS = 16
TRANSACTIONS = 2_000
ON_HAND = 1_000
INGREDIENTS = ("contended ham", "contended cheese", "contended tomato")


def wanted() -> dict[str, dict[str, int]]:
    chance = random.Random(16)  # noqa: S311 - the same mix in every run
    return {
        f"contended {number}": {name: chance.randint(1, 5) for name in chance.sample(INGREDIENTS, chance.randint(1, 3))}
        for number in range(TRANSACTIONS)
    }


def settled(table: StockTable, seconds: float) -> bool:
    """Whether all uses are charged to batches within the time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if all((holding := table.read(name)) and holding.drift == 0 for name in INGREDIENTS):
            return True
        time.sleep(0.5)
    return False


@pytest.mark.ci
def test_sixteen_callers_get_exactly_the_stock_there_was(embedded_cloud: System, capsys: Any) -> None:
    """2,000 transactions on 3 ingredients: nothing is lost, counted twice or oversold, and the batches add up."""
    deployment, clients = embedded_cloud.deployment, embedded_cloud.clients
    table = StockTable(clients.dynamodb, deployment.stock_table)
    rows = "".join(f"{name},{ON_HAND // 2},20{year}-12-31\n" for name in INGREDIENTS for year in (98, 99))
    DropBucket(clients.s3, deployment.drop_bucket).drop("contended.csv", rows.encode())
    assert all(received(table, name) for name in INGREDIENTS)
    began = time.monotonic()
    with ThreadPoolExecutor(THREADS) as threads:
        answers = dict(threads.map(lambda one: (one[0], used(embedded_cloud, *one)), wanted().items()))
    seconds = time.monotonic() - began
    levels = {level.ingredient: level for level in table.levels(INGREDIENTS)}
    accepted = accepted_units_are_used_units(answers, levels)
    assert settled(table, 60)
    with capsys.disabled():
        print(f"\n{accepted} of {TRANSACTIONS} accepted in {seconds:.1f} s")  # noqa: T201


def accepted_units_are_used_units(answers: Mapping[str, Answer], levels: Mapping[str, Level]) -> int:
    """Compares answers with levels; returns the number of accepted transactions."""
    asked, given = wanted(), Counter[str]()
    for name, answer in answers.items():
        assert answer.status_code in {200, 201, 409}, (name, answer)
        if answer.status_code == 409:  # nothing is delivered meanwhile, so what was short then is short at the end
            assert any(units > levels[ingredient].quantity for ingredient, units in asked[name].items())
        else:
            given.update(asked[name])
    assert {name: level.used for name, level in levels.items()} == dict(given)
    assert all(level.quantity + level.used == ON_HAND and level.adds_up for level in levels.values())
    return sum(answer.status_code != 409 for answer in answers.values())


def received(table: StockTable, ingredient: str) -> bool:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        level = table.level(ingredient)
        if level is not None and level.received == ON_HAND:
            return True
        time.sleep(0.2)
    return False


def used(system: System, transaction_id: str, items: Mapping[str, int]) -> Answer:
    return StockApi(system.clients.session, system.deployment.api_url).use(transaction_id, items)
