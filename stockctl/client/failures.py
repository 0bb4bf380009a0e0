"""Failure records: what Lambda writes to a queue when it gives up.

A delivery's record holds the whole event. A record about the table's stream only names the shard and the first and last
sequence number; the stream forgets the records after a day.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus


@dataclass(frozen=True)
class StreamRange:
    """A range of records in one shard; `first` and `last` are sequence numbers, both included."""

    stream_arn: str
    shard_id: str
    first: str
    last: str


@dataclass(frozen=True)
class Failure:
    """One failure: a delivery has an `event`, stream records a `place`, an unknown record neither.

    `at` is when Lambda gave up (ISO 8601, empty if unknown), `function` the name in Lambda, `condition` why there was
    no further attempt, `error` the last error, `record` all that Lambda wrote.
    """

    failure_id: str
    record: Mapping[str, Any] | str
    at: str = ""
    function: str = ""
    subject: str = ""
    error: str = ""
    condition: str = ""
    event: Mapping[str, Any] | None = None
    place: StreamRange | None = None

    @property
    def versions(self) -> dict[str, str]:
        """The objects that a delivery's event names: their keys and versions."""
        records = self.event.get("Records", ()) if self.event else ()
        objects = [record["s3"]["object"] for record in records if "s3" in record]
        return {unquote_plus(each["key"]): each.get("versionId", "") for each in objects}


def failure_from(failure_id: str, body: str) -> Failure:
    """The failure in a message. An unknown message is kept as it is."""
    try:
        return _understood(failure_id, json.loads(body))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return Failure(failure_id, body, error="this is not a record of Lambda's")


def _understood(failure_id: str, record: Mapping[str, Any]) -> Failure:
    context, batch = record["requestContext"], record.get("DDBStreamBatchInfo")
    event = None if batch else record["requestPayload"]
    return Failure(
        failure_id=failure_id,
        record=record,
        at=str(record.get("timestamp", "")),
        function=_function_name(context["functionArn"]),
        subject=f"{batch['batchSize']} stream records" if batch else _subject(record["requestPayload"]),
        error=_error(record),
        condition=str(context.get("condition", "")),
        event=event,
        place=_place(batch) if batch else None,
    )


def _function_name(arn: str) -> str:
    """`arn:aws:lambda:<region>:<account>:function:<name>`, and perhaps a version behind it."""
    return arn.split(":")[6]


def _subject(event: Mapping[str, Any]) -> str:
    return "scheduled check" if event.get("source") == "aws.events" else ", ".join(_keys(event))


def _keys(event: Mapping[str, Any]) -> list[str]:
    """The keys of deliveries, decoded: S3 sends them form-encoded."""
    return [unquote_plus(record["s3"]["object"]["key"]) for record in event["Records"]]


def _error(record: Mapping[str, Any]) -> str:
    payload = record.get("responsePayload")
    message = payload.get("errorMessage") if isinstance(payload, Mapping) else None
    return str(message or (record.get("responseContext") or {}).get("functionError", ""))


def _place(batch: Mapping[str, Any]) -> StreamRange:
    first, last = str(batch["startSequenceNumber"]), str(batch["endSequenceNumber"])
    if int(first) > int(last):
        raise ValueError("ends before it begins")
    return StreamRange(str(batch["streamArn"]), str(batch["shardId"]), first, last)
