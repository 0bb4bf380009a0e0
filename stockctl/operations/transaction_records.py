"""Records in the transaction table: what was done under an id, so that a repeat finds it and does nothing again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from stockctl.domain.instants import iso
from stockctl.domain.transaction import Reused
from stockctl.operations import conditions
from stockctl.operations.rows import Action, TableRow, Values, in_format, record_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Answer = TypeVar("Answer")

REMEMBERED_SECONDS = int(timedelta(days=90).total_seconds())
"""How long ids are remembered. A repeat within this time is replayed."""


def find_record(client: DynamoDBClient, table: str, record_id: str) -> TableRow | None:
    """The record of an id; None if there is none."""
    return client.get_item(TableName=table, Key=record_key(record_id), ConsistentRead=True).get("Item")


def repeated(
    record: TableRow | None, request_hash: str, earlier: Callable[[TableRow], Answer]
) -> Answer | Reused | None:
    """The answer to a request whose id has this record: `earlier`, if that request was the same; None for no record."""
    if record is None:
        return None
    return earlier(record) if record["request_hash"]["S"] == request_hash else Reused()


def record_once(table: str, record_id: str, request_hash: str, at: float, attributes: Values) -> Action:
    """The action that records an id. If the id is not new, it fails, and the reason has the record that is there.

    `request_hash` tells a repeat from another request with the same id; `attributes` are what the operation records.
    """
    row = {
        "transaction_id": record_id,
        "request_hash": request_hash,
        "at": iso(at),
        "forget_at": int(at) + REMEMBERED_SECONDS,
        **attributes,
    }
    return {
        "Put": {
            "TableName": table,
            "Item": in_format(row),
            "ConditionExpression": conditions.IS_NEW,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }
