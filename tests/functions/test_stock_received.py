"""Deliveries end to end: an object in the bucket becomes batches, levels and a receipt."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from stockctl.domain.errors import Busy
from stockctl.domain.stock import Batch
from stockctl.functions import stock_received
from stockctl.functions.try_all import SomeFailed
from stockctl.operations.receive import Received, receive
from stockctl.operations.stock_table import StockTable
from tests.service import BUCKET, Service

EVENTS = Path(__file__).parent.parent / "events"
TO_COME = "ingredient,quantity,best_before\npepperoni,2000,2099-03-15\nmushroom,1000,2098-11-30\n"


def event(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((EVENTS / name).read_text())
    return document


def test_a_delivery_becomes_batches_levels_and_a_receipt(service: Service) -> None:
    receipt = service.drop("monday.csv", TO_COME)
    assert receipt["status"] == "recorded"
    assert receipt["recorded"] == [
        {"ingredient": "pepperoni", "quantity": 2000, "best_before": "2099-03-15"},
        {"ingredient": "mushroom", "quantity": 1000, "best_before": "2098-11-30"},
    ]
    holding = service.stock.read("pepperoni")
    assert holding is not None
    assert (holding.level.quantity, holding.level.received, holding.level.cause) == (2000, 2000, "delivery monday.csv")
    assert [batch.batch_id for batch in holding.counted] == ["monday.csv@2099-03-15"]
    assert holding.level.next_expiry == holding.counted[0].expires_at


def test_the_same_file_dropped_twice_changes_nothing_the_second_time(service: Service) -> None:
    first = service.drop("monday.csv", TO_COME)
    levels = service.stock.levels()
    assert service.drop("monday.csv", TO_COME) == first
    assert service.stock.levels() == levels


def test_the_same_event_delivered_twice_changes_nothing_the_second_time(service: Service) -> None:
    version = service.clients.s3.put_object(Bucket=BUCKET, Key="monday.csv", Body=TO_COME.encode())["VersionId"]
    twice = {"Records": [service.notification("monday.csv", version)]}
    stock_received.handler(twice, None)
    levels = service.stock.levels()
    stock_received.handler(twice, None)
    assert service.stock.levels() == levels


def test_another_file_under_the_same_key_is_a_conflict_and_changes_nothing(service: Service) -> None:
    service.drop("monday.csv", TO_COME)
    levels = service.stock.levels()
    receipt = service.drop("monday.csv", "ham,1,2099-01-01\n")
    assert receipt["status"] == "recorded"
    assert len(receipt["conflicts"]) == 1
    assert service.drop("monday.csv", "ham,1,2099-01-01\n") == receipt
    assert service.stock.levels() == levels


def test_two_quick_overwrites_of_a_key_are_both_seen(service: Service) -> None:
    """Each event names its version, so the first file is read although the second has replaced it."""
    versions = [
        service.clients.s3.put_object(Bucket=BUCKET, Key="monday.csv", Body=body)["VersionId"]
        for body in (b"ham,1,2099-01-01\n", b"ham,2,2099-01-01\n")
    ]
    stock_received.handler({"Records": [service.notification("monday.csv", version) for version in versions]}, None)
    receipt = service.bucket.receipt("monday.csv")
    assert receipt is not None
    assert receipt["recorded"] == [{"ingredient": "ham", "quantity": 1, "best_before": "2099-01-01"}]
    assert len(receipt["conflicts"]) == 1


def test_a_corrected_file_may_reuse_the_key_of_a_rejected_one(service: Service) -> None:
    assert service.drop("monday.csv", "ham,none,2099-01-01\n")["status"] == "rejected"
    assert service.drop("monday.csv", "ham,1,2099-01-01\n")["status"] == "recorded"


def test_a_late_redelivery_of_a_bad_file_does_not_spoil_the_receipt_of_the_good_one(service: Service) -> None:
    bad = service.clients.s3.put_object(Bucket=BUCKET, Key="monday.csv", Body=b"")["VersionId"]
    service.drop("monday.csv", "ham,1,2099-01-01\n")
    stock_received.handler({"Records": [service.notification("monday.csv", bad)]}, None)
    receipt = service.bucket.receipt("monday.csv")
    assert receipt is not None
    assert receipt["status"] == "recorded"


def test_good_rows_of_a_file_with_bad_ones_are_recorded(service: Service) -> None:
    receipt = service.drop("monday.csv", "ham,1,2099-01-01\nham,0,2099-01-01\n\negg,ten,2099-01-01\n")
    assert receipt["status"] == "partial"
    assert [(row["line"], row["column"], row["value"]) for row in receipt["rejected"]] == [
        (2, "quantity", "0"),
        (4, "quantity", "ten"),
    ]
    assert [level.ingredient for level in service.stock.levels()] == ["ham"]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b'ham,"1'])
def test_a_file_that_cannot_be_read_gets_a_receipt_and_no_retry(service: Service, content: bytes) -> None:
    receipt = service.drop("monday.csv", content)
    assert receipt["status"] == "rejected"
    assert receipt["rejected"][0]["reason"]
    assert service.stock.levels() == []


@pytest.mark.parametrize("key", ["a b+c.csv", "Lieferung Käse №5.CSV", "in/2026/11/23.csv", "100%.csv"])
def test_keys_with_spaces_signs_and_other_letters_are_read_as_s3_sends_them(service: Service, key: str) -> None:
    assert service.drop(key, "ham,1,2099-01-01\n")["delivery"] == key


def test_a_name_too_long_for_a_batch_is_refused_with_a_receipt(service: Service) -> None:
    assert service.drop("x" * 896 + ".csv", "ham,1,2099-01-01\n")["status"] == "recorded"
    for name in ("x" * 897 + ".csv", "ä" * 449 + ".csv"):
        assert "longer than 900 bytes" in service.drop(name, "ham,1,2099-01-01\n")["rejected"][0]["reason"]


def test_all_records_of_an_event_are_processed(service: Service) -> None:
    versions = {
        key: service.clients.s3.put_object(Bucket=BUCKET, Key=key, Body=b"ham,1,2099-01-01\n")["VersionId"]
        for key in ("a.csv", "b.csv")
    }
    records = [service.notification(key, version) for key, version in versions.items()]
    stock_received.handler({"Records": records}, None)
    assert service.stock.levels()[0].quantity == 2


def test_a_failing_record_does_not_stop_the_others(service: Service) -> None:
    version = service.clients.s3.put_object(Bucket=BUCKET, Key="b.csv", Body=b"ham,1,2099-01-01\n")["VersionId"]
    with pytest.raises(SomeFailed):
        stock_received.handler({"Records": [{"s3": {}}, service.notification("b.csv", version)]}, None)
    assert service.stock.levels()[0].quantity == 1


def test_s3s_own_test_event_is_passed_over(service: Service) -> None:
    stock_received.handler(event("s3_test_event.json"), None)
    assert service.stock.levels() == []


def test_a_real_notification_is_understood(service: Service) -> None:
    notification = event("s3_object_created.json")
    body = b"ham,1,2099-01-01\n"
    version = service.clients.s3.put_object(Bucket=BUCKET, Key="stock deliveries/käse.csv", Body=body)["VersionId"]
    notification["Records"][0]["s3"]["bucket"]["name"] = BUCKET
    notification["Records"][0]["s3"]["object"]["versionId"] = version
    stock_received.handler(notification, None)
    assert service.stock.levels()[0].quantity == 1


def test_an_object_that_was_deleted_meanwhile_is_passed_over(service: Service) -> None:
    stock_received.handler({"Records": [{"s3": {"bucket": {"name": BUCKET}, "object": {"key": "gone.csv"}}}]}, None)
    assert service.bucket.receipt("gone.csv") is None


def test_a_delivery_of_more_batches_than_fit_one_transaction_is_recorded_whole(service: Service) -> None:
    days = [f"20{year}-01-{day:02}" for year in range(90, 97) for day in range(1, 31)]
    receipt = service.drop("many.csv", "".join(f"ham,1,{day}\n" for day in days))
    assert len(receipt["recorded"]) == len(days) == 210
    holding = service.stock.read("ham")
    assert holding is not None
    assert (holding.level.quantity, holding.level.generation, len(holding.counted), holding.drift) == (210, 3, 210, 0)


def test_rows_for_which_a_roster_has_no_room_are_rejected_and_no_others(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Recorded rows of the same ingredient are listed as recorded: sent again, they would count twice."""

    def with_room_for_one(table: StockTable, batches: Sequence[Batch], *more: Any) -> Received:
        return receive(table, batches[:1], *more).plus(Received(surplus=tuple(batches[1:])))

    monkeypatch.setattr("stockctl.operations.record_delivery.receive", with_room_for_one)
    receipt = service.drop("monday.csv", "ham,1,2098-12-31\nham,2,2099-12-31\n")
    assert receipt["status"] == "partial"
    assert [row["quantity"] for row in receipt["recorded"]] == [1]
    assert [(row["line"], row["column"]) for row in receipt["rejected"]] == [(2, "ingredient")]
    assert "too many live batches" in receipt["rejected"][0]["reason"]


def test_a_receipt_is_written_when_all_is_recorded_and_not_before(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A supplier never gets a receipt that lacks rows because of contention; the redelivery records them.

    Meanwhile another file under the key is a conflict with content that is not recorded yet.
    """

    def busy(*_: object) -> None:
        raise Busy("contention")

    version = service.clients.s3.put_object(Bucket=BUCKET, Key="monday.csv", Body=TO_COME.encode())["VersionId"]
    with monkeypatch.context() as contended:
        contended.setattr("stockctl.operations.record_delivery.receive_together", lambda *_: None)
        contended.setattr("stockctl.operations.record_delivery.receive", busy)
        with pytest.raises(SomeFailed):
            stock_received.handler({"Records": [service.notification("monday.csv", version)]}, None)
    assert service.bucket.receipt("monday.csv") is None
    other = service.clients.s3.put_object(Bucket=BUCKET, Key="monday.csv", Body=b"ham,1,2099-01-01\n")["VersionId"]
    stock_received.handler({"Records": [service.notification("monday.csv", other)]}, None)
    unfinished = service.bucket.receipt("monday.csv")
    assert unfinished is not None
    assert (unfinished["status"], len(unfinished["conflicts"]), unfinished["recorded"]) == ("recording", 1, [])
    stock_received.handler({"Records": [service.notification("monday.csv", version)]}, None)
    receipt = service.bucket.receipt("monday.csv")
    assert receipt is not None
    assert receipt["status"] == "recorded"


@pytest.mark.parametrize(
    ("zone", "ends"),
    [("", "2099-06-30T23:59:59"), ("Europe/Berlin", "2099-06-30T21:59:59"), (None, "2099-06-30T23:59:59")],
)
def test_a_date_ends_in_the_time_zone_of_the_stack(
    service: Service, monkeypatch: pytest.MonkeyPatch, zone: str | None, ends: str
) -> None:
    """UTC where none is set."""
    if zone is None:
        monkeypatch.delenv("TIME_ZONE")
    else:
        monkeypatch.setenv("TIME_ZONE", zone)
    service.drop("monday.csv", "ham,10,2099-06-30\n")
    holding = service.stock.read("ham")
    assert holding is not None
    last = datetime.fromtimestamp(holding.counted[0].expires_at - 1, UTC)
    assert last.isoformat().removesuffix("+00:00") == ends
