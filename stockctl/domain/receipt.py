"""Receipts: what became of a delivery, row by row, for the supplier who dropped it.

A receipt is written once, when all of a delivery has been recorded, and never made worse by what comes after: a
redelivery leaves it as it is, and another file under the same key is added to it as a conflict.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from stockctl.domain.delivery import Rejection, Row
from stockctl.domain.instants import iso

MAX_ROWS = 10_000
"""A receipt names this many recorded rows and this many rejected ones, and counts the rest."""

MAX_VALUE = 200
"""Characters of a rejected value that are kept."""


class DeliveryStatus(StrEnum):
    """What became of a delivery as a whole."""

    RECORDED = "recorded"
    PARTIAL = "partial"
    REJECTED = "rejected"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"


Receipt = dict[str, Any]


def receipt_key(delivery: str) -> str:
    """Where the receipt of a delivery lies in the drop bucket; S3's keys end at 1,024 bytes."""
    name = delivery if len(delivery.encode()) <= 1000 else hashlib.sha256(delivery.encode()).hexdigest()
    return f"receipts/{name}.json"


@dataclass
class Rejections:
    """Rejected rows: the first of them, and how many there are."""

    first: list[Rejection] = field(default_factory=list)
    count: int = 0

    def add(self, rejection: Rejection) -> None:
        """Counts a rejected row, and keeps it while there is room."""
        self.count += 1
        if len(self.first) < MAX_ROWS:
            self.first.append(replace(rejection, value=rejection.value[:MAX_VALUE]))


def receipt_of(
    delivery: str, etag: str, recorded: Sequence[Row], recorded_rows: int, rejected: Rejections, now: float
) -> Receipt:
    """The receipt of a delivery all of whose rows were dealt with; the counts include those beyond the lists."""
    return {
        "delivery": delivery,
        "etag": etag,
        "status": status_of(recorded_rows, rejected.count).value,
        "at": iso(now),
        "recorded": [recorded_row(row) for row in recorded],
        "recorded_rows": recorded_rows,
        "rejected": [rejected_row(row) for row in sorted(rejected.first, key=lambda row: row.line)],
        "rejected_rows": rejected.count,
    }


def status_of(recorded: int, rejected: int) -> DeliveryStatus:
    """The status of a delivery with so many rows recorded and so many rejected."""
    if not recorded:
        return DeliveryStatus.REJECTED
    return DeliveryStatus.PARTIAL if rejected else DeliveryStatus.RECORDED


def recorded_row(row: Row) -> dict[str, str | int]:
    """One recorded row as receipts and `ingest` show it."""
    return {"ingredient": row.ingredient, "quantity": row.quantity, "best_before": row.best_before}


def rejected_row(rejection: Rejection) -> dict[str, str | int]:
    """One rejected row as receipts and `ingest` show it."""
    return {
        "line": rejection.line,
        "column": rejection.column,
        "value": rejection.value,
        "reason": rejection.reason,
    }


def with_conflict(receipt: Mapping[str, Any], etag: str, now: float) -> Receipt:
    """The same receipt, with one more file that came under its key with other content and was not recorded."""
    conflicts: list[dict[str, str]] = list(receipt.get("conflicts", []))
    if etag not in etags(conflicts):
        conflicts.append(
            {
                "etag": etag,
                "at": iso(now),
                "reason": "this key was delivered before with other content; nothing changed",
            }
        )
    return {**receipt, "conflicts": conflicts}


def with_conflicts_of(earlier: Mapping[str, Any] | None, receipt: Receipt) -> Receipt:
    """A receipt that takes the place of another, and keeps the conflicts that stand there."""
    return {**receipt, "conflicts": earlier["conflicts"]} if earlier and earlier.get("conflicts") else receipt


def unfinished(delivery: str) -> Receipt:
    """The receipt of a delivery that is being recorded while another file under its key is reported as a conflict."""
    return {
        "delivery": delivery,
        "etag": None,
        "status": "recording",
        "recorded": [],
        "recorded_rows": 0,
        "rejected": [],
        "rejected_rows": 0,
    }


def etags(conflicts: Iterable[Mapping[str, str]]) -> set[str]:
    """The entity tags of the files that a receipt reports as conflicts."""
    return {conflict["etag"] for conflict in conflicts}


def answers(receipt: Mapping[str, Any], etag: str) -> bool:
    """Whether the receipt says what became of the file with this entity tag."""
    return bool(receipt.get("etag") == etag or etag in etags(receipt.get("conflicts", [])))
