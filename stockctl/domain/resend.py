"""Files that are sent again: rows that an earlier delivery of the same file has brought already.

A corrected file has another content, and so is another delivery: what was right the first time would count twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stockctl.domain.delivery import Row, file_of

WAS_RECORDED_BEFORE = "counted twice: recorded before from an earlier file of this name"

MAX_EARLIER = 20
"""Earlier deliveries of a file, the newest first, that a new one is compared with."""


@dataclass(frozen=True)
class Resent:
    """Rows that an earlier delivery recorded, and whether that delivery was recorded in part only."""

    delivery: str
    was_partial: bool
    rows: tuple[Row, ...]


def is_earlier(delivery: str, other: str) -> bool:
    """Whether another delivery was made from an earlier content of the file that this one was made from."""
    (name, digest), (other_name, other_digest) = file_of(delivery), file_of(other)
    return name == other_name and (digest != other_digest or not digest) and delivery != other


def resent(rows: Iterable[Row], receipts: Iterable[Mapping[str, Any]]) -> Iterator[Resent]:
    """What of these rows earlier deliveries recorded, by their receipts."""
    by_batch: dict[tuple[str, str], Row] = {(row.ingredient, row.best_before): row for row in rows}
    for receipt in receipts:
        batches = ((row["ingredient"], row["best_before"]) for row in receipt["recorded"])
        again = tuple(by_batch[batch] for batch in batches if batch in by_batch)
        if again:
            yield Resent(receipt["delivery"], receipt["status"] == "partial", again)
