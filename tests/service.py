"""The service on moto, in one process and one thread: fast, but it proves nothing about concurrency."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import quote_plus

import pytest

from stockctl.aws.clients import Clients, aws_session
from stockctl.functions import get_stock, post_transaction, stock_expired, stock_received, stock_updated, wiring
from stockctl.operations.drop_bucket import DropBucket
from stockctl.operations.rows import LEVEL, level_key
from stockctl.operations.stock_table import StockTable

STACK = "kitchen"
STOCK = "kitchen-stock"
TRANSACTIONS = "kitchen-transactions"
BUCKET = "kitchen-drop"
HISTORY = "kitchen-history"
STREAM = "kitchen-levels"


@cache
def calling_clients() -> Clients:
    """The clients that tests call the service with: made once, because that takes longer than most tests."""
    return Clients(aws_session())


@cache
def function_clients() -> Clients:
    """The clients of the functions, made once as well."""
    return Clients.of_function()


@dataclass
class Service:
    """Tables, bucket and stream, and the events that AWS would send to the functions."""

    clients: Clients
    streamed: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    """The batch rows whose records StockUpdated has had."""

    @classmethod
    def made(cls, monkeypatch: pytest.MonkeyPatch) -> Service:
        """Makes everything in the account that is mocked now."""
        clients = calling_clients()
        make_tables(clients)
        make_history_table(clients)
        clients.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        clients.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        clients.kinesis.create_stream(StreamName=STREAM, ShardCount=1)
        monkeypatch.setattr("stockctl.operations.workers.WORKERS", 1)  # moto is not thread-safe
        monkeypatch.setenv("STOCK_TABLE", STOCK)
        monkeypatch.setenv("TRANSACTION_TABLE", TRANSACTIONS)
        monkeypatch.setenv("HISTORY_TABLE", HISTORY)
        monkeypatch.setenv("HISTORY_DAYS", "400")
        monkeypatch.setenv("LEVEL_STREAM", STREAM)
        monkeypatch.setenv("TIME_ZONE", "UTC")
        monkeypatch.setattr(wiring, "clients", function_clients)
        for made_once in (
            wiring.stock_table,
            wiring.tables,
            wiring.recorder,
            wiring.publisher,
            wiring.history,
            wiring.returns,
        ):
            made_once.cache_clear()
        return cls(clients)

    @property
    def stock(self) -> StockTable:
        return StockTable(self.clients.dynamodb, STOCK)

    @property
    def bucket(self) -> DropBucket:
        return DropBucket(self.clients.s3, BUCKET)

    def drop(self, key: str, content: str | bytes) -> dict[str, Any]:
        """Drops a delivery, sends its notification, and returns the receipt."""
        body = content.encode() if isinstance(content, str) else content
        version = self.clients.s3.put_object(Bucket=BUCKET, Key=key, Body=body)["VersionId"]
        stock_received.handler({"Records": [self.notification(key, version)]}, None)
        receipt = self.bucket.receipt(key)
        assert receipt is not None
        return receipt

    def notification(self, key: str, version: str) -> dict[str, Any]:
        """S3's notification of one object; its key is encoded as a form's field is."""
        return {"s3": {"bucket": {"name": BUCKET}, "object": {"key": quote_plus(key), "versionId": version}}}

    def post(self, transaction_id: str, **items: int) -> tuple[int, dict[str, Any]]:
        """Posts a transaction and returns status code and body."""
        lines = [{"typeId": name, "quantity": count} for name, count in items.items()]
        return self.post_body(json.dumps({"transactionId": transaction_id, "items": lines}))

    def post_body(self, body: str | None) -> tuple[int, dict[str, Any]]:
        """Posts any body and returns status code and body of the answer."""
        answer = post_transaction.handler({"body": body, "isBase64Encoded": False}, None)
        return answer["statusCode"], json.loads(answer["body"])

    def get(self, type_id: str | None = None, query: str = "") -> tuple[int, dict[str, Any]]:
        """Gets the stock as the menu service does."""
        parameters = {"typeId": type_id} if type_id is not None else None
        answer = get_stock.handler({"pathParameters": parameters, "rawQueryString": query}, None)
        return answer["statusCode"], json.loads(answer["body"])

    def level_image(self, ingredient: str) -> dict[str, Any]:
        """The stream record of a level's change, as it is now."""
        row = self.clients.dynamodb.get_item(TableName=STOCK, Key=level_key(ingredient))["Item"]
        keys = {"ingredient": {"S": ingredient}, "batch_id": {"S": LEVEL}}
        return {
            "eventName": "MODIFY",
            "dynamodb": {"Keys": keys, "NewImage": row, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        }

    def process_stream(self, *ingredients: str) -> None:
        """Sends the level changes of ingredients to StockUpdated, and then the charges since the last time."""
        stock_updated.handler({"Records": [self.level_image(name) for name in ingredients]}, None)
        rows = {key: row for key, row in self._batch_rows().items() if key[0] in ingredients}
        charged = [
            {"eventName": "MODIFY", "dynamodb": {"Keys": {}, "OldImage": before, "NewImage": row}}
            for key, row in rows.items()
            if (before := _with_discards_of(row, self.streamed.get(key, _inserted(row)))) != row
        ]
        if charged:
            stock_updated.handler({"Records": charged}, None)
        self.streamed |= rows

    def _batch_rows(self) -> dict[tuple[str, str], dict[str, Any]]:
        rows = self.clients.dynamodb.scan(TableName=STOCK, ConsistentRead=True)["Items"]
        return {(row["ingredient"]["S"], row["batch_id"]["S"]): dict(row) for row in rows if "delivery" in row}

    def expire(self, ingredient: str, batch_id: str) -> None:
        """Removes a batch row as time to live does, and sends the record of that."""
        keys = {"ingredient": {"S": ingredient}, "batch_id": {"S": f"batch#{batch_id}"}}
        self.clients.dynamodb.delete_item(TableName=STOCK, Key=keys)
        stock_expired.handler({"Records": [{"eventName": "REMOVE", "dynamodb": {"Keys": keys}}]}, None)

    def published(self) -> list[dict[str, Any]]:
        """All that went to the level stream."""
        shard = self.clients.kinesis.list_shards(StreamName=STREAM)["Shards"][0]["ShardId"]
        iterator = self.clients.kinesis.get_shard_iterator(
            StreamName=STREAM, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        return [
            json.loads(record["Data"]) for record in self.clients.kinesis.get_records(ShardIterator=iterator)["Records"]
        ]


def _inserted(row: dict[str, Any]) -> dict[str, Any]:
    """The first image of a batch row."""
    first = {name: value for name, value in row.items() if name not in {"charged_through", "charged_at", "discarded"}}
    return {**first, "quantity": row["received"]}


def _with_discards_of(row: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """An earlier image of a batch row, as it would be had the later one's discards come first."""
    discarded = int(row.get("discarded", {"N": "0"})["N"]) - int(before.get("discarded", {"N": "0"})["N"])
    left = int(before["quantity"]["N"]) - discarded
    return {**before, "quantity": {"N": str(left)}} if discarded else before


def soon(seconds: float) -> str:
    """A best-before so many seconds from now."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def pass_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on it is an hour later."""
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + 3600)
    wiring.tables.cache_clear()  # it keeps the clock that it was made with


def make_history_table(clients: Clients) -> None:
    """The history table as the template makes it, but for what moto does not need."""
    names = {"ingredient": "HASH", "entry": "RANGE"}
    clients.dynamodb.create_table(
        TableName=HISTORY,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in names.items()],  # type: ignore[typeddict-item]
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
    )


def make_tables(clients: Clients, stock: str = STOCK, transactions: str = TRANSACTIONS) -> None:
    """The two tables as the template makes them, but for what moto does not need."""
    clients.dynamodb.create_table(
        TableName=stock,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "ingredient", "KeyType": "HASH"},
            {"AttributeName": "batch_id", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ("ingredient", "batch_id", "row_type")
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "LevelIndex",
                "KeySchema": [
                    {"AttributeName": "row_type", "KeyType": "HASH"},
                    {"AttributeName": "ingredient", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )
    clients.dynamodb.create_table(
        TableName=transactions,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "transaction_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "transaction_id", "AttributeType": "S"}],
    )
