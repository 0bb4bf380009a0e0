"""What a use costs, however many batches there are of an ingredient; what reconciling costs, however many uses."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from stockctl.domain.commit import Commit
from stockctl.domain.transaction import Transaction
from stockctl.operations.reconcile import reconcile
from stockctl.operations.rows import level_key, number
from stockctl.operations.use import Tables, put_record, use
from stockctl.operations.use_batch import use_batch
from tests.benchmarks.capacity import PRICED, dollars_per_million, item_bytes, write_units
from tests.benchmarks.conftest import PATIENCE, PLENTY, deliver, stock_up
from tests.benchmarks.measure import Meter, hot, orders, wide
from tests.service import STOCK

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from tests.benchmarks.report import Report

BATCHES_PER_SECOND = 1
"""StockUpdated's batching window is a second; a batch is full at 1,000 records."""


def test_the_rule_for_write_units_is_dynamodbs() -> None:
    assert item_bytes({"name": {"S": "häm"}, "n": {"N": "100"}}) == 4 + 4 + 1 + 2
    assert write_units({"a": {"S": "x" * 1023}}) == 1
    assert write_units({"a": {"S": "x" * 1024}}, transactional=True) == 4


def test_a_use_costs_the_same_whatever_the_number_of_live_batches(tables: Tables, report: Report) -> None:
    rows = []
    for batches in (1, 10, 100, 1_000, 10_000):
        name = f"with-{batches}"
        deliver(tables.stock, name, batches)
        use(tables, Transaction(f"t{batches}", {name: 1}))
        ids = [f"d.csv@{4_000_000_000 + position}" for position in range(batches)]
        original = {**level_key(name), "quantity": number(PLENTY), "batches": {"SS": ids}}
        ours = _units_of_use(tables, name)
        in_a_transaction = write_units(original, transactional=True) + 2
        rows.append([batches, write_units(original), in_a_transaction, ours])
    columns = ["live batches", "batch ids on the level", "the same, all-or-nothing", "ours, all-or-nothing"]
    report.table("Write units of one use of one ingredient", columns, rows)
    assert {row[3] for row in rows} == {4}


def test_a_million_uses_in_dollars(tables: Tables, dynamodb: DynamoDBClient, report: Report) -> None:
    stock_up(dynamodb, STOCK)
    meter = Meter().watch(dynamodb)
    rows: list[list[object]] = [
        ["original: two items, one by one, not all-or-nothing", 2.0, 0.0, dollars_per_million(2)]
    ]
    for transaction in orders(wide, 20):
        use(tables, transaction)
    rows.append(_row("ours: one by one", meter, 20))
    for basket, name in ((wide, "over 1,000 ingredients"), (hot, "one hot ingredient and one of 1,000")):
        meter.reset()
        use_batch(tables, orders(basket, 500))
        rows.append(_row(f"ours: batches of 500, {name}", meter, 500))
    report.table(f"A million transactions of two items ({PRICED})", ["", "write units", "read units", "dollars"], rows)


def test_reconciling_costs_less_a_use_the_more_uses_there_are(tables: Tables, report: Report) -> None:
    """A thousand uses within a batching window are one batch of records, and so one reconciliation."""
    deliver(tables.stock, "ham", 10, units=PLENTY)
    meter = Meter().watch(tables.stock.client)
    rows = []
    for uses in (1, 10, 100, 1_000):
        use_batch(tables, [Transaction(f"{uses}-{position}", {"ham": 1}) for position in range(uses)])
        meter.reset()
        done = [reconcile(tables.stock, "ham", time.time, PATIENCE) for _ in range(BATCHES_PER_SECOND)]
        assert sum(one.allocated for one in done) == uses
        each = _units_of_allocation(tables, "ham")
        rows.append([uses, uses, uses * each, len(done), meter.write_units, meter.write_units / uses])
        assert len(done) <= 10
    columns = ["uses/s", "one event, one reconciliation", "its write units", "ours", "its write units", "a use"]
    report.table("Reconciliations of one ingredient a second", columns, rows)


def _row(name: str, meter: Meter, count: int) -> list[object]:
    write, read = meter.write_units / count, meter.read_units / count
    return [name, write, read, dollars_per_million(write, read)]


def _units_of_use(tables: Tables, ingredient: str) -> int:
    """By the rule: the level as it is, and the transaction's record, both in a transaction."""
    level = tables.stock.client.get_item(TableName=STOCK, Key=level_key(ingredient))["Item"]
    transaction, commit = Transaction("t", {ingredient: 1}), Commit.of(["use t"], time.time())
    record: Any = put_record(tables.transactions, transaction, commit)["Put"]["Item"]
    return write_units(level, transactional=True) + write_units(record, transactional=True)


def _units_of_allocation(tables: Tables, ingredient: str) -> int:
    """By the rule: the roster that is checked, and one batch that is charged, both in a transaction."""
    rows = tables.stock.client.query(
        TableName=STOCK,
        KeyConditionExpression="ingredient = :name",
        ExpressionAttributeValues={":name": {"S": ingredient}},
    )["Items"]
    return write_units(rows[-1], transactional=True) + write_units(rows[1], transactional=True)
