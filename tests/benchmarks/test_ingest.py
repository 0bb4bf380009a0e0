"""Deliveries of 1,000, 10,000 and 100,000 rows, and the memory that a million rows take."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast
from zoneinfo import ZoneInfo

from stockctl.domain.best_before import DateReading
from stockctl.domain.receipt import Receipt
from stockctl.operations.drop_bucket import DropBucket
from stockctl.operations.record_delivery import Recorder
from stockctl.operations.stock_table import StockTable
from stockctl.operations.use import Tables
from tests.benchmarks import original
from tests.benchmarks.conftest import PATIENCE
from tests.service import STOCK, TRANSACTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_dynamodb import DynamoDBClient

    from tests.benchmarks.report import Report
    from tests.system.conftest import System

MEMORY = """
import resource, sys, time
import boto3
from pathlib import Path
from stockctl.operations.stock_table import StockTable
from tests.benchmarks.test_ingest import record
client = boto3.session.Session("bench", "bench", region_name={region!r}).client("dynamodb", endpoint_url={endpoint!r})
record(StockTable(client, {stock!r}), {transactions!r}, Path({file!r}), "million.csv")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


class Folder:
    """One file in the place of the drop bucket: what is measured is the recording."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def fetch(self, _key: str, _version: str | None, into: IO[bytes], _most: int) -> str:
        with self.file.open("rb") as content:
            while piece := content.read(1 << 20):
                into.write(piece)
        return "etag"

    def earlier_receipts(self, _key: str) -> Iterator[Receipt]:
        return iter(())

    def write_receipt(self, _key: str, made: Callable[[Receipt | None], Receipt | None]) -> Receipt | None:
        return made(None)


def record(table: StockTable, transactions: str, file: Path, name: str) -> Receipt:
    """Records a file as StockReceived does."""
    recorder = Recorder(
        cast("DropBucket", Folder(file)),
        Tables(table, transactions, time.time, PATIENCE),
        DateReading(ZoneInfo("UTC")),
    )
    receipt = recorder.record(name)
    assert receipt is not None
    return receipt


def delivery(folder: Path, rows: int) -> Path:
    """Rows of a thousand ingredients (fewer in a small file: ten rows each) with 28 best-befores."""
    file = folder / f"{rows}.csv"
    ingredients = min(1_000, rows // 10)
    with file.open("w") as out:
        out.write("ingredient,quantity,best_before\n")
        out.writelines(
            f"i{row % ingredients},{1 + row % 9},2099-01-{1 + row * 7 // ingredients % 28:02}\n" for row in range(rows)
        )
    return file


def test_rows_a_second(tables: Tables, tmp_path: Path, report: Report) -> None:
    _rows_a_second(tables.stock, TRANSACTIONS, tmp_path, report, "DynamoDB Local")


def test_rows_a_second_on_the_embedded_cloud(embedded_cloud: System, tmp_path: Path, report: Report) -> None:
    deployment = embedded_cloud.deployment
    stock = StockTable(embedded_cloud.clients.dynamodb, deployment.stock_table)
    _rows_a_second(stock, deployment.transaction_table, tmp_path, report, "embedded cloud")


def _rows_a_second(stock: StockTable, transactions: str, folder: Path, report: Report, engine: str) -> None:
    rows: list[list[object]] = []
    for count in (1_000, 10_000, 100_000):
        file = delivery(folder, count)
        baseline = _original_rows_a_second(stock, file, f"o{count}")
        began = time.perf_counter()
        receipt = record(stock, transactions, file, f"d{count}.csv")
        ours = count / (time.perf_counter() - began)
        assert receipt["status"] == "recorded"
        rows.append([count, receipt["recorded_rows"], baseline, ours, ours / baseline])
    columns = ["rows", "batches", "original, rows/s", "ours, rows/s", "ratio"]
    report.table(f"A delivery, {engine}", columns, rows)


def test_a_million_rows_take_less_than_256_megabytes(dynamodb: DynamoDBClient, tmp_path: Path, report: Report) -> None:
    rows: list[list[object]] = []
    for count in (10_000, 100_000, 1_000_000):
        file = delivery(tmp_path, count)
        place = {"region": dynamodb.meta.region_name, "endpoint": dynamodb.meta.endpoint_url, "file": str(file)}
        place |= {"stock": STOCK, "transactions": TRANSACTIONS}
        began = time.perf_counter()
        ended = subprocess.run(
            [sys.executable, "-c", MEMORY.format(**place)], capture_output=True, text=True, check=True
        )
        rows.append([count, int(ended.stdout), time.perf_counter() - began])
        for name in (STOCK, TRANSACTIONS):
            _empty(dynamodb, name)
    report.table("Memory of StockReceived", ["rows", "peak MB", "seconds"], rows)
    assert rows[-1][1] < 256  # type: ignore[operator]


def _original_rows_a_second(stock: StockTable, file: Path, prefix: str, sample: int = 500) -> float:
    lines = file.read_text().splitlines()[1 : 1 + sample]
    began = time.perf_counter()
    for number, line in enumerate(lines):
        name, units, _ = line.split(",")
        original.receive(stock.client, stock.name, f"{prefix}-{name}", f"batch-{number}", int(units))
    return len(lines) / (time.perf_counter() - began)


def _empty(client: DynamoDBClient, table: str) -> None:
    described = client.describe_table(TableName=table)["Table"]
    client.delete_table(TableName=table)
    client.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=described["KeySchema"],
        AttributeDefinitions=[one for one in described["AttributeDefinitions"] if one["AttributeName"] != "row_type"],
    )
