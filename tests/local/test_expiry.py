"""The stand-in for DynamoDB's TTL service: what is due goes, everything else stays."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from stockctl.aws.clients import Clients
from stockctl.local.expiry import ExpiryService

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = 1_800_000_000
TEMPLATE = {
    "Resources": {
        "StockTable": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": "ingredient", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "ingredient", "KeyType": "HASH"}],
            },
        }
    },
    "Outputs": {"StockTable": {"Value": {"Ref": "StockTable"}}, "Other": {"Value": "no table at all"}},
}


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clients]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        yield Clients(boto3.session.Session(region_name="eu-west-1"))


@pytest.fixture
def table(clients: Clients) -> str:
    clients.cloudformation.create_stack(StackName="kitchen", TemplateBody=json.dumps(TEMPLATE))
    return clients.cloudformation.describe_stacks()["Stacks"][0]["Outputs"][0]["OutputValue"]


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


def test_a_row_that_was_put_anew_since_it_was_read_stays(clients: Clients, table: str) -> None:
    """The deletion is conditional on the row still being due."""
    put(clients, table, "fresh", expires_at={"N": str(NOW - 1)})

    def put_anew(**_: object) -> None:
        put(clients, table, "fresh", expires_at={"N": str(NOW + 60)})

    clients.dynamodb.meta.events.register("before-call.dynamodb.DeleteItem", put_anew)
    assert ExpiryService(clients).sweep(NOW) == 0
    assert left(clients, table) == {"fresh"}


def test_where_no_stack_is_deployed_there_is_nothing_to_do(clients: Clients) -> None:
    """It starts before the first deployment."""
    assert ExpiryService(clients).sweep(NOW) == 0
