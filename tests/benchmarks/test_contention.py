"""One hot ingredient, more and more clients: single uses take turns at its row, batches share it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stockctl.domain.transaction import Accepted
from stockctl.operations.use import Tables, use
from stockctl.operations.use_batch import use_batch
from tests.benchmarks.conftest import stock_up, stocked_api
from tests.benchmarks.measure import HOT, Callers, Meter, Run, at_work, chunks, hot_pair, orders
from tests.service import STOCK

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from mypy_boto3_dynamodb import DynamoDBClient

    from tests.benchmarks.report import Report
    from tests.system.conftest import System

CLIENTS = (1, 2, 4, 8, 16, 32, 64)
SINGLES = 200
IN_BATCH = 100


def test_clients_on_one_hot_ingredient(tables: Tables, dynamodb: DynamoDBClient, report: Report) -> None:
    stock_up(dynamodb, STOCK, [HOT, "i0"])
    meter = Meter().watch(dynamodb)
    rows: list[list[object]] = []
    for clients in CLIENTS:
        meter.reset()
        single = _singles(lambda one: use(tables, one), clients)
        attempts = meter.calls["TransactWriteItems"] / SINGLES
        assert all(isinstance(outcome, Accepted) for outcome in single.results)
        meter.reset()
        many = _batches(lambda batch: use_batch(tables, batch), clients)
        assert all(isinstance(outcome, Accepted) for outcomes in many.results for outcome in outcomes)
        each = meter.calls["TransactWriteItems"] / (2 * clients)
        rows.append([clients, *_speed(single, SINGLES), attempts, *_speed(many, IN_BATCH * clients), each])
    report.table(f"Clients on one hot ingredient, DynamoDB Local (batches of {IN_BATCH})", _columns("attempts"), rows)


def test_clients_on_one_hot_ingredient_of_the_embedded_cloud(embedded_cloud: System, report: Report) -> None:
    callers = Callers(stocked_api(embedded_cloud, [HOT, "i0"]))
    rows: list[list[object]] = []
    for clients in CLIENTS:
        # Each is done twice: workers that are started by the first are not measured.
        _, single = _singles(callers.use, clients), _singles(callers.use, clients)
        _, many = _batches(callers.use_batch, clients), _batches(callers.use_batch, clients)
        assert set(single.results) == {201} == {code for codes in many.results for code in codes}
        rows.append([clients, *_speed(single, SINGLES), *_speed(many, IN_BATCH * clients)])
    report.table(f"Clients on one hot ingredient, embedded cloud (batches of {IN_BATCH})", _columns(), rows)


def _singles(work: Callable[[Any], object], clients: int) -> Run:
    return at_work(work, orders(hot_pair, SINGLES), clients)


def _batches(work: Callable[[Any], object], clients: int) -> Run:
    return at_work(work, chunks(orders(hot_pair, IN_BATCH * clients), IN_BATCH), clients)


def _speed(run: Run, accepted: int) -> list[object]:
    return [accepted / run.seconds, run.percentile(50), run.percentile(99)]


def _columns(*more: str) -> list[str]:
    measured = ("accepted/s", "p50 ms", "p99 ms", *more)
    return ["clients", *(f"single: {name}" for name in measured), *(f"batched: {name}" for name in measured)]
