"""Eventually consistent reads show rows as they were: the operations must not use them."""

from __future__ import annotations

from typing import Any

import pytest

from stockctl.aws.retry import Patience
from stockctl.domain.stock import Batch
from stockctl.operations.receive import receive, receive_together
from stockctl.operations.rows import level_key
from stockctl.operations.stock_table import StockTable
from tests.faults.table_engine import STOCK, TableEngine


def batch(ingredient: str, delivery: str) -> Batch:
    return Batch(ingredient, f"{delivery}@d", delivery, 5, 5, "d", 1000, "e", "at")


@pytest.fixture
def table() -> StockTable:
    """Ham and egg, delivered twice."""
    client: Any = TableEngine()
    table = StockTable(client, STOCK)
    for name in ("ham", "egg"):
        for delivery in ("a", "b"):
            receive(table, [batch(name, delivery)], lambda: 0.0, Patience(seconds=0.0))
    return table


def test_the_engine_answers_eventually_consistent_reads_with_what_was(table: StockTable) -> None:
    """Otherwise no test would notice that a flag is missing."""
    engine: Any = table.client
    stale = engine.get_item(TableName=STOCK, Key=level_key("ham"))["Item"]
    fresh = engine.get_item(TableName=STOCK, Key=level_key("ham"), ConsistentRead=True)["Item"]
    assert (stale["quantity"], fresh["quantity"]) == ({"N": "5"}, {"N": "10"})
    wanted: Any = {"Keys": [level_key("ham")]}
    assert engine.batch_get_item(RequestItems={STOCK: wanted})["Responses"][STOCK] == [stale]


def test_a_level_is_read_as_it_is(table: StockTable) -> None:
    level = table.level("ham")
    assert level is not None
    assert level.quantity == 10


def test_a_holding_is_read_as_it_is(table: StockTable) -> None:
    holding = table.read("ham")
    assert holding is not None
    assert (holding.level.quantity, len(holding.counted)) == (10, 2)


def test_levels_are_read_as_they_are(table: StockTable) -> None:
    assert [level.quantity for level in table.levels(["ham", "egg"])] == [10, 10]


def test_deliveries_of_several_ingredients_are_recorded_upon_what_is_there(table: StockTable) -> None:
    """A stale generation would cancel them."""
    groups = [[batch("ham", "c")], [batch("egg", "c")]]
    assert receive_together(table, groups, lambda: 0.0) is not None
