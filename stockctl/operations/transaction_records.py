"""Records in the transaction table: what was done under an id, so that a repeat finds it and does nothing again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from stockctl.domain.instants import iso
from stockctl.operations import conditions
from stockctl.operations.rows import number, text

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, TransactWriteItemTypeDef

REMEMBERED_SECONDS = int(timedelta(days=90).total_seconds())
"""How long ids are remembered. A repeat within this time is replayed."""


def record_once(
    table: str, record_id: str, request_hash: str, at: float, attributes: Mapping[str, AttributeValueTypeDef]
) -> TransactWriteItemTypeDef:
    """The action that records an id. If the id is not new, it fails, and the reason has the record that is there.

    `request_hash` tells a repeat from another request with the same id; `attributes` are what the operation records.
    """
    return {
        "Put": {
            "TableName": table,
            "Item": {
                "transaction_id": text(record_id),
                "request_hash": text(request_hash),
                "at": text(iso(at)),
                "forget_at": number(int(at) + REMEMBERED_SECONDS),
                **attributes,
            },
            "ConditionExpression": conditions.IS_NEW,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }
