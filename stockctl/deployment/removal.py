"""Removing a stack's data: tables and drop bucket outlive the stack unless they are deleted as well.

They are found by name, so that what an earlier removal kept, or an interrupted one left, can be deleted later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stockctl.aws.errors import unless_refused
from stockctl.deployment.template import Kept, Location, kept
from stockctl.domain.errors import StockctlError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

    from stockctl.aws.clients import Clients

TRIES = 5
"""Attempts to empty the bucket: suppliers may still drop files."""


def what_holds_data(clients: Clients, stack: str) -> Kept:
    """The tables and buckets of a stack that exist, whether the stack does or not."""
    account = clients.sts.get_caller_identity()["Account"]
    names = kept(Location(stack, account, clients.s3.meta.region_name))
    return Kept(
        tables=tuple(name for name in names.tables if _table_exists(clients, name)),
        buckets=tuple(name for name in names.buckets if _bucket_exists(clients, name, account)),
    )


@dataclass(frozen=True)
class Removed:
    """A resource that is being deleted: how many of its objects are deleted, and whether it is gone itself."""

    what: str
    objects: int = 0
    is_gone: bool = False


def delete_data(clients: Clients, data: Kept) -> Iterator[Removed]:
    """Deletes tables and buckets with their content; yields each one, and the progress of each bucket.

    Raises:
        StockctlError: something could not be deleted.
    """
    for table in data.tables:
        yield Removed(f"table {table}")
        _delete_table(clients, table)
        yield Removed(f"table {table}", is_gone=True)
    for bucket in data.buckets:
        yield from _delete_bucket(clients, bucket)


def _table_exists(clients: Clients, name: str) -> bool:
    found = unless_refused(lambda: clients.dynamodb.describe_table(TableName=name), {"ResourceNotFoundException"})
    return found is not None


def _bucket_exists(clients: Clients, name: str, account: str) -> bool:
    missing = {"404", "NoSuchBucket"}
    return unless_refused(lambda: clients.s3.head_bucket(Bucket=name, ExpectedBucketOwner=account), missing) is not None


def _delete_table(clients: Clients, name: str) -> None:
    described = clients.dynamodb.describe_table(TableName=name)["Table"]
    if described.get("DeletionProtectionEnabled"):
        clients.dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
        clients.dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    clients.dynamodb.delete_table(TableName=name)
    clients.dynamodb.get_waiter("table_not_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 300})


def _delete_bucket(clients: Clients, bucket: str) -> Iterator[Removed]:
    deleted = 0
    for attempt in range(TRIES):
        for count in empty(clients, bucket):
            deleted += count
            yield Removed(f"bucket {bucket}", deleted)
        refusals = {"BucketNotEmpty"} if attempt < TRIES - 1 else {}
        if unless_refused(lambda: clients.s3.delete_bucket(Bucket=bucket), refusals) is not None:
            yield Removed(f"bucket {bucket}", deleted, is_gone=True)
            return


def empty(clients: Clients, bucket: str) -> Iterator[int]:
    """Deletes every version of every object, and yields the number deleted each time.

    Raises:
        StockctlError: an object could not be deleted.
    """
    # A page has at most 1,000 versions, the limit of one call.
    for page in clients.s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        if found:
            _delete(clients, bucket, [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found])
            yield len(found)


def _delete(clients: Clients, bucket: str, objects: list[ObjectIdentifierTypeDef]) -> None:
    answer = clients.s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
    for error in answer.get("Errors", []):
        raise StockctlError(f"{error.get('Key')} of {bucket} cannot be deleted: {error.get('Message')}")
