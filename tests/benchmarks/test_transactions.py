"""Transactions of two items through the HTTP API of the embedded cloud: the original's, ours, ours in batches.

PostgreSQL, where it is installed, is called over its socket with nothing in front of it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from stockctl.client.api import StockApi, use_all
from stockctl.domain.orders import Order
from stockctl.operations.rows import level_key, number
from stockctl.operations.use_batch import use_batch
from tests.benchmarks import postgres
from tests.benchmarks.conftest import PLENTY, names, stock_up, stocked_api
from tests.benchmarks.measure import HOT, Callers, Run, at_work, document, hot, hot_pair, orders, wide
from tests.service import STOCK

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb import DynamoDBClient

    from stockctl.operations.use import Tables
    from tests.benchmarks.report import Report
    from tests.system.conftest import System

HERE = Path(__file__).parent
BASKETS: dict[str, Callable[[], dict[str, int]]] = {
    "two of 1,000": wide,
    "one hot, one of 1,000": hot,
    "the same two": hot_pair,
}
SINGLES = 160
BATCHED = (500, 5_000)
CLIENTS = 8


def test_transactions_a_second_through_the_http_api(embedded_cloud: System, report: Report) -> None:
    original = _original(embedded_cloud)
    ours = stocked_api(embedded_cloud)
    beside = _postgres()
    rows: list[list[object]] = []
    for name, basket in BASKETS.items():
        before = _singles(original, basket)
        single = _singles(ours, basket)
        batched = [_batched(ours, basket, count) for count in BATCHED]
        best = max(batched)
        rows.append([name, before, single, *batched, best / before, beside.get(name, "-")])
    columns = ["", "original, 8 clients", "ours, 8 clients", *(f"ours, {count:,} in batches" for count in BATCHED)]
    report.table("Transactions of two items a second, embedded cloud", [*columns, "ratio", "PostgreSQL"], rows)


def test_transactions_a_second_on_dynamodb_local(tables: Tables, dynamodb: DynamoDBClient, report: Report) -> None:
    from tests.benchmarks import original

    stock_up(dynamodb, STOCK)
    rows: list[list[object]] = []
    for name, basket in BASKETS.items():
        before = at_work(lambda one: original.take(dynamodb, STOCK, dict(one.items)), orders(basket, SINGLES), CLIENTS)
        many = at_work(lambda batch: use_batch(tables, batch), [orders(basket, 500) for _ in range(6)], 2)
        speeds = [SINGLES / before.seconds, 3_000 / many.seconds]
        rows.append([name, *speeds, speeds[1] / speeds[0]])
    columns = ["", "original, 8 clients", "ours, in batches of 500, 2 clients", "ratio"]
    report.table("Transactions of two items a second, DynamoDB Local", columns, rows)


def _singles(api: Callable[[], StockApi], basket: Callable[[], dict[str, int]]) -> float:
    """One transaction a request, from eight clients, each with a connection of its own."""
    callers = Callers(api)
    at_work(callers.use, orders(basket, CLIENTS), CLIENTS)  # workers that are started now are not measured
    done: Run = at_work(callers.use, orders(basket, SINGLES), CLIENTS)
    assert set(done.results) == {201}
    return SINGLES / done.seconds


def _batched(api: Callable[[], StockApi], basket: Callable[[], dict[str, int]], count: int) -> float:
    """As `stockctl use --file` sends them."""
    asked = [Order(line, document(transaction), 100) for line, transaction in enumerate(orders(basket, count))]
    done = at_work(lambda one: [answer.status_code for _, answer in use_all(one(), asked)], [api], 1)
    assert set(done.results[0]) == {201}
    return count / done.seconds


def _original(system: System) -> Callable[[], StockApi]:
    """The original's algorithm as a function behind an API of its own, on the same cloud."""
    source = json.dumps((HERE / "original.py").read_text()).strip('"')
    template = (HERE / "original.yaml").read_text().replace("@SOURCE@", source)
    stacks = system.clients.cloudformation
    stacks.create_stack(StackName="original", TemplateBody=template, Capabilities=["CAPABILITY_IAM"])
    stacks.get_waiter("stack_create_complete").wait(StackName="original", WaiterConfig={"Delay": 1})
    described: Any = stacks.describe_stacks(StackName="original")["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
    for name in names():
        row = {**level_key(name), "quantity": number(PLENTY)}
        system.clients.dynamodb.put_item(TableName=outputs["StockTable"], Item=row)
    url = f"{system.target.endpoint_url}/_aws/execute-api/{outputs['ApiId']}"
    return lambda: StockApi(system.clients.session, url)


def _postgres() -> dict[str, float]:
    if not postgres.is_installed():
        return {}
    with postgres.server() as server:
        return {
            "two of 1,000": server.transactions_a_second(postgres.WIDE),
            "one hot, one of 1,000": server.transactions_a_second(postgres.HOT),
        }


@pytest.mark.skipif(not postgres.is_installed(), reason="PostgreSQL is not installed")
def test_the_hot_ingredient_of_postgresql_is_one_of_its_rows() -> None:
    assert HOT
    with postgres.server() as server:
        assert server.run("psql", "-At", "-d", "postgres", "-c", "SELECT count(*) FROM level").strip() == "1001"
