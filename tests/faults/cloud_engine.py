"""A whole small cloud in one process: tables, the drop bucket and the level stream, with snapshots and a clock.

The bucket knows what receipts rely on, writes that depend on what is there; the stream takes records, or refuses some.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tests.faults.table_engine import Store, TableEngine, client_error

BUCKET = "drop"
LEVEL_STREAM = "levels"


@dataclass(frozen=True)
class Snapshot:
    """All state of a small cloud, at no cost: nothing in it is ever changed in place."""

    store: Store = field(default_factory=Store)
    objects: Mapping[str, bytes] = field(default_factory=dict)
    published: tuple[bytes, ...] = ()
    now: int = 0


class SmallCloud:
    """The engines that hold one snapshot's state, as boto3's clients would show them."""

    def __init__(self, page_rows: int = 1_000_000) -> None:
        self.dynamodb = TableEngine(page_rows)
        self.s3 = BucketEngine()
        self.kinesis = StreamEngine()
        self.now = 0

    @property
    def state(self) -> Snapshot:
        return Snapshot(self.dynamodb.store, self.s3.objects, self.kinesis.published, self.now)

    @state.setter
    def state(self, snapshot: Snapshot) -> None:
        self.dynamodb.store = snapshot.store
        self.s3.objects = snapshot.objects
        self.kinesis.published = snapshot.published
        self.now = snapshot.now

    def clock(self) -> float:
        return float(self.now)

    def shows_all(self) -> None:
        """From now on readers see the newest version of every row."""
        self.dynamodb.store = replace(self.dynamodb.store, hidden={})


class Body:
    """What S3 answers as the content of an object."""

    def __init__(self, content: bytes) -> None:
        self.content = io.BytesIO(content)

    def read(self) -> bytes:
        return self.content.read()

    def iter_chunks(self, size: int) -> Iterator[bytes]:
        while piece := self.content.read(size):
            yield piece


class BucketEngine:
    """An S3 client with one bucket."""

    def __init__(self, objects: Mapping[str, bytes] | None = None) -> None:
        self.objects: Mapping[str, bytes] = objects or {}

    def put_object(self, **request: Any) -> dict[str, Any]:
        key, there = request["Key"], self.objects.get(request["Key"])
        if request.get("IfNoneMatch") == "*" and there is not None:
            raise client_error("PutObject", "PreconditionFailed")
        if "IfMatch" in request and (there is None or etag_of(there) != request["IfMatch"]):
            raise client_error("PutObject", "PreconditionFailed" if there is not None else "NoSuchKey")
        self.objects = {**self.objects, key: request["Body"]}
        return {"ETag": etag_of(request["Body"])}

    def get_object(self, **request: Any) -> dict[str, Any]:
        """The content is bytes here; a client must wrap them in a `Body` each time it hands them out."""
        content = self.objects.get(version_of(request["Key"], request.get("VersionId")))
        if content is None:
            raise client_error("GetObject", "NoSuchKey")
        return {"Body": content, "ETag": etag_of(content)}

    def list_objects_v2(self, **request: Any) -> dict[str, Any]:
        """All objects below a prefix, on one page; none is newer than another."""
        keys = sorted(key for key in self.objects if key.startswith(request["Prefix"]))
        return {"Contents": [{"Key": key, "LastModified": 0} for key in keys]}


class StreamEngine:
    """A Kinesis client with one stream; `refuses` are positions of records that the next request refuses."""

    def __init__(self, published: tuple[bytes, ...] = ()) -> None:
        self.published = published
        self.refuses: frozenset[int] = frozenset()

    def put_records(self, **request: Any) -> dict[str, Any]:
        answers: list[dict[str, str]] = []
        refuses, self.refuses = self.refuses, frozenset()
        for position, record in enumerate(request["Records"]):
            if position in refuses:
                answers.append({"ErrorCode": "ProvisionedThroughputExceededException"})
            else:
                self.published = (*self.published, record["Data"])
                answers.append({"SequenceNumber": str(len(self.published))})
        return {"Records": answers, "FailedRecordCount": len(refuses)}


def version_of(key: str, version: str | None) -> str:
    """Where a version of an object lies: tests put versions there themselves."""
    return f"{key}?{version}" if version else key


def etag_of(content: bytes) -> str:
    """An object's entity tag, in quotes as S3 gives it."""
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
