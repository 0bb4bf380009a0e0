"""Receipts: the result of a delivery, row by row, for the supplier.

A receipt is written when the whole delivery has been recorded. A redelivery leaves it as it is; another file under the
same key is added to it as a conflict.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from stockctl.domain.delivery import Row
from stockctl.domain.fingerprint import Fingerprint
from stockctl.domain.instants import iso
from stockctl.domain.reasons import Reasons, shortened
from stockctl.domain.rejection import Rejection

RECEIPTS = "receipts/"
"""Where receipts lie in the drop bucket; every other object is a delivery."""

MAX_ROWS = 10_000
"""A receipt lists at most this many recorded and rejected rows; it counts all."""

IS_CONFLICT = "this key was delivered before with other content; nothing changed"
SEND_A_CORRECTION = "drop a file with the corrected rows alone, under another name"


class DeliveryStatus(StrEnum):
    """The result of a delivery as a whole."""

    RECORDED = "recorded"
    PARTIAL = "partial"
    REJECTED = "rejected"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"


Receipt = dict[str, Any]


def receipt_key(delivery: str) -> str:
    """The key of a delivery's receipt in the drop bucket. S3 keys have at most 1,024 bytes."""
    name = delivery if len(delivery.encode()) <= 1000 else hashlib.sha256(delivery.encode()).hexdigest()
    return f"{RECEIPTS}{name}.json"


def receipt_from(content: bytes) -> Receipt | None:
    """The receipt that was written; None where somebody has put something else in its place."""
    try:
        document = json.loads(content)
        has_counts = all(isinstance(document[name], int) for name in ("recorded_rows", "rejected_rows"))
        has_rows = all({"ingredient", "quantity", "best_before"} <= row.keys() for row in document["recorded"])
        has_lines = all(_is_rejected_row(row) for row in document["rejected"])
        has_status = isinstance(document["status"], str)
        has_tags = all(map(_has_tags, [document, *document.get("conflicts", [])]))
        has_reasons = all(map(_is_reason, [*document.get("reasons", []), *document.get("warnings", [])]))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    is_whole = all((has_counts, has_rows, has_lines, has_status, has_tags, has_reasons))
    return document if is_whole else None


def _is_rejected_row(row: Mapping[str, object]) -> bool:
    return isinstance(row["line"], int) and {"column", "value", "reason"} <= row.keys()


def _has_tags(document: Mapping[str, object]) -> bool:
    return all(isinstance(tag, str | None) for tag in (document["etag"], document.get("checksum")))


def _is_reason(reason: Mapping[str, Any]) -> bool:
    has_examples = all({"line", "value", "advice"} <= example.keys() for example in reason["examples"])
    return has_examples and isinstance(reason["rows"], int) and {"column", "reason"} <= reason.keys()


@dataclass
class Rejections:
    """Rejected rows: the first of them, how many there are, and why."""

    first: list[Rejection] = field(default_factory=list)
    reasons: Reasons = field(default_factory=Reasons)

    @property
    def count(self) -> int:
        """The number of rejected rows."""
        return len(self.reasons)

    def add(self, rejection: Rejection) -> None:
        """Counts a rejected row, and keeps it if there is room."""
        self.reasons.add(rejection)
        if len(self.first) < MAX_ROWS:
            self.first.append(shortened(rejection))


@dataclass(frozen=True)
class Findings:
    """What a delivery was found to hold. The counts include rows beyond the lists."""

    recorded: Sequence[Row] = ()
    recorded_rows: int = 0
    rejected: Rejections = field(default_factory=Rejections)
    warnings: Reasons = field(default_factory=Reasons)
    ignored_columns: Sequence[str] = ()

    @property
    def status(self) -> DeliveryStatus:
        """What becomes of a delivery with these rows."""
        if not self.recorded_rows:
            return DeliveryStatus.REJECTED
        return DeliveryStatus.PARTIAL if self.rejected.count else DeliveryStatus.RECORDED

    def document(self) -> Receipt:
        """The findings as receipts and `ingest` have them."""
        rejected = self.rejected
        return {
            "recorded": [recorded_row(row) for row in self.recorded],
            "recorded_rows": self.recorded_rows,
            "rejected": [rejected_row(row) for row in sorted(rejected.first, key=lambda row: row.line)],
            "rejected_rows": rejected.count,
            "reasons": reason_rows(rejected.reasons),
            "warnings": reason_rows(self.warnings),
            "ignored_columns": list(self.ignored_columns),
        }


def receipt_of(delivery: str, etag: str, checksum: str, findings: Findings, now: float) -> Receipt:
    """The receipt of a processed delivery. The counts include rows beyond the lists."""
    return {
        "delivery": delivery,
        "etag": etag,
        "checksum": checksum,
        "status": findings.status.value,
        "at": iso(now),
        **findings.document(),
    }


def recorded_row(row: Row) -> dict[str, str | int]:
    """One recorded row as receipts and `ingest` show it."""
    return {"ingredient": row.ingredient, "quantity": row.quantity, "best_before": row.best_before}


def rejected_row(rejection: Rejection) -> dict[str, str | int]:
    """One rejected row as receipts and `ingest` show it."""
    return {
        "line": rejection.line,
        "column": rejection.column,
        "value": rejection.value,
        "reason": rejection.message,
    }


def reason_rows(reasons: Reasons) -> list[dict[str, Any]]:
    """Each reason once, with the number of rows and some of them."""
    return [
        {
            "column": reason.column,
            "reason": reason.reason,
            "rows": reason.rows,
            "examples": [
                {"line": example.line, "value": example.value, "advice": example.advice} for example in reason.examples
            ],
        }
        for reason in reasons
    ]


def with_conflict(receipt: Mapping[str, Any], etag: str, content: Fingerprint, now: float) -> Receipt:
    """The receipt with one more file that arrived under its key with other content."""
    conflicts: list[dict[str, str]] = list(receipt.get("conflicts", []))
    if not _is_among(conflicts, content):
        reason = f"{IS_CONFLICT}; to correct it, {SEND_A_CORRECTION}"
        conflicts.append({"etag": etag, "checksum": content.checksum, "at": iso(now), "reason": reason})
    return {**receipt, "conflicts": conflicts}


def with_conflicts_of(earlier: Mapping[str, Any] | None, receipt: Receipt) -> Receipt:
    """A receipt that replaces an earlier one and keeps its conflicts."""
    return {**receipt, "conflicts": earlier["conflicts"]} if earlier and earlier.get("conflicts") else receipt


def unfinished(delivery: str) -> Receipt:
    """The receipt of a delivery that is still being recorded when a conflict is reported."""
    return {"delivery": delivery, "etag": None, "checksum": None, "status": "recording", **Findings().document()}


def is_of(receipt: Mapping[str, Any], content: Fingerprint) -> bool:
    """Whether the receipt is that of this content, conflicts aside."""
    return content.is_of(receipt.get("checksum"), receipt.get("etag"))


def answers(receipt: Mapping[str, Any], content: Fingerprint) -> bool:
    """Whether the receipt covers this content, as recorded or as a conflict."""
    return is_of(receipt, content) or _is_among(receipt.get("conflicts", []), content)


def _is_among(conflicts: Iterable[Mapping[str, str]], content: Fingerprint) -> bool:
    return any(content.is_of(conflict.get("checksum"), conflict.get("etag")) for conflict in conflicts)
