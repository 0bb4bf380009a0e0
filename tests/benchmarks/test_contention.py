"""One hot ingredient, more and more clients, on DynamoDB Local: single uses take turns at its row, batches share it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stockctl.aws.use import Till, use
from stockctl.aws.use_many import use_many
from stockctl.domain.transaction import Accepted
from tests.benchmarks.conftest import stock_up
from tests.benchmarks.measure import HOT, Meter, at_work, chunks, hot_pair, orders
from tests.service import STOCK

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from tests.benchmarks.report import Report

CLIENTS = (1, 2, 4, 8, 16, 32, 64)


def test_clients_on_one_hot_ingredient(till: Till, dynamodb: DynamoDBClient, report: Report) -> None:
    stock_up(dynamodb, STOCK, [HOT, "i0"])
    meter = Meter().watch(dynamodb)
    rows: list[list[object]] = []
    for clients in CLIENTS:
        meter.reset()
        count = 200
        single = at_work(lambda one: use(till, one), orders(hot_pair, count), clients)
        attempts = meter.calls["TransactWriteItems"] / count
        assert all(isinstance(outcome, Accepted) for outcome in single.results)
        meter.reset()
        batches = chunks(orders(hot_pair, 100 * clients), 100)
        many = at_work(lambda batch: use_many(till, batch), batches, clients)
        accepted = sum(isinstance(outcome, Accepted) for outcomes in many.results for outcome in outcomes)
        each = meter.calls["TransactWriteItems"] / (2 * len(batches))
        speed = [count / single.seconds, attempts, single.percentile(50), single.percentile(99)]
        rows.append([clients, *speed, accepted / many.seconds, each, many.percentile(50), many.percentile(99)])
        assert accepted == 100 * clients
    columns = ["clients", "single/s", "attempts", "p50 ms", "p99 ms", "batched/s", "attempts", "p50 ms", "p99 ms"]
    report.table("Clients on one hot ingredient, DynamoDB Local (batches of 100)", columns, rows)
