"""The drop bucket: suppliers' deliveries and their receipts."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from typing import IO, TYPE_CHECKING, Any

from stockctl.aws.errors import unless_refused
from stockctl.domain.delivery import file_of, whole_delivery
from stockctl.domain.receipt import RECEIPTS, Receipt, receipt_from, receipt_key
from stockctl.domain.resend import MAX_EARLIER, is_earlier

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectTypeDef

MAX_PAGES = 10
"""Pages of a thousand deliveries or receipts that are looked through for what came earlier."""

_LAST_LETTER = "\U0010ffff"
"""What no other letter comes after, in the order of S3's keys."""

_CHANGED = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}
_ABSENT = {"NoSuchKey", "404", "NoSuchVersion"}
_FORBIDDEN = {"AccessDenied", "403"}


class DropBucket:
    """Deliveries and receipts of one bucket."""

    def __init__(self, client: S3Client, name: str) -> None:
        self.client = client
        self.name = name

    def drop(self, key: str, content: bytes) -> str:
        """Drops a delivery and returns its version in the bucket."""
        answer = self.client.put_object(Bucket=self.name, Key=key, Body=content, ContentType="text/csv")
        return answer.get("VersionId", "")

    def fetch(self, key: str, version_id: str | None, into: IO[bytes], most: int) -> str | None:
        """Copies a delivery into a file and returns its entity tag; None if it has been deleted."""
        version: dict[str, Any] = {"VersionId": version_id} if version_id else {}
        answer = unless_refused(lambda: self.client.get_object(Bucket=self.name, Key=key, **version), _ABSENT)
        if answer is None:
            return None
        for piece in answer["Body"].iter_chunks(1 << 20):
            into.write(piece)
            if into.tell() > most:
                break
        return answer["ETag"].strip('"')

    def receipt(self, delivery: str) -> Receipt | None:
        """The receipt of a delivery; None if there is none, or if it may not be read.

        S3 answers 403 for an absent object to callers who may not list the bucket, such as suppliers, so 403 means None
        here. The function that writes receipts may list the bucket, and treats a 403 as an error.
        """
        found = unless_refused(lambda: self._receipt(delivery), _FORBIDDEN)
        return found[0] if found else None

    def earlier_receipts(self, delivery: str) -> Iterator[Receipt]:
        """The receipts of earlier deliveries of the same file, the newest first."""
        name, _ = file_of(delivery)
        found = sorted(((each["LastModified"], each["Key"]) for each in self._receipts_named(name)), reverse=True)
        keys = (key.removeprefix(RECEIPTS).removesuffix(".json") for _, key in found)
        earlier = (key for key in keys if is_earlier(delivery, key))
        for key in itertools.islice(earlier, MAX_EARLIER):
            receipt = self.receipt(key)
            if receipt:
                yield receipt

    def receipts_of(self, delivery: str) -> list[Receipt]:
        """The receipt of a delivery, or the receipts of its parts; none where one of them is missing."""
        if receipt := self.receipt(delivery):
            return [receipt]
        parts = self.answered_parts(delivery)
        receipts = [receipt for receipt in map(self.receipt, parts) if receipt]
        return receipts if parts and f"-of-{len(receipts)}." in parts[0] else []

    def answered_parts(self, delivery: str) -> list[str]:
        """The parts of a delivery that have a receipt; none if it was not sent in parts."""
        stem, _, _ = delivery.rpartition(".")
        return [key for key in self.answered(f"{stem}.part-") if whole_delivery(key) == delivery]

    def answered(self, prefix: str = "") -> Iterator[str]:
        """The deliveries that have a receipt and whose keys begin with a text; of very many, the first."""
        for each in self._receipts_named(prefix):
            yield each["Key"].removeprefix(RECEIPTS).removesuffix(".json")

    def dropped(self) -> Iterator[tuple[str, str]]:
        """Each delivery and its entity tag; of very many, the first. Receipts, which lie between them, are skipped."""
        start: dict[str, Any] = {}
        for _ in range(MAX_PAGES):
            page = self.client.list_objects_v2(Bucket=self.name, **start)
            found = page.get("Contents", [])
            dropped = (each for each in found if not each["Key"].startswith(RECEIPTS))
            yield from ((each["Key"], each["ETag"].strip('"')) for each in dropped)
            if not page.get("IsTruncated"):
                return
            last = found[-1]["Key"]
            start = {"StartAfter": f"{RECEIPTS}{_LAST_LETTER}" if last.startswith(RECEIPTS) else last}

    def objects(self) -> Iterator[ObjectTypeDef]:
        """Every object, deliveries and receipts, as S3 lists them."""
        for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name):
            yield from page.get("Contents", [])

    def receipt_at(self, key: str) -> Receipt | None:
        """The receipt in an object of the bucket; None where there is something else."""
        return receipt_from(self.client.get_object(Bucket=self.name, Key=key)["Body"].read())

    def _receipts_named(self, name: str) -> Iterator[ObjectTypeDef]:
        """The receipts whose deliveries begin with a name, as S3 lists them; of very many, the first."""
        more: dict[str, Any] = {}
        for _ in range(MAX_PAGES):
            page = self.client.list_objects_v2(Bucket=self.name, Prefix=f"{RECEIPTS}{name}", **more)
            yield from page.get("Contents", [])
            if "NextContinuationToken" not in page:
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def write_receipt(self, delivery: str, next_receipt: Callable[[Receipt | None], Receipt | None]) -> Receipt | None:
        """Replaces the receipt by what `next_receipt` returns for the current one; None leaves it as it is.

        The write is conditional, so a receipt written by another process is never overwritten unread.
        """
        found: tuple[Receipt | None, str] | None = None  # usually none: S3 is asked after a failed write
        while True:
            receipt = next_receipt(found[0] if found else None)
            if receipt is None:
                return found[0] if found else None
            if self._write_receipt(delivery, receipt, found[1] if found else None):
                return receipt
            found = self._receipt(delivery)

    def _write_receipt(self, delivery: str, receipt: Receipt, replaced: str | None) -> bool:
        """Writes a receipt over the one with this entity tag, or as the first one. Returns False if another one is
        there."""
        object_of: dict[str, Any] = {
            "Key": receipt_key(delivery),
            "Body": json.dumps(receipt, ensure_ascii=False, indent=2).encode(),
            "ContentType": "application/json",
            **({"IfMatch": replaced} if replaced else {"IfNoneMatch": "*"}),
        }
        return unless_refused(lambda: self.client.put_object(Bucket=self.name, **object_of), _CHANGED) is not None

    def _receipt(self, delivery: str) -> tuple[Receipt | None, str] | None:
        """The receipt and its entity tag; None for the receipt if the object is not one."""
        key = receipt_key(delivery)
        answer = unless_refused(lambda: self.client.get_object(Bucket=self.name, Key=key), _ABSENT)
        return (receipt_from(answer["Body"].read()), answer["ETag"]) if answer else None
