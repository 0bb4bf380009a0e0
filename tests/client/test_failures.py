"""Lambda's failure records, in their documented shapes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stockctl.client.failures import StreamRange, failure_from

EVENTS = Path(__file__).parents[1] / "events"


def record(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((EVENTS / name).read_text())
    return document


def test_a_delivery_that_failed_is_named_and_has_its_event_whole() -> None:
    queued = record("lambda_delivery_failed.json")
    failure = failure_from("1", json.dumps(queued))
    assert (failure.function, failure.subject) == ("kitchen-StockReceived", "stock deliveries/käse.csv")
    assert (failure.at, failure.condition) == ("2026-11-23T09:03:10.568Z", "RetriesExhausted")
    assert failure.error == "1 failed; the first: Busy: reading käse"
    assert failure.event == queued["requestPayload"]
    assert failure.place is None


def test_a_scheduled_call_that_failed_can_be_made_again() -> None:
    """It names no delivery; its event is all that a retry needs."""
    queued = {**record("lambda_delivery_failed.json"), "requestPayload": record("scheduled.json")}
    failure = failure_from("1", json.dumps(queued))
    assert failure.subject == "scheduled check"
    assert failure.event == record("scheduled.json")
    assert failure.versions == {}


def test_changes_that_failed_have_their_place_in_the_stream_and_no_payload() -> None:
    failure = failure_from("1", json.dumps(record("lambda_changes_failed.json")))
    assert (failure.function, failure.subject) == ("kitchen-StockUpdated", "2 stream records")
    assert (failure.condition, failure.error) == ("RetryAttemptsExhausted", "Unhandled")
    assert failure.event is None
    assert failure.place == StreamRange(
        stream_arn="arn:aws:dynamodb:eu-west-1:123456789012:table/kitchen-stock/stream/2026-04-23T13:37:16.991",
        shard_id="shardId-00000001732381000000-10101010",
        first="202328600001712385967261751",
        last="202328600001712385967261753",
    )


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[]",
        "null",
        "7",
        "{}",
        '{"requestContext": {"functionArn": "x", "condition": "y"}, "requestPayload": {"Records": []}}',
        '{"requestContext": {"functionArn": "a:b:c:d:e:f:g", "condition": "y"}, "requestPayload": null}',
    ],
)
def test_a_message_of_another_shape_is_kept_and_not_understood(body: str) -> None:
    failure = failure_from("1", body)
    assert (failure.record, failure.function, failure.event, failure.place) == (body, "", None, None)
    assert failure.error


def test_a_place_that_ends_before_it_begins_is_not_understood() -> None:
    queued = record("lambda_changes_failed.json")
    queued["DDBStreamBatchInfo"]["endSequenceNumber"] = "7"
    assert failure_from("1", json.dumps(queued)).place is None
