"""Removing a stack's data: all of it, whatever an earlier removal left, and nothing of anybody else's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from moto import mock_aws

from stockctl.aws.clients import Clients, aws_session
from stockctl.deployment.removal import Removed, delete_data, what_holds_data
from stockctl.deployment.template import Kept
from stockctl.domain.errors import StockctlError
from tests.service import make_tables

BUCKET = "kitchen-drop-123456789012-eu-west-1"


@pytest.fixture
def clients() -> Iterator[Clients]:
    with mock_aws():
        clients = Clients(aws_session())
        make_tables(clients)
        for bucket in (BUCKET, "somebody-elses"):
            clients.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
            clients.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        yield clients


def drop(clients: Clients, count: int) -> None:
    """Objects with two versions each, the last of them deleted."""
    for number in range(count):
        for content in (b"1", b"2"):
            clients.s3.put_object(Bucket=BUCKET, Key=f"{number}.csv", Body=content)
    clients.s3.delete_object(Bucket=BUCKET, Key=f"{count - 1}.csv")


def test_what_exists_is_found_by_name_whether_the_stack_does_or_not(clients: Clients) -> None:
    found = what_holds_data(clients, "kitchen")
    assert found == Kept(tables=("kitchen-stock", "kitchen-transactions"), buckets=(BUCKET,))
    clients.dynamodb.delete_table(TableName="kitchen-stock")
    assert what_holds_data(clients, "kitchen").tables == ("kitchen-transactions",)
    assert what_holds_data(clients, "kitchen-too") == Kept(tables=(), buckets=())


def test_tables_and_buckets_are_deleted_with_every_version(clients: Clients) -> None:
    drop(clients, 3)
    removed = list(delete_data(clients, what_holds_data(clients, "kitchen")))
    assert what_holds_data(clients, "kitchen") == Kept(tables=(), buckets=())
    assert removed[-2:] == [Removed(f"bucket {BUCKET}", 7), Removed(f"bucket {BUCKET}", 7, is_gone=True)]
    assert [each.what for each in removed if each.is_gone] == [
        "table kitchen-stock",
        "table kitchen-transactions",
        f"bucket {BUCKET}",
    ]
    assert [bucket["Name"] for bucket in clients.s3.list_buckets()["Buckets"]] == ["somebody-elses"]


def test_a_table_that_is_protected_is_deleted_too(clients: Clients) -> None:
    """The template protects it from everything else."""
    clients.dynamodb.update_table(TableName="kitchen-stock", DeletionProtectionEnabled=True)
    list(delete_data(clients, Kept(tables=("kitchen-stock",), buckets=())))
    assert "kitchen-stock" not in clients.dynamodb.list_tables()["TableNames"]


def test_more_versions_than_one_call_takes_are_all_deleted(clients: Clients) -> None:
    drop(clients, 600)
    counts = [each.objects for each in delete_data(clients, Kept(tables=(), buckets=(BUCKET,)))]
    assert counts == [1000, 1201, 1201]


def test_a_file_that_is_dropped_meanwhile_is_deleted_too(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    """Suppliers do not know that the stack is being removed."""
    delete_bucket = clients.s3.delete_bucket
    late = [b"late"]

    def dropped_before(**request: str) -> object:
        if late:
            clients.s3.put_object(Bucket=BUCKET, Key="late.csv", Body=late.pop())
        return delete_bucket(Bucket=request["Bucket"])

    monkeypatch.setattr(clients.s3, "delete_bucket", dropped_before)
    assert list(delete_data(clients, Kept(tables=(), buckets=(BUCKET,))))[-1] == Removed(
        f"bucket {BUCKET}", 1, is_gone=True
    )


def test_an_object_that_cannot_be_deleted_is_named(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    drop(clients, 1)
    answer = {"Errors": [{"Key": "0.csv", "Message": "it is locked"}]}
    monkeypatch.setattr(clients.s3, "delete_objects", lambda **_: answer)
    with pytest.raises(StockctlError, match=r"0\.csv of kitchen-drop.* cannot be deleted: it is locked"):
        list(delete_data(clients, Kept(tables=(), buckets=(BUCKET,))))
