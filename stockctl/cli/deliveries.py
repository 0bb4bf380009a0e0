"""`stockctl deliveries`: what suppliers dropped, what became of it, and what is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from stockctl.cli.completion import DELIVERIES
from stockctl.cli.moments import past_moment
from stockctl.cli.session import Session, with_session
from stockctl.domain.delivery import whole_delivery
from stockctl.domain.instants import iso
from stockctl.terminal.figures import counts, local_iso
from stockctl.terminal.output import Field, Listing

if TYPE_CHECKING:
    from stockctl.domain.receipt import Receipt
    from stockctl.operations.recorded import RecordedBatch
    from stockctl.operations.use import Tables

READERS = 8
"""Receipts that are read at the same time."""
ANSWERED_WITHIN = timedelta(minutes=5)
"""Most deliveries have their receipt within seconds; one that has none for so long needs a look."""


@dataclass(frozen=True)
class DeliveryRow:
    """One delivery: its receipt and what it brought, or None and nothing while it has no receipt.

    `afterwards` is what operators did with it: `corrected`, `recalled`.
    """

    delivery: str
    at: datetime
    status: str
    receipt: Receipt | None = None
    batches: Sequence[RecordedBatch] = ()
    afterwards: Sequence[str] = ()

    @property
    def received(self) -> int:
        """Units recorded."""
        return sum(one.units for one in self.batches)

    @property
    def left(self) -> int:
        """Units that are still in stock."""
        return sum(one.left for one in self.batches)

    def figure(self, name: str) -> int:
        """A count that its receipt has."""
        return int(self.receipt[name]) if self.receipt else 0


@with_session
def deliveries(
    session: Session,
    since: Annotated[
        str, typer.Option(metavar="TIME", help="Start of the period: 7d for seven days ago, or 2026-12-31T18:00.")
    ] = "7d",
) -> None:
    """List deliveries: when they came, what was recorded and rejected, and what is left.

    Deliveries that were corrected or recalled afterwards are marked.

    A file without a receipt is `waiting` for its first five minutes, and `unanswered` after that.

    Examples:
        stockctl deliveries
        stockctl deliveries --since 30d -o csv
    """
    now = session.environment.now()
    found = _deliveries(session, past_moment(since, "--since", now), now)
    DELIVERIES.add(session.target.stack, (one.delivery for one in found))
    session.output.show(_listing(found))
    late = [one for one in found if one.status == "unanswered"]
    if late:
        session.environment.note(
            f"note: {counts(len(late), 'file')} without an answer: `stockctl failures` and `stockctl logs` show why"
        )


def _deliveries(session: Session, start: datetime, now: datetime) -> list[DeliveryRow]:
    """The deliveries since a time, the newest first."""
    from concurrent.futures import ThreadPoolExecutor

    from stockctl.domain.receipt import RECEIPTS, receipt_key
    from stockctl.operations.recorded import recorded_batches

    bucket = session.drop_bucket
    objects = {each["Key"]: each["LastModified"] for each in bucket.objects()}
    recent = [key for key, at in objects.items() if at >= start]
    with ThreadPoolExecutor(READERS) as threads:
        keys = [key for key in recent if key.startswith(RECEIPTS)]
        read = [
            (key, receipt) for key, receipt in zip(keys, threads.map(bucket.receipt_at, keys), strict=True) if receipt
        ]
        batches: dict[str, list[RecordedBatch]] = {}
        for one in recorded_batches(session.stock_table, [receipt for _, receipt in read]):
            batches.setdefault(one.delivery, []).append(one)
        whole = list({whole_delivery(receipt["delivery"]) for _, receipt in read})
        afterwards = dict(zip(whole, threads.map(partial(_afterwards, session.tables), whole), strict=True))
    answered = [
        DeliveryRow(
            delivery=one["delivery"],
            at=objects[key],
            status=one["status"],
            receipt=one,
            batches=batches.get(one["delivery"], []),
            afterwards=afterwards[whole_delivery(one["delivery"])],
        )
        for key, one in read
    ]
    dropped = (key for key in recent if not key.startswith(RECEIPTS) and receipt_key(key) not in objects)
    open_ones = [_unanswered(key, objects[key], now) for key in dropped]
    return sorted([*answered, *open_ones], key=lambda one: (one.at, one.delivery), reverse=True)


def _afterwards(place: Tables, delivery: str) -> Sequence[str]:
    from stockctl.operations.correct import corrections_of
    from stockctl.operations.recall import recalled_at

    corrected = ["corrected"] if corrections_of(place, delivery) else []
    return [*corrected, "recalled"] if recalled_at(place, delivery) else corrected


def _unanswered(key: str, at: datetime, now: datetime) -> DeliveryRow:
    return DeliveryRow(key, at, "waiting" if now - at < ANSWERED_WITHIN else "unanswered")


def _listing(found: Sequence[DeliveryRow]) -> Listing[DeliveryRow]:
    fields: list[Field[DeliveryRow]] = [
        Field("delivery", lambda one: one.delivery),
        Field("at", lambda one: iso(one.at.timestamp()), format=local_iso, folds=False, yields=2),
        Field("status", lambda one: one.status, folds=False),
        Field("recorded_rows", lambda one: one.figure("recorded_rows"), "rows"),
        Field("rejected_rows", lambda one: one.figure("rejected_rows"), "rejected"),
        Field("conflicts", lambda one: len(one.receipt.get("conflicts", [])) if one.receipt else 0, in_table=False),
        Field("received", lambda one: one.received, "units", yields=1),
        Field("left", lambda one: one.left, style="bold"),
        Field("afterwards", lambda one: list(one.afterwards), in_table=any(one.afterwards for one in found)),
    ]
    left = sum(one.left for one in found)
    total = f"{counts(len(found), 'delivery')}: {counts(left, 'unit')} left"
    return Listing(fields, found, style=_style, total=total, empty="no delivery in this period")


def _style(one: DeliveryRow) -> str:
    return "yellow" if one.status in {"rejected", "partial", "unanswered"} else ""
