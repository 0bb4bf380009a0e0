"""Engines to measure on: DynamoDB Local, PostgreSQL, and the embedded cloud of the system tests."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from stockctl.aws.clients import Clients
from stockctl.aws.receive import receive
from stockctl.aws.retry import Patience
from stockctl.aws.stock_table import StockTable
from stockctl.aws.use import Till
from stockctl.domain.stock import Batch, batch_id_of
from tests.benchmarks.measure import HOT, INGREDIENTS
from tests.benchmarks.report import Report
from tests.service import STOCK, TRANSACTIONS, make_tables
from tests.system.conftest import embedded_cloud

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

__all__ = ["embedded_cloud"]
POM = Path(__file__).parent.parent / "engines" / "pom.xml"
PLENTY = 10**9
FAR = 4_000_000_000
PATIENCE = Patience(seconds=30.0)


@pytest.fixture(scope="session")
def report() -> Iterator[Report]:
    made = Report()
    yield made
    made.write()


@pytest.fixture(scope="session")
def dynamodb_local_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    if not shutil.which("mvn") or not shutil.which("java"):
        pytest.skip("DynamoDB Local needs Java and Maven")
    folder = tmp_path_factory.mktemp("dynamodb-local")
    subprocess.run(
        ["mvn", "-q", "-B", "-f", str(POM), "dependency:copy-dependencies", f"-DoutputDirectory={folder}"],  # noqa: S607
        check=True,
        capture_output=True,
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    main = "software.amazon.dynamodb.services.local.main.ServerRunner"
    command = ["java", f"-Dsqlite4java.library.path={folder}", "-cp", f"{folder}/*", main, "-inMemory"]
    server = subprocess.Popen(
        [*command, "-port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder
    )
    yield port
    server.terminate()
    server.wait()


@pytest.fixture
def dynamodb(dynamodb_local_port: int) -> DynamoDBClient:
    """A client of DynamoDB Local with empty tables of its own: each test is another account."""
    session = boto3.session.Session("bench", "bench", region_name=f"bench-{time.time_ns() % 10**9}")
    config = Config(max_pool_connections=64, retries={"total_max_attempts": 1}, read_timeout=60)
    client = session.client("dynamodb", endpoint_url=f"http://127.0.0.1:{dynamodb_local_port}", config=config)
    clients = Clients(session, f"http://127.0.0.1:{dynamodb_local_port}")
    for _ in range(100):
        try:
            make_tables(clients)
            break
        except BotoCoreError:
            time.sleep(0.1)
    return client


@pytest.fixture
def till(dynamodb: DynamoDBClient) -> Till:
    return Till(StockTable(dynamodb, STOCK), TRANSACTIONS, time.time, PATIENCE)


def stock_up(client: DynamoDBClient, table: str, ingredients: list[str] | None = None) -> None:
    """Plenty of every ingredient, delivered."""
    stock = StockTable(client, table)
    for name in ingredients or names():
        deliver(stock, name, 1, PLENTY)


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
