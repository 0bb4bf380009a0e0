"""The original's algorithms, as a Lambda function would run them: what ours are measured against.

Take: one UpdateItem an item, in order; where one fails, those before it are put back, one by one. Receive: two calls a
row of CSV, one after the other. The set of batch ids stands on the level's row. This file knows nothing of stockctl, so
that it can be deployed as it is.
"""

from __future__ import annotations

import json
import os
from functools import cache
from typing import Any

import boto3
from botocore.exceptions import ClientError


def take(client: Any, table: str, items: dict[str, int]) -> bool:
    """Takes items one by one; puts back what was taken where one is short."""
    taken: list[str] = []
    for name, units in items.items():
        try:
            _add(client, table, name, -units, "quantity >= :needed", {":needed": {"N": str(units)}})
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            for back in taken:
                _add(client, table, back, items[back])
            return False
        taken.append(name)
    return True


def receive(client: Any, table: str, name: str, batch_id: str, units: int) -> None:
    """Puts a batch, and then adds it to the level."""
    row = {"ingredient": {"S": name}, "batch_id": {"S": batch_id}, "quantity": {"N": str(units)}}
    client.put_item(TableName=table, Item=row)
    client.update_item(
        TableName=table,
        Key={"ingredient": {"S": name}, "batch_id": {"S": "all"}},
        UpdateExpression="ADD quantity :units, batches :id",
        ExpressionAttributeValues={":units": {"N": str(units)}, ":id": {"SS": [batch_id]}},
    )


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answers `POST /transactions`."""
    document = json.loads(event["body"])
    items = {item["typeId"]: item["quantity"] for item in document["items"]}
    code = 201 if take(_client(), os.environ["STOCK_TABLE"], items) else 409
    return {"statusCode": code, "headers": {"Content-Type": "application/json"}, "body": "{}"}


def _add(client: Any, table: str, name: str, units: int, condition: str = "", values: Any = None) -> None:
    client.update_item(
        TableName=table,
        Key={"ingredient": {"S": name}, "batch_id": {"S": "all"}},
        UpdateExpression="ADD quantity :units",
        ExpressionAttributeValues={":units": {"N": str(units)}, **(values or {})},
        **({"ConditionExpression": condition} if condition else {}),
    )


@cache
def _client() -> Any:
    return boto3.client("dynamodb", endpoint_url=os.environ.get("AWS_ENDPOINT_URL"))
