"""The drop bucket with S3's answers: an absent object is 404 for callers who may list the bucket, else 403."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber

from stockctl.aws.clients import Clients
from stockctl.aws.retry import Patience
from stockctl.aws.target import Target
from stockctl.client.supplier import deliver
from stockctl.domain.errors import StockctlError
from stockctl.domain.receipt import Findings, Receipt, receipt_of
from stockctl.operations.drop_bucket import DropBucket

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

IMPATIENT = Patience(seconds=0.0, sleep=lambda _: None)


@pytest.fixture
def s3() -> S3Client:
    target = Target("kitchen", local=True, region="eu-west-1", access_key_id="test", secret_access_key="test")
    return Clients.of_target(target).s3


@pytest.fixture
def aws(s3: S3Client) -> Iterator[Stubber]:
    with Stubber(s3) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def bucket(s3: S3Client, aws: Stubber) -> DropBucket:
    assert aws.client is s3
    return DropBucket(s3, "kitchen-drop")


def forbid(aws: Stubber) -> None:
    aws.add_client_error("get_object", "AccessDenied", "Access Denied", 403)


@pytest.mark.parametrize("code", ["NoSuchKey", "NoSuchVersion"])
def test_a_delivery_that_was_deleted_is_nothing_to_record(bucket: DropBucket, aws: Stubber, code: str) -> None:
    """The function's role may list the bucket, so S3 answers 404."""
    aws.add_client_error("get_object", code, http_status_code=404)
    assert bucket.fetch("a.csv", "v1", io.BytesIO(), 100) is None


def test_a_delivery_that_may_not_be_read_is_not_taken_for_a_deleted_one(bucket: DropBucket, aws: Stubber) -> None:
    """It would be lost silently; instead it is retried and ends in the failure queue."""
    forbid(aws)
    with pytest.raises(ClientError, match="AccessDenied"):
        bucket.fetch("a.csv", "v1", io.BytesIO(), 100)


def test_to_a_supplier_a_receipt_that_is_forbidden_is_one_that_is_not_there_yet(
    bucket: DropBucket, aws: Stubber
) -> None:
    """A supplier's policy does not let it list the bucket."""
    forbid(aws)
    assert bucket.receipt("a.csv") is None


def test_a_supplier_without_a_receipt_at_the_end_is_told_that_it_may_not_be_allowed_to_read_it(
    bucket: DropBucket, aws: Stubber
) -> None:
    """To S3 the two look alike, so both are named."""
    forbid(aws)
    aws.add_response("put_object", {"ETag": '"e"'})
    forbid(aws)
    with pytest.raises(StockctlError) as raised:
        deliver(bucket, "a.csv", b"ham,1,2099-12-31", IMPATIENT)
    assert "no receipt for a.csv" in raised.value.message
    assert "s3:GetObject" in str(raised.value.hint)


def test_a_receipt_that_its_writer_may_not_read_is_not_written_over(bucket: DropBucket, aws: Stubber) -> None:
    """Another receipt exists, and its content is unknown."""
    aws.add_client_error("put_object", "PreconditionFailed", http_status_code=412)
    forbid(aws)
    with pytest.raises(ClientError, match="AccessDenied"):
        bucket.write_receipt("a.csv", lambda found: found or receipt())


def test_receipts_beyond_the_first_page_of_the_bucket_are_found(bucket: DropBucket, aws: Stubber) -> None:
    wanted = {"Bucket": "kitchen-drop", "Prefix": "receipts/m"}
    first = {"Contents": [{"Key": "receipts/m1.csv.json"}], "NextContinuationToken": "more"}
    aws.add_response("list_objects_v2", first, wanted)
    second = {"Contents": [{"Key": "receipts/m2.csv.json"}]}
    aws.add_response("list_objects_v2", second, {**wanted, "ContinuationToken": "more"})
    assert list(bucket.answered("m")) == ["m1.csv", "m2.csv"]


def test_deliveries_beyond_the_first_page_are_listed_without_the_receipts_between_them(
    bucket: DropBucket, aws: Stubber
) -> None:
    pages: list[tuple[dict[str, str], list[str]]] = [
        ({}, ["a.csv", "receipts/a.csv.json"]),
        ({"StartAfter": "receipts/\U0010ffff"}, ["s.csv", "t.csv"]),
        ({"StartAfter": "t.csv"}, ["u.csv"]),
    ]
    for start, keys in pages:
        found = {"Contents": [{"Key": key, "ETag": f'"{key}"'} for key in keys], "IsTruncated": keys != ["u.csv"]}
        aws.add_response("list_objects_v2", found, {"Bucket": "kitchen-drop", **start})
    assert list(bucket.dropped()) == [(key, key) for key in ("a.csv", "s.csv", "t.csv", "u.csv")]


def receipt() -> Receipt:
    return receipt_of("a.csv", "e", "c", Findings(), 0.0)


def planted(**fields: object) -> bytes:
    """A receipt with other values in some of its fields."""
    return json.dumps({**receipt(), **fields}).encode()


@pytest.mark.parametrize(
    ("code", "status"),
    [("PreconditionFailed", 412), ("ConditionalRequestConflict", 409), ("412", 412), ("409", 409)],
)
def test_a_receipt_that_another_process_writes_at_the_same_time_is_read_first(
    bucket: DropBucket, aws: Stubber, code: str, status: int
) -> None:
    aws.add_client_error("put_object", code, http_status_code=status)
    aws.add_response("get_object", {"Body": io.BytesIO(json.dumps(receipt()).encode()), "ETag": '"p"'})
    seen: list[Receipt | None] = []

    def following(found: Receipt | None) -> Receipt | None:
        seen.append(found)
        return None if found else receipt()

    assert bucket.write_receipt("a.csv", following) == receipt()
    assert seen == [None, receipt()]


@pytest.mark.parametrize(
    "planted",
    [
        *(b"", b"\xff", b"[]", b"null", b"{}", b'{"recorded": 1}', b'{"recorded": [1], "rejected": []}', b"[" * 9000),
        planted(conflicts=1),
        planted(conflicts=["other"]),
        planted(conflicts=[{"etag": ["a"]}]),
        planted(etag=["a"]),
        planted(checksum={}),
        planted(status=None),
        planted(rejected=[{"line": 1}]),
        planted(reasons=[{"column": "", "reason": "", "rows": 1, "examples": [{}]}]),
        planted(recorded_rows="1"),
    ],
)
def test_what_is_no_receipt_is_replaced_by_one(bucket: DropBucket, aws: Stubber, planted: bytes) -> None:
    """Else the event of its delivery would fail for ever."""
    aws.add_client_error("put_object", "PreconditionFailed", http_status_code=412)
    aws.add_response("get_object", {"Body": io.BytesIO(planted), "ETag": '"p"'})
    expected = {
        "Bucket": "kitchen-drop",
        "Key": "receipts/a.csv.json",
        "IfMatch": '"p"',
        "ContentType": ANY,
        "Body": ANY,
    }
    aws.add_response("put_object", {"ETag": '"e"'}, expected)
    assert bucket.write_receipt("a.csv", lambda found: found or receipt()) == receipt()
