"""Records in the transaction table: what was done under an id, so that a repeat finds it and does nothing again."""

from __future__ import annotations

from datetime import timedelta

from stockctl.domain.instants import iso
from stockctl.operations import conditions
from stockctl.operations.rows import Action, Values, in_format

REMEMBERED_SECONDS = int(timedelta(days=90).total_seconds())
"""How long ids are remembered. A repeat within this time is replayed."""


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
