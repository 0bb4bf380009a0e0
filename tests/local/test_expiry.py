"""The replacement of DynamoDB's TTL service: deletes what is due, and nothing else."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from stockctl.aws.clients import Clients, aws_session
from stockctl.domain.errors import StockctlError
from stockctl.local.expiry import ExpiryService

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = 1_800_000_000


def table_of(key: str) -> dict[str, Any]:
    return {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}],
        },
    }


TEMPLATE = {
    "Resources": {"StockTable": table_of("ingredient"), "TransactionTable": table_of("transaction_id")},
    "Outputs": {
        "StockTable": {"Value": {"Ref": "StockTable"}},
        "TransactionTable": {"Value": {"Ref": "TransactionTable"}},
        "Other": {"Value": "no table at all"},
    },
}


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clients]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        yield Clients(aws_session(region="eu-west-1"))


@pytest.fixture
def tables(clients: Clients) -> dict[str, str]:
    clients.cloudformation.create_stack(StackName="kitchen", TemplateBody=json.dumps(TEMPLATE))
    outputs = clients.cloudformation.describe_stacks()["Stacks"][0]["Outputs"]
    return {output["OutputKey"]: output["OutputValue"] for output in outputs}


@pytest.fixture
def table(tables: dict[str, str]) -> str:
    return tables["StockTable"]


def put(clients: Clients, table: str, name: str, **attributes: Any) -> None:
    clients.dynamodb.put_item(TableName=table, Item={"ingredient": {"S": name}, **attributes})


def left(clients: Clients, table: str) -> set[str]:
    return {row["ingredient"]["S"] for row in clients.dynamodb.scan(TableName=table)["Items"]}


def test_only_rows_that_are_due_are_deleted(clients: Clients, table: str) -> None:
    """A row without the attribute never is."""
    put(clients, table, "past", expires_at={"N": str(NOW - 1)})
    put(clients, table, "now", expires_at={"N": str(NOW)})
    put(clients, table, "later", expires_at={"N": str(NOW + 1)})
    put(clients, table, "never")
    assert ExpiryService(clients).sweep(NOW) == 2
    assert left(clients, table) == {"later", "never"}


def test_a_row_replaced_after_the_scan_is_not_deleted(clients: Clients, table: str) -> None:
    """The deletion is conditional on the row still being due."""
    put(clients, table, "fresh", expires_at={"N": str(NOW - 1)})

    def put_anew(**_: object) -> None:
        put(clients, table, "fresh", expires_at={"N": str(NOW + 60)})

    clients.dynamodb.meta.events.register("before-call.dynamodb.DeleteItem", put_anew)
    assert ExpiryService(clients).sweep(NOW) == 0
    assert left(clients, table) == {"fresh"}


def test_transactions_are_looked_at_every_few_minutes(clients: Clients, tables: dict[str, str]) -> None:
    """They are many and kept for months; batches are looked at by every sweep."""

    def put_due(position: int) -> None:
        put(clients, tables["StockTable"], f"ham {position}", expires_at={"N": str(NOW)})
        forgotten = {"transaction_id": {"S": f"t{position}"}, "forget_at": {"N": str(NOW)}}
        clients.dynamodb.put_item(TableName=tables["TransactionTable"], Item=forgotten)

    service, swept = ExpiryService(clients), []
    for position, seconds in enumerate((0, 1, 299, 300)):
        put_due(position)
        swept.append(service.sweep(NOW + seconds))
    assert swept == [2, 1, 1, 4]


def test_without_a_stack_there_is_nothing_to_do(clients: Clients) -> None:
    """It starts before the first deployment."""
    assert ExpiryService(clients).sweep(NOW) == 0


def test_what_the_last_run_left_undone_is_done_once_and_tried_again_after_an_error(
    clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    swept = threading.Event()

    def catch_up() -> None:
        done.append("catch up")
        if len(done) == 1:
            raise StockctlError("the stack is being changed")

    def sweep(_now: float) -> int:
        done.append("sweep")
        if done.count("sweep") == 3:
            swept.set()
        return 0

    monkeypatch.setattr("stockctl.local.expiry.SECONDS_BETWEEN", 0.001)
    service = ExpiryService(clients)
    monkeypatch.setattr(service, "_catch_up", catch_up)
    monkeypatch.setattr(service, "sweep", sweep)
    service.start()
    assert swept.wait(10)
    service.stop()
    assert done[:5] == ["catch up", "catch up", "sweep", "sweep", "sweep"]
