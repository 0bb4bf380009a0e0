"""How a stack goes: its bucket is emptied first, as S3 deletes no bucket that holds something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from stockctl.aws.errors import code_of
from stockctl.domain.errors import StockctlError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

    from stockctl.aws.clients import Clients
    from stockctl.aws.stack import ResourceEvent, Stack


def remove(clients: Clients, stack: Stack) -> Iterator[ResourceEvent]:
    """Deletes a stack and all it holds; yields each event as it comes, and none where there is no stack.

    Raises:
        StockctlError: something could not be deleted.
    """
    deployed = stack.describe()
    for output in deployed.get("Outputs", []) if deployed else []:
        if output["OutputKey"] == "DropBucket":
            empty(clients, output["OutputValue"])
    yield from stack.delete()


def empty(clients: Clients, bucket: str) -> int:
    """Deletes every version of every object; how many there were. A bucket that is gone already is empty.

    Raises:
        StockctlError: an object could not be deleted.
    """
    deleted = 0
    try:
        # A page holds at most 1,000 versions, as many as one call deletes.
        for page in clients.s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            _delete(clients, bucket, [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found])
            deleted += len(found)
    except ClientError as error:
        if code_of(error) != "NoSuchBucket":
            raise
    return deleted


def _delete(clients: Clients, bucket: str, objects: list[ObjectIdentifierTypeDef]) -> None:
    if objects:
        answer = clients.s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
        for error in answer.get("Errors", []):
            raise StockctlError(f"{error.get('Key')} of {bucket} cannot be deleted: {error.get('Message')}")
