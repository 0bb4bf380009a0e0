"""Clouds with tables in moto or DynamoDB Local, and the bucket, stream and clock of the tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, Protocol

from stockctl.aws.clients import Clients, aws_session
from stockctl.aws.retry import Patience
from tests.faults.cloud_engine import Body, BucketEngine, SmallCloud, Snapshot, StreamEngine
from tests.faults.invariants import Rows
from tests.faults.table_engine import KEYS, STOCK, TRANSACTIONS, Store, key_of
from tests.service import make_tables

PATIENT = Patience(seconds=20)


class AnyCloud(Protocol):
    """A cloud for operations, whose rows can be read, removed and cleared, and whose clock can be set."""

    dynamodb: Any
    s3: Any
    kinesis: Any
    now: int
    patience: Patience
    state: Snapshot

    def clock(self) -> float: ...

    def rows(self) -> Rows: ...

    def clear(self) -> None: ...


class EngineCloud:
    """A cloud with tables in an engine that boto3 reaches."""

    def __init__(self, endpoint_url: str | None) -> None:
        session = aws_session(region="eu-west-1")
        session.set_credentials("test", "test")
        self.clients = Clients(session, endpoint_url)
        self.dynamodb: Any = self.clients.dynamodb
        self.patience = PATIENT
        make_tables(self.clients, STOCK, TRANSACTIONS)
        self.clear()

    def clock(self) -> float:
        return float(self.now)

    def rows(self) -> Rows:
        return {
            key_of(table, row): row
            for table in (STOCK, TRANSACTIONS)
            for page in self.dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
            for row in page["Items"]
        }

    @property
    def state(self) -> Snapshot:
        return Snapshot(
            Store({key: dict(row) for key, row in self.rows().items()}),
            self.s3.objects,
            self.kinesis.published,
            self.now,
        )

    @state.setter
    def state(self, snapshot: Snapshot) -> None:
        """Writes the rows that differ."""
        there, wanted = self.rows(), snapshot.store.rows
        for key in there.keys() - wanted.keys():
            self.dynamodb.delete_item(TableName=key[0], Key={name: there[key][name] for name in KEYS[key[0]]})
        for key, row in wanted.items():
            if there.get(key) != row:
                self.dynamodb.put_item(TableName=key[0], Item=row)
        self.s3: Any = ReadableBucket(snapshot.objects)
        self.kinesis: Any = StreamEngine(snapshot.published)
        self.now = snapshot.now

    def clear(self) -> None:
        """An empty cloud at second 0."""
        self.state = Snapshot()


class ProcessCloud(SmallCloud):
    """The in-process cloud, with retries and without torn reads."""

    def __init__(self) -> None:
        super().__init__(page_rows=2)
        asked = count()  # time passes with each reading, so retries end after a number of attempts
        self.patience = Patience(99, clock=lambda: float(next(asked)), sleep=lambda _seconds: None)
        self.clear()

    def rows(self) -> Rows:
        return self.dynamodb.store.rows

    def clear(self) -> None:
        """An empty cloud at second 0."""
        self.state = SmallCloud().state
        self.s3 = ReadableBucket()


class ReadableBucket(BucketEngine):
    """A bucket with the reading interface of boto3."""

    def get_object(self, **request: Any) -> dict[str, Any]:
        answer = super().get_object(**request)
        return {**answer, "Body": Body(answer["Body"])}


Strike = Callable[[str, Callable[[], Any]], Any]
"""Makes a call, or does something else instead."""


class StruckCloud:
    """A cloud whose calls all go through `strike`."""

    def __init__(self, cloud: AnyCloud, strike: Strike) -> None:
        self.cloud = cloud
        self.patience = cloud.patience
        self.dynamodb: Any = _Struck(cloud.dynamodb, strike)
        self.s3: Any = _Struck(cloud.s3, strike)
        self.kinesis: Any = _Struck(cloud.kinesis, strike)

    def clock(self) -> float:
        return self.cloud.clock()


class _Struck:
    def __init__(self, client: Any, strike: Strike) -> None:
        self.client = client
        self.strike = strike

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        do = getattr(self.client, operation)
        return lambda **request: self.strike(operation, lambda: do(**request))

    def get_paginator(self, operation: str) -> Any:
        return _StruckPages(self, operation)


class _StruckPages:
    def __init__(self, client: _Struck, operation: str) -> None:
        self.call = getattr(client, operation)

    def paginate(self, **request: Any) -> Any:
        while True:
            page: Mapping[str, Any] = self.call(**request)
            yield page
            if "LastEvaluatedKey" not in page:
                return
            request = {**request, "ExclusiveStartKey": page["LastEvaluatedKey"]}
