"""Engines to measure on: DynamoDB Local, PostgreSQL, and the embedded cloud of the system tests."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from stockctl.aws.clients import Clients, aws_session
from stockctl.aws.retry import Patience
from stockctl.client.api import StockApi
from stockctl.domain.stock import Batch, batch_id_of
from stockctl.operations.receive import receive
from stockctl.operations.stock_table import StockTable
from stockctl.operations.use import Tables
from tests.benchmarks.measure import HOT, INGREDIENTS
from tests.benchmarks.report import Report
from tests.engines.dynamodb_local import Unavailable, running
from tests.service import STOCK, TRANSACTIONS, make_tables
from tests.system.conftest import System, embedded_cloud

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

__all__ = ["embedded_cloud"]
PLENTY = 10**9
FAR = 4_000_000_000
PATIENCE = Patience(seconds=30.0)
SECONDS_TO_SETTLE = 10.0
"""Until StockUpdated has processed the deliveries that precede what is measured."""


@pytest.fixture(scope="session")
def report() -> Iterator[Report]:
    made = Report()
    yield made
    made.write()


@pytest.fixture(scope="session")
def dynamodb_local_port() -> Iterator[int]:
    """AWS's own engine, started as the other tests start it: on 127.0.0.1 alone."""
    try:
        with running() as endpoint:
            yield int(endpoint.rpartition(":")[2])
    except Unavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture
def dynamodb(dynamodb_local_port: int) -> DynamoDBClient:
    """A client of DynamoDB Local with empty tables: what an earlier test left is deleted first."""
    session = aws_session(region=f"bench-{time.time_ns() % 10**9}")
    session.set_credentials("bench", "bench")
    config = Config(max_pool_connections=64, retries={"total_max_attempts": 1}, read_timeout=60)
    client: DynamoDBClient = session.create_client(  # type: ignore[assignment]
        "dynamodb", endpoint_url=f"http://127.0.0.1:{dynamodb_local_port}", config=config
    )
    for name in client.list_tables()["TableNames"]:
        client.delete_table(TableName=name)
    clients = Clients(session, f"http://127.0.0.1:{dynamodb_local_port}")
    for _ in range(100):
        try:
            make_tables(clients)
            break
        except BotoCoreError:
            time.sleep(0.1)
    return client


@pytest.fixture
def tables(dynamodb: DynamoDBClient) -> Tables:
    return Tables(StockTable(dynamodb, STOCK), TRANSACTIONS, time.time, PATIENCE)


def stock_up(client: DynamoDBClient, table: str, ingredients: list[str] | None = None) -> None:
    """Plenty of every ingredient, delivered."""
    stock = StockTable(client, table)
    for name in ingredients or names():
        deliver(stock, name, 1, PLENTY)


def stocked_api(system: System, ingredients: list[str] | None = None) -> Callable[[], StockApi]:
    """What makes a client of the embedded cloud's HTTP API; there is plenty of every ingredient, or of these."""
    stock_up(system.clients.dynamodb, system.deployment.stock_table, ingredients)
    time.sleep(SECONDS_TO_SETTLE)
    return lambda: StockApi(system.clients.session, system.deployment.api_url)


def names() -> list[str]:
    """The hot ingredient, and the thousand others."""
    return [HOT, *(f"i{position}" for position in range(INGREDIENTS))]


def deliver(table: StockTable, ingredient: str, batches: int, units: int = 1_000, name: str = "d") -> None:
    """Batches of one ingredient, each with a best-before of its own."""
    expiries = [FAR + position for position in range(batches)]
    made = [
        Batch(ingredient, batch_id_of(f"{name}.csv", str(at)), f"{name}.csv", units, units, str(at), at, "etag", "then")
        for at in expiries
    ]
    receive(table, made, time.time, PATIENCE)
