"""What a supplier does: drops a file, and waits for the receipt."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from stockctl.aws.retry import Patience
from stockctl.domain.errors import Busy, StockctlError
from stockctl.domain.receipt import DeliveryStatus, Receipt, answers
from stockctl.operations.drop_bucket import DropBucket

WAITING = Patience(seconds=120.0, first_wait=0.2, longest_wait=1.0)


@dataclass(frozen=True)
class Delivered:
    """What became of a file: the status of its delivery and the receipt, if one was waited for."""

    delivery: str
    status: DeliveryStatus | None
    receipt: Receipt | None

    @property
    def recorded(self) -> list[dict[str, Any]]:
        """The rows that are in stock because of this delivery."""
        return list(self.receipt["recorded"]) if self.receipt else []

    @property
    def rejected(self) -> list[dict[str, Any]]:
        """The rows that could not be recorded."""
        return list(self.receipt["rejected"]) if self.receipt else []


def deliver(bucket: DropBucket, key: str, content: bytes, waiting: Patience | None = WAITING) -> Delivered:
    """Drops a file under a key and waits for its receipt; with `waiting` None it does not wait.

    A file that was recorded under this key before is not dropped again.

    Raises:
        StockctlError: no receipt came in time.
    """
    if waiting is None:
        bucket.drop(key, content)
        return Delivered(key, None, None)
    earlier = bucket.receipt(key)
    if earlier and earlier["recorded"] and earlier["etag"] == _expected_etag(content):
        return Delivered(key, DeliveryStatus.DUPLICATE, earlier)
    etag = bucket.drop(key, content)
    return _outcome(key, etag, _awaited(bucket, key, etag, waiting))


def _expected_etag(content: bytes) -> str:
    """S3's entity tag of an object put in one part and encrypted with S3's own keys."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _awaited(bucket: DropBucket, key: str, etag: str, waiting: Patience) -> Receipt:
    try:
        for _ in waiting.attempts(f"waiting for the receipt of {key}"):
            receipt = bucket.receipt(key)
            if receipt and answers(receipt, etag):
                return receipt
    except Busy:
        message = (
            f"no receipt for {key} within {waiting.seconds:g} s; the file is in the bucket and may still be recorded"
        )
        hint = "`stockctl logs` and `stockctl failures` show what goes on. To read a receipt takes s3:GetObject on it."
        raise StockctlError(message, hint) from None
    raise AssertionError  # attempts end by raising


def _outcome(key: str, etag: str, receipt: Receipt) -> Delivered:
    if receipt["etag"] == etag:
        return Delivered(key, DeliveryStatus(receipt["status"]), receipt)
    return Delivered(key, DeliveryStatus.CONFLICT, {**receipt, "recorded": [], "rejected": []})
