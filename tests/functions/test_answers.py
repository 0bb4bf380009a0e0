"""Every object in the drop bucket gets an answer, once, and a redelivery reports what was recorded before."""

from __future__ import annotations

import dataclasses
import io
import time
from collections.abc import Callable
from typing import Any

import pytest

from stockctl.domain.receipt import receipt_key
from stockctl.functions import stock_received, wiring
from stockctl.functions.try_all import SomeFailed
from stockctl.operations.drop_bucket import DropBucket
from tests.service import BUCKET, Service, soon

GOOD = "ham,1,2031-05-01\n"


@pytest.mark.parametrize("key", ["mon.Csv", "monday.txt", "monday", "a/b/monday.CSV", "käse +1.tsv", "receipt/x.csv"])
def test_an_object_under_any_name_gets_a_receipt(service: Service, key: str) -> None:
    assert service.drop(key, GOOD)["status"] == "recorded"


def test_a_delivery_makes_two_invocations_and_no_more(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a filter on the notification a receipt causes an event too. It must end there."""
    events: list[str] = []
    put = service.clients.s3.put_object

    def put_and_notify(**request: Any) -> Any:
        answer = put(**request)
        events.append(request["Key"])
        stock_received.handler({"Records": [service.notification(request["Key"], answer["VersionId"])]}, None)
        return answer

    monkeypatch.setattr(wiring.clients().s3, "put_object", put_and_notify)
    for content in (GOOD, GOOD, "ham,2,2031-05-01\n", "nonsense\n"):
        events.clear()
        wiring.clients().s3.put_object(Bucket=BUCKET, Key="monday.csv", Body=content.encode())
        assert events[0] == "monday.csv"
        assert len(events) <= 2
        assert set(events[1:]) <= {receipt_key("monday.csv")}


def test_a_folder_made_by_hand_needs_no_answer(service: Service) -> None:
    service.clients.s3.put_object(Bucket=BUCKET, Key="acme/", Body=b"")
    notification = service.notification("acme/", "null")
    notification["s3"]["object"]["size"] = 0
    stock_received.handler({"Records": [notification]}, None)
    assert service.bucket.receipt("acme/") is None


def test_the_same_content_uploaded_in_parts_is_the_same_delivery(service: Service) -> None:
    """Its entity tag is another one."""
    first = service.drop("monday.csv", GOOD)
    s3 = service.clients.s3
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="monday.csv")["UploadId"]
    tag = s3.upload_part(Bucket=BUCKET, Key="monday.csv", UploadId=upload, PartNumber=1, Body=GOOD.encode())["ETag"]
    done = s3.complete_multipart_upload(
        Bucket=BUCKET,
        Key="monday.csv",
        UploadId=upload,
        MultipartUpload={"Parts": [{"ETag": tag, "PartNumber": 1}]},
    )
    assert done["ETag"].strip('"') != first["etag"]
    stock_received.handler({"Records": [service.notification("monday.csv", done["VersionId"])]}, None)
    assert service.bucket.receipt("monday.csv") == first


def test_a_claim_and_a_receipt_of_an_earlier_version_are_of_the_same_content(service: Service) -> None:
    """They hold an entity tag and no checksum."""
    first = service.drop("monday.csv", GOOD)
    service.clients.dynamodb.update_item(
        TableName="kitchen-transactions",
        Key={"transaction_id": {"S": "delivery#monday.csv"}},
        UpdateExpression="REMOVE checksum, missed",
    )
    old = {name: value for name, value in first.items() if name not in {"checksum", "reasons", "warnings"}}
    service.bucket.write_receipt("monday.csv", lambda _: old)
    assert service.drop("monday.csv", GOOD) == old
    assert "conflicts" in service.drop("monday.csv", "ham,2,2031-05-01\n")


@pytest.fixture
def outage(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], pytest.MonkeyPatch]:
    """Makes a method of the drop bucket or the recorder fail."""

    def failing(name: str) -> pytest.MonkeyPatch:
        def fail(*_: object) -> None:
            raise ConnectionError("S3 is away")

        monkeypatch.setattr(DropBucket, name, fail)
        return monkeypatch

    return failing


@pytest.mark.parametrize("is_settled", [True, False])
def test_a_redelivery_after_the_best_before_reports_what_was_recorded(
    service: Service, outage: Callable[[str], pytest.MonkeyPatch], is_settled: bool
) -> None:
    """The first attempt recorded all, and could not write the receipt. Its claim, or else its batches, are proof."""
    best_before, late = soon(600), soon(-60)
    content = f"ham,7,{best_before}\negg,1,{late}\nleek,2,2031-05-01\n".encode()
    version = service.clients.s3.put_object(Bucket=BUCKET, Key="monday.csv", Body=content)["VersionId"]
    event = {"Records": [service.notification("monday.csv", version)]}
    broken = outage("write_receipt")
    with pytest.raises(SomeFailed):
        stock_received.handler(event, None)
    broken.undo()
    if not is_settled:
        service.clients.dynamodb.update_item(
            TableName="kitchen-transactions",
            Key={"transaction_id": {"S": "delivery#monday.csv"}},
            UpdateExpression="REMOVE missed",
        )
    tables = dataclasses.replace(wiring.tables(), clock=lambda: time.time() + 1200)
    later = dataclasses.replace(wiring.recorder(BUCKET), tables=tables)
    if is_settled:
        service.expire("ham", f"monday.csv@{best_before}")
    receipt = later.record("monday.csv", version)
    assert receipt is not None
    assert receipt["status"] == "partial"
    assert [row["ingredient"] for row in receipt["recorded"]] == ["ham", "leek"]
    assert [(row["line"], row["column"]) for row in receipt["rejected"]] == [(2, "best_before")]


def test_what_expired_before_it_was_recorded_stays_rejected_however_often_it_comes(service: Service) -> None:
    content = f"ham,7,{soon(600)}\nleek,2,2031-05-01\n"
    version = service.clients.s3.put_object(Bucket=BUCKET, Key="monday.csv", Body=content.encode())["VersionId"]
    tables = dataclasses.replace(wiring.tables(), clock=lambda: time.time() + 1200)
    later = dataclasses.replace(wiring.recorder(BUCKET), tables=tables)
    for recorder in (later, later):
        receipt = recorder.record("monday.csv", version)
        assert receipt is not None
        assert (receipt["status"], receipt["rejected"][0]["line"]) == ("partial", 1)
    assert service.stock.level("ham") is None


@pytest.mark.parametrize(("size", "status"), [(1 << 20, "recorded"), ((1 << 20) + 1, "rejected")])
def test_a_delivery_may_have_exactly_the_size_that_the_stack_allows(
    service: Service, monkeypatch: pytest.MonkeyPatch, size: int, status: str
) -> None:
    monkeypatch.setenv("MAX_DELIVERY_SIZE", "1")
    wiring.recorder.cache_clear()
    assert service.drop("monday.csv", GOOD.ljust(size, "\n"))["status"] == status


def test_a_delivery_that_is_too_large_is_not_read(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_DELIVERY_SIZE", "1")
    wiring.recorder.cache_clear()
    receipt = service.drop("monday.csv", GOOD * 100_000)
    assert receipt["status"] == "rejected"
    assert "larger than 1 MB" in receipt["rejected"][0]["reason"]
    held = io.BytesIO()
    service.bucket.fetch("monday.csv", None, held, 1)
    assert held.tell() < 1_100_000


def test_rows_that_an_earlier_drop_of_the_file_brought_are_named_in_the_receipt(service: Service) -> None:
    """An object in the bucket cannot be asked what it means: it counts, with a warning."""
    service.drop("monday.csv", "leek,40,2031-05-01\nchard,ten,2031-05-02\n")
    receipt = service.drop("monday-0123456789ab.csv", "leek,40,2031-05-01\nchard,10,2031-05-02\n")
    (warning,) = receipt["warnings"]
    assert "recorded before" in warning["reason"]
    assert (warning["rows"], warning["examples"][0]["line"]) == (1, 1)
    assert "monday.csv" in warning["examples"][0]["advice"]
    assert service.drop("tuesday.csv", "leek,40,2031-05-01\n")["warnings"] == []


def test_another_content_under_a_key_says_how_to_send_a_correction(service: Service) -> None:
    service.drop("monday.csv", GOOD)
    (conflict,) = service.drop("monday.csv", "ham,2,2031-05-01\n")["conflicts"]
    assert "the corrected rows alone, under another name" in conflict["reason"]


def test_many_rows_rejected_for_one_cause_are_one_reason_with_three_examples(service: Service) -> None:
    receipt = service.drop("monday.csv", GOOD + "egg,2.5,2031-05-01\n" * 12_000)
    (reason,) = receipt["reasons"]
    assert (reason["rows"], reason["column"], len(reason["examples"])) == (12_000, "quantity", 3)
    assert (len(receipt["rejected"]), receipt["rejected_rows"]) == (10_000, 12_000)


def test_what_never_expires_has_no_time_to_live_and_is_used_last(service: Service) -> None:
    service.drop("monday.csv", "salt,5,never\n")
    row = service.clients.dynamodb.get_item(
        TableName="kitchen-stock",
        Key={"ingredient": {"S": "salt"}, "batch_id": {"S": "batch#monday.csv@never"}},
    )["Item"]
    assert "expires_at" not in row
    level = service.stock.level("salt")
    assert level is not None
    assert level.next_expiry is None
    service.drop("tuesday.csv", "salt,5,2031-05-01\n")
    assert service.post("a", salt=6)[0] == 201
    wiring.reconcile("salt")
    holding = service.stock.read("salt")
    assert holding is not None
    assert [(batch.best_before, batch.quantity) for batch in holding.counted] == [("2031-05-01", 0), ("never", 4)]
    assert service.get("salt")[1]["batches"][-1]["expiresAt"] is None
    assert holding.level.next_expiry is None
