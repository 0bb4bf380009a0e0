"""What a supplier does: drop a file and wait for the receipt."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from stockctl.aws.retry import Patience
from stockctl.client.failures import Failure
from stockctl.client.given_up import GivenUp
from stockctl.domain.errors import Busy, StockctlError
from stockctl.domain.fingerprint import Fingerprint
from stockctl.domain.reasons import Reasons
from stockctl.domain.receipt import DeliveryStatus, Findings, Receipt, answers, is_of, reason_rows
from stockctl.domain.rejection import Rejection
from stockctl.operations.claims import Claims
from stockctl.operations.drop_bucket import DropBucket

WAITING = Patience(seconds=120.0, first_wait=0.05, longest_wait=1.0)


@dataclass(frozen=True)
class Delivered:
    """The result of sending a file: the status of its delivery, and the receipt if one was waited for."""

    delivery: str
    status: DeliveryStatus | None
    receipt: Receipt | None

    @property
    def findings(self) -> dict[str, Any]:
        """What the receipt says of the rows; receipts of earlier versions say less."""
        nothing = Findings().document()
        if not self.receipt:
            return nothing
        found = {name: self.receipt.get(name, nothing[name]) for name in nothing}
        if found["rejected"] and not found["reasons"]:
            found["reasons"] = reason_rows(Reasons(Rejection(**row) for row in found["rejected"]))
        return found


def deliver(
    bucket: DropBucket,
    key: str,
    content: bytes,
    waiting: Patience | None = WAITING,
    given_up: GivenUp | None = None,
    claims: Claims | None = None,
) -> Delivered:
    """Drops a file under a key and waits for its receipt; with `waiting` None it does not wait.

    A file that was recorded under this key before is not sent again.

    Raises:
        StockctlError: the file could not be recorded, or no receipt came in time.
    """
    if waiting is None:
        bucket.drop(key, content)
        return Delivered(key, None, None)
    fingerprint = Fingerprint.of(io.BytesIO(content))
    earlier = bucket.receipt(key)
    if earlier and _is_duplicate(key, fingerprint, earlier, claims):
        return Delivered(key, DeliveryStatus.DUPLICATE, earlier)
    version = bucket.drop(key, content)
    # A receipt of the same content from before is written anew.
    outdated = earlier.get("at") if earlier and is_of(earlier, fingerprint) else None
    for receipt in _receipts(bucket, key, waiting):
        if receipt and answers(receipt, fingerprint) and receipt.get("at") != outdated:
            return _outcome(key, fingerprint, receipt)
        if failure := given_up and given_up.failure_of(key, version):
            raise _not_recorded(key, failure)
    raise AssertionError  # receipts end by raising


def foreseen(bucket: DropBucket, key: str, content: bytes, claims: Claims) -> Delivered | None:
    """What sending a file would come to if its key was sent before: a duplicate or a conflict; else None."""
    fingerprint = Fingerprint.of(io.BytesIO(content))
    earlier = bucket.receipt(key)
    if earlier is None or not earlier["recorded"]:
        return None
    if not is_of(earlier, fingerprint):
        return Delivered(key, DeliveryStatus.CONFLICT, None)
    is_duplicate = _is_duplicate(key, fingerprint, earlier, claims)
    return Delivered(key, DeliveryStatus.DUPLICATE, earlier) if is_duplicate else None


def _is_duplicate(key: str, content: Fingerprint, earlier: Receipt, claims: Claims | None) -> bool:
    """Whether this content was recorded under its key. A receipt alone is no proof: the tables may have been lost."""
    was_recorded = bool(earlier["recorded"]) and is_of(earlier, content)
    return was_recorded and (claims is None or claims.find(key, content) is not None)


def _receipts(bucket: DropBucket, key: str, waiting: Patience) -> Iterator[Receipt | None]:
    """The receipt under this key, again and again.

    Raises:
        StockctlError: the time is over.
    """
    try:
        for _ in waiting.attempts(f"waiting for the receipt of {key}"):
            yield bucket.receipt(key)
    except Busy:
        message = (
            f"no receipt for {key} within {waiting.seconds:g} s; the file is in the bucket and may still be recorded"
        )
        hint = "`stockctl logs` and `stockctl failures` show why. Reading a receipt takes s3:GetObject on it."
        raise StockctlError(message, hint) from None


def _not_recorded(key: str, failure: Failure) -> StockctlError:
    hint = (
        f"Fix the cause, then run `stockctl failures retry {failure.failure_id[:8]}`. "
        "`stockctl logs StockReceived --all` shows the details."
    )
    return StockctlError(f"{key} could not be recorded: {failure.error}", hint)


def _outcome(key: str, content: Fingerprint, receipt: Receipt) -> Delivered:
    if is_of(receipt, content):
        return Delivered(key, DeliveryStatus(receipt["status"]), receipt)
    return Delivered(key, DeliveryStatus.CONFLICT, None)
