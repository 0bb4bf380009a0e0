"""Poison and outages: what always fails does not hold up the rest, and what was missed is made good."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stockctl.functions import stock_expired, stock_received, stock_updated, wiring
from stockctl.functions.try_all import SomeFailed
from stockctl.operations.rows import level_key
from stockctl.operations.stock_table import StockTable
from tests.service import BUCKET, STOCK, Service, pass_an_hour, soon

EVENTS = Path(__file__).parents[1] / "events"
LATER = "2099-12-31"


def removed(ingredient: str, batch_id: str) -> dict[str, Any]:
    keys = {"ingredient": {"S": ingredient}, "batch_id": {"S": f"batch#{batch_id}"}}
    return {"eventName": "REMOVE", "dynamodb": {"Keys": keys}}


def charged(service: Service, ingredient: str) -> bool:
    holding = service.stock.read(ingredient)
    assert holding is not None
    return holding.drift == 0


def poisoned(service: Service, ingredient: str) -> None:
    """Makes an ingredient's level one that no program can read."""
    service.clients.dynamodb.update_item(
        TableName=STOCK,
        Key=level_key(ingredient),
        UpdateExpression="SET generation = :nonsense",
        ExpressionAttributeValues={":nonsense": {"S": "?"}},
    )


def test_an_ingredient_that_always_fails_does_not_keep_others_from_being_worked(service: Service) -> None:
    """In one batch of the stream, before and behind it; and the batch fails, so that it comes again, in halves."""
    names = ("cheese", "ham", "tomato")
    service.drop("monday.csv", "".join(f"{name},10,{LATER}\n" for name in names))
    for name in names:
        service.post(f"use {name}", **{name: 4})
    images = [service.level_image(name) for name in names]
    poisoned(service, "ham")
    with pytest.raises(SomeFailed):
        stock_updated.handler({"Records": images}, None)
    assert charged(service, "cheese")
    assert charged(service, "tomato")
    assert {change["typeId"] for change in service.published()} == set(names), "its changes are published all the same"


def test_bisecting_a_batch_leaves_the_poison_alone(service: Service) -> None:
    """Lambda halves a failing batch until the poison fails by itself; every other record succeeds."""
    names = [f"i{number}" for number in range(8)]
    service.drop("monday.csv", "".join(f"{name},10,{LATER}\n" for name in names))
    images = [service.level_image(name) for name in names]
    poisoned(service, "i5")
    assert bisected(images) == [images[5]]


def bisected(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The records that end in the on-failure queue."""
    try:
        stock_updated.handler({"Records": records}, None)
    except SomeFailed:
        if len(records) == 1:
            return records
        half = len(records) // 2
        return [*bisected(records[:half]), *bisected(records[half:])]
    return []


def test_a_removal_that_cannot_be_read_does_not_keep_others_from_being_written_off(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.drop("monday.csv", f"ham,10,{soon(1800)}\nham,5,{LATER}\n")
    holding = service.stock.read("ham")
    assert holding is not None
    pass_an_hour(monkeypatch)
    with pytest.raises(SomeFailed):
        stock_expired.handler({"Records": [{"dynamodb": {}}, removed("ham", holding.counted[0].batch_id)]}, None)
    level = service.stock.level("ham")
    assert level is not None
    assert (level.quantity, level.expired) == (5, 10)


def test_what_the_stream_lost_is_made_good_by_the_next_change(service: Service) -> None:
    """The records of two uses are gone for good: the third use's record charges all three."""
    service.drop("monday.csv", f"ham,10,{LATER}\n")
    for number in range(3):
        service.post(f"t{number}", ham=2)
    service.process_stream("ham")
    holding = service.stock.read("ham")
    assert holding is not None
    assert (holding.drift, holding.counted[0].quantity) == (0, 4)


def test_what_the_stream_lost_is_made_good_by_an_operator(service: Service) -> None:
    """And there is nothing left to do a second time."""
    service.drop("monday.csv", f"ham,10,{LATER}\n")
    service.post("t", ham=3)
    assert wiring.reconcile("ham").allocated == 3
    assert wiring.reconcile("ham").drift == 0


def test_a_lost_removal_holds_back_no_use(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """StockExpired never heard of it: the next use writes it off itself, and takes only what is fresh."""
    service.drop("monday.csv", f"ham,10,{soon(1800)}\nham,5,{LATER}\n")
    pass_an_hour(monkeypatch)
    assert service.post("too much", ham=6)[0] == 409
    assert service.post("enough", ham=5)[0] == 201
    level = service.stock.level("ham")
    assert level is not None
    assert (level.quantity, level.used, level.expired) == (0, 5, 10)


def delivery_event(version: str) -> dict[str, Any]:
    """S3's notification, in its real shape, of the delivery as it lies in the bucket."""
    event: dict[str, Any] = json.loads((EVENTS / "s3_object_created.json").read_text())
    event["Records"][0]["s3"]["object"]["versionId"] = version
    return event


def test_a_delivery_that_failed_for_good_can_be_run_again_from_its_queue(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What Lambda puts in the queue holds the event as it came: handled again, it records the delivery."""
    key = "stock deliveries/käse.csv"
    version = service.clients.s3.put_object(Bucket=BUCKET, Key=key, Body=f"käse,7,{LATER}\n".encode())["VersionId"]
    with monkeypatch.context() as outage:
        outage.setattr(StockTable, "level", broken)
        with pytest.raises(SomeFailed):
            stock_received.handler(delivery_event(version), None)
    assert service.bucket.receipt(key) is None, "nothing is promised before all is done"
    queued = {
        "version": "1.0",
        "requestContext": {"condition": "RetriesExhausted"},
        "requestPayload": delivery_event(version),
    }
    stock_received.handler(json.loads(json.dumps(queued))["requestPayload"], None)
    receipt = service.bucket.receipt(key)
    assert receipt is not None
    assert receipt["status"] == "recorded"


def broken(*_arguments: object) -> None:
    raise ConnectionError("DynamoDB is away")


def test_a_delivery_that_cannot_be_recorded_does_not_keep_another_from_being(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two objects in one notification, the first of which fails for good."""
    put = service.clients.s3.put_object
    versions = [put(Bucket=BUCKET, Key=f"{name}.csv", Body=f"{name},7,{LATER}\n")["VersionId"] for name in ("a", "b")]
    level = StockTable.level
    monkeypatch.setattr(StockTable, "level", lambda table, name: broken() if name == "a" else level(table, name))
    records = [service.notification(f"{name}.csv", version) for name, version in zip("ab", versions, strict=True)]
    with pytest.raises(SomeFailed):
        stock_received.handler({"Records": records}, None)
    receipt = service.bucket.receipt("b.csv")
    assert receipt is not None
    assert receipt["status"] == "recorded"


def test_a_second_delivery_of_a_key_with_other_content_changes_nothing_and_is_reported(service: Service) -> None:
    """The first receipt stays, whatever comes after, in whatever order, however often."""
    first = service.drop("monday.csv", f"ham,10,{LATER}\n")
    before = service.stock.read("ham")
    for content in (f"ham,99,{LATER}\n", f"cheese,1,{LATER}\n", "nonsense\n", f"ham,10,{LATER}\n", f"ham,99,{LATER}\n"):
        receipt = service.drop("monday.csv", content)
        assert receipt["recorded"] == first["recorded"]
        assert receipt["etag"] == first["etag"]
    assert len(receipt["conflicts"]) == 3
    assert service.stock.read("ham") == before
    assert service.stock.read("cheese") is None
