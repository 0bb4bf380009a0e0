"""A Kinesis stream in memory that expires iterators, reshards, throttles and refuses on request.

It follows Kinesis's rules: an iterator is valid for five minutes, a closed shard ends without a next iterator and names
its children, and a shard may be read five times a second.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

STARTED = datetime(2026, 11, 23, 12, tzinfo=UTC)


class FakeTime:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return STARTED + timedelta(seconds=self.seconds)

    def pass_by(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass
class FakeShard:
    parents: tuple[str, ...] = ()
    records: list[tuple[datetime, bytes]] = field(default_factory=list)
    closed: bool = False
    children: tuple[str, ...] = ()


def failure(code: str, message: str = "scripted") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "GetRecords")


def change(version: int, ingredient: str = "ham", quantity: int = 100, **extra: Any) -> bytes:
    """A published record."""
    record = {
        "typeId": ingredient,
        "quantity": quantity,
        "version": version,
        "at": "2026-11-23T12:00:00.000Z",
        "cause": f"use t{version}",
        "received": quantity,
        "used": 0,
        "expired": 0,
    }
    return json.dumps(record | extra).encode()


class FakeStream:
    """The part of boto3's Kinesis client that reads."""

    def __init__(self, time: FakeTime, shards: int = 1) -> None:
        self.time = time
        self.shards = {f"shard-{number}": FakeShard() for number in range(shards)}
        self.failures: list[Exception] = []
        self.iterator_failures: list[Exception] = []
        self.list_failures: list[Exception] = []
        self.reads: dict[str, list[float]] = {}
        self.connections = 0
        self.records_read = 0
        self.behind_millis = 0
        self.stalled = False
        """Whether every page is empty, as those of a shard that is far behind may be."""

    def connect(self) -> Any:
        self.connections += 1
        return self

    def publish(self, data: bytes, shard: str = "shard-0") -> None:
        self.shards[shard].records.append((self.time.now(), data))

    def split(self, shard: str, *children: str) -> None:
        self.shards[shard].closed = True
        self.shards[shard].children = children
        for child in children:
            self.shards[child] = FakeShard((shard,))

    def list_shards(self, **_: Any) -> dict[str, Any]:
        if self.list_failures:
            raise self.list_failures.pop(0)
        return {"Shards": [self._described(name, shard) for name, shard in self.shards.items()]}

    def _described(self, name: str, shard: FakeShard) -> dict[str, Any]:
        numbers = {"StartingSequenceNumber": "0"} | ({"EndingSequenceNumber": "9"} if shard.closed else {})
        described: dict[str, Any] = {"ShardId": name, "SequenceNumberRange": numbers}
        return described | dict(zip(("ParentShardId", "AdjacentParentShardId"), shard.parents, strict=False))

    def get_shard_iterator(self, **asked: Any) -> dict[str, str]:
        if self.iterator_failures:
            raise self.iterator_failures.pop(0)
        shard_id = asked["ShardId"]
        records = self.shards[shard_id].records
        place: dict[str, Callable[[], int]] = {
            "LATEST": lambda: len(records),
            "TRIM_HORIZON": lambda: 0,
            "AFTER_SEQUENCE_NUMBER": lambda: int(asked["StartingSequenceNumber"]) + 1,
            "AT_TIMESTAMP": lambda: sum(1 for at, _ in records if at < asked["Timestamp"]),
        }
        return {"ShardIterator": f"{shard_id}:{place[asked['ShardIteratorType']]()}:{self.time.seconds}"}

    def get_records(self, **asked: Any) -> dict[str, Any]:
        name, place, made = asked["ShardIterator"].split(":")
        self.reads.setdefault(name, []).append(self.time.seconds)
        if self.failures:
            raise self.failures.pop(0)
        if self.time.seconds - float(made) > 300:
            raise failure("ExpiredIteratorException")
        return self._answer(name, self.shards[name], int(place), asked["Limit"])

    def _answer(self, name: str, shard: FakeShard, place: int, limit: int) -> dict[str, Any]:
        taken = [] if self.stalled else shard.records[place : place + limit]
        self.records_read += len(taken)
        records = [{"SequenceNumber": str(place + index), "Data": data} for index, (_, data) in enumerate(taken)]
        answer: dict[str, Any] = {"Records": records, "MillisBehindLatest": self.behind_millis}
        if shard.closed and place + len(taken) >= len(shard.records):
            return {**answer, "ChildShards": [{"ShardId": child, "ParentShards": [name]} for child in shard.children]}
        return {**answer, "NextShardIterator": f"{name}:{place + len(taken)}:{self.time.seconds}"}
