"""DynamoDB rows: keys, and conversion between rows and domain objects (stockctl/README.md, "Data model").

Also the action of a transaction that updates a row.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from stockctl.domain.commit import Commit
from stockctl.domain.instants import NEVER, iso
from stockctl.domain.stock import Batch, Level, Roster

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, TransactWriteItemTypeDef

Action: TypeAlias = "TransactWriteItemTypeDef"
TableRow = Mapping[str, Any]
Key = dict[str, "AttributeValueTypeDef"]
Value = int | str | bool | list[str]
"""A number, a string, true or false, or a set of strings."""
Values = Mapping[str, Value]

LEVEL = "all"
ROSTER = "roster"
BATCH_PREFIX = "batch#"
LEVEL_INDEX = "LevelIndex"
LEVEL_ROW_TYPE = "level"

STAMP = "cause = :cause, updated_at = :at, commit_id = :commit"
"""What each change of a level sets."""


def number(value: int) -> AttributeValueTypeDef:
    """A number in DynamoDB's format."""
    return {"N": str(value)}


def text(value: str) -> AttributeValueTypeDef:
    """A string in DynamoDB's format."""
    return {"S": value}


def stamp(cause: str, commit: Commit) -> dict[str, Value]:
    """The values of a level's STAMP, and the 1 that its version grows by."""
    return {":one": 1, ":cause": cause, ":at": iso(commit.at), ":commit": commit.commit_id}


def update(table: str, key: Key, change: str, condition: str, values: Values, *, shows_row: bool = False) -> Action:
    """The action that changes a row. With `shows_row`, the reason of a failed condition has the row that is there."""
    shown = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"} if shows_row else {}
    return {
        "Update": {
            "TableName": table,
            "Key": key,
            "UpdateExpression": change,
            "ConditionExpression": condition,
            "ExpressionAttributeValues": in_format(values),
            **shown,  # type: ignore[typeddict-item]
        }
    }


def in_format(values: Values) -> dict[str, AttributeValueTypeDef]:
    """The values in DynamoDB's format."""
    return {name: _in_format(value) for name, value in values.items()}


def _in_format(value: Value) -> AttributeValueTypeDef:
    if isinstance(value, list):
        return {"SS": value}
    if isinstance(value, bool):
        return {"BOOL": value}
    return number(value) if isinstance(value, int) else text(value)


def level_key(ingredient: str) -> Key:
    """The key of an ingredient's level."""
    return {"ingredient": text(ingredient), "batch_id": text(LEVEL)}


def roster_key(ingredient: str) -> Key:
    """The key of an ingredient's roster."""
    return {"ingredient": text(ingredient), "batch_id": text(ROSTER)}


def batch_key(ingredient: str, batch_id: str) -> Key:
    """The key of one batch."""
    return {"ingredient": text(ingredient), "batch_id": text(BATCH_PREFIX + batch_id)}


def record_key(record_id: str) -> Key:
    """The key of a record in the transaction table."""
    return {"transaction_id": text(record_id)}


def level_from(row: TableRow) -> Level:
    """The level in a row."""
    return Level(
        ingredient=row["ingredient"]["S"],
        quantity=int(row["quantity"]["N"]),
        received=int(row["received"]["N"]),
        used=int(row["used"]["N"]),
        expired=int(row["expired"]["N"]),
        next_expiry=_number_in(row, "next_expiry"),
        generation=int(row["generation"]["N"]),
        version=int(row["version"]["N"]),
        cause=row["cause"]["S"],
        updated_at=row["updated_at"]["S"],
        threshold=_number_in(row, "threshold"),
        discarded=_number_in(row, "discarded") or 0,
        returned=_number_in(row, "returned") or 0,
        commit_id=row["commit_id"]["S"] if "commit_id" in row else "",
        uncharged_units=_number_in(row, "uncharged_units") or 0,
        uncharged_through=_number_in(row, "uncharged_through") or 0,
    )


def _number_in(row: TableRow, name: str) -> int | None:
    return int(row[name]["N"]) if name in row else None


def roster_from(row: TableRow) -> Roster:
    """The roster in a row. DynamoDB has no empty sets, so a roster without batches lacks the attribute."""
    batch_ids = frozenset(row.get("batches", {}).get("SS", ()))
    return Roster(batch_ids, int(row["generation"]["N"]), int(row["batch_units"]["N"]))


def batch_from(row: TableRow) -> Batch:
    """The batch in a row."""
    return Batch(
        ingredient=row["ingredient"]["S"],
        batch_id=row["batch_id"]["S"].removeprefix(BATCH_PREFIX),
        delivery=row["delivery"]["S"],
        quantity=int(row["quantity"]["N"]),
        received=int(row["received"]["N"]),
        best_before=row["best_before"]["S"],
        expires_at=int(row["expires_at"]["N"]) if "expires_at" in row else NEVER,
        etag=row["etag"]["S"],
        received_at=row["received_at"]["S"],
        charged_through=_number_in(row, "charged_through"),
        charged_at=row["charged_at"]["S"] if "charged_at" in row else "",
        discarded=_number_in(row, "discarded") or 0,
    )


def batch_row(batch: Batch) -> dict[str, AttributeValueTypeDef]:
    """The row of a batch that nothing was charged to; `expires_at` is its time to live, absent if it never expires."""
    expiry = {} if batch.expires_at == NEVER else {"expires_at": number(batch.expires_at)}
    return {
        **batch_key(batch.ingredient, batch.batch_id),
        "delivery": text(batch.delivery),
        "quantity": number(batch.quantity),
        "received": number(batch.received),
        "best_before": text(batch.best_before),
        **expiry,
        "etag": text(batch.etag),
        "received_at": text(batch.received_at),
    }
