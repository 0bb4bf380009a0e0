"""Correct: book the difference between a delivery and what it should have been (stockctl/README.md, "Correct")."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from stockctl.aws.errors import CONDITION_FAILED, code_of, unless_refused
from stockctl.domain.compact_json import compact_json
from stockctl.domain.correction import (
    PREFIX,
    BatchName,
    Corrected,
    Correction,
    Difference,
    Units,
    added,
    content_of,
    differences,
    rows_of,
    total,
)
from stockctl.domain.delivery import belongs_to
from stockctl.domain.errors import Busy, Refused
from stockctl.domain.instants import iso
from stockctl.operations import conditions
from stockctl.operations.discard import units_taken_out
from stockctl.operations.rows import TableRow, Values, in_format, record_key
from stockctl.operations.use import Tables

MAX_RECORD_BYTES = 350_000
"""What a correction's record may hold; DynamoDB's rows have at most 400 KB."""

Deliver = Callable[[str, bytes], Iterable[tuple[str, str, int]]]
"""Sends a delivery with this key and content, and returns what was recorded: ingredient, best-before, units."""


@dataclass(frozen=True)
class Booked:
    """A delivery as it is booked: the units that were recorded, and the deliveries whose batches have them.

    `passed` are the best-befores that have passed, here or in the corrected file.
    """

    delivery: str
    recorded: Units
    deliveries: tuple[str, ...]
    passed: frozenset[str] = frozenset()


@dataclass(frozen=True)
class _Record:
    """The corrections of a delivery: the last one, what those before it changed, and what it booked once it is done."""

    correction: Correction
    earlier: Units
    booked: Units | None

    @property
    def changes(self) -> dict[BatchName, int]:
        return added(self.earlier, self.booked or {})

    @property
    def deliveries(self) -> tuple[str, ...]:
        """Those whose batches the next correction may take from, the newest first."""
        extra = (self.correction.extra_delivery,) if self.correction.extra_content else ()
        return (*extra, *self.correction.deliveries)


@dataclass(frozen=True)
class Corrections:
    """The corrections of a delivery: their number, when the last one began, and what all of them booked (units).

    `deliveries` brought what was missing, the newest first.
    `is_finished` is False if the last one was interrupted; `changes` are then those of the ones before it.
    """

    number: int
    at: str
    changes: Units
    is_finished: bool
    deliveries: tuple[str, ...]


def corrections_of(tables: Tables, delivery: str) -> Corrections | None:
    """The corrections of a delivery; None if it was never corrected."""
    row = tables.record(PREFIX + delivery)
    if row is None:
        return None
    record = _record_from(delivery, row)
    changes = {name: units for name, units in sorted(record.changes.items()) if units}
    deliveries = tuple(key for key in record.deliveries if not belongs_to(key, delivery))
    return Corrections(record.correction.number, row["at"]["S"], changes, record.booked is not None, deliveries)


def planned(tables: Tables, booked: Booked, corrected: Units) -> Corrected:
    """What `correct` would book now: differences, or what was booked before."""
    return _planned(_read(tables, booked.delivery), booked, corrected)


def correct(tables: Tables, booked: Booked, corrected: Units, deliver: Deliver) -> Corrected:
    """Books the differences. Safe to repeat: what a crash left undone is done, and what is done is not done again.

    An earlier correction that was left half done is finished first.

    Raises:
        Refused: there are more differences than one record holds; nothing changed.
        Busy: contention outlasted the deadline; repeating it does the rest.
        OutcomeUnknown: an answer was lost; repeating it does the rest.
    """
    for _ in tables.patience.attempts(f"correcting {booked.delivery}"):
        record = _read(tables, booked.delivery)
        if record and record.booked is None:
            done = _finish(tables, record, deliver)
            if record.correction.content == content_of(corrected):
                return done
            continue
        plan = _planned(record, booked, corrected)
        if plan.replayed or not plan.correction.differences:
            return plan
        begun = _Record(plan.correction, record.changes if record else {}, None)
        if _begin(tables, begun, record):
            return _finish(tables, begun, deliver)
    raise AssertionError  # attempts end by raising


def _planned(record: _Record | None, booked: Booked, corrected: Units) -> Corrected:
    content = content_of(corrected)
    if record and record.booked is not None and record.correction.content == content:
        return Corrected(record.correction, record.booked, replayed=True)
    now = added(booked.recorded, record.changes) if record else booked.recorded
    count, deliveries = (record.correction.number, record.deliveries) if record else (0, booked.deliveries)
    found = differences(now, corrected, booked.passed)
    return Corrected(Correction(booked.delivery, count + 1, content, found, deliveries))


def _finish(tables: Tables, record: _Record, deliver: Deliver) -> Corrected:
    """Books a correction that has begun: first what is added, then what is taken out."""
    correction = record.correction
    content = correction.extra_content
    booked = total(deliver(correction.extra_delivery, content)) if content else {}
    for one, request in correction.discards():
        booked[one.name] = -units_taken_out(tables, request)
    _end(tables, correction, booked)
    return Corrected(correction, booked)


def _read(tables: Tables, delivery: str) -> _Record | None:
    row = tables.record(PREFIX + delivery)
    return _record_from(delivery, row) if row else None


def _record_from(delivery: str, row: TableRow) -> _Record:
    def written(name: str) -> Any:  # noqa: ANN401 - whatever JSON it is
        return json.loads(row[name]["S"])

    correction = Correction(
        delivery,
        int(row["corrections"]["N"]),
        row["request_hash"]["S"],
        tuple(Difference(*one) for one in written("differences")),
        tuple(written("deliveries")),
    )
    is_done = row["is_done"]["BOOL"]
    return _Record(correction, total(written("earlier")), total(written("booked")) if is_done else None)


def _begin(tables: Tables, record: _Record, earlier: _Record | None) -> bool:
    """Writes what is to be booked; False if another correction has begun meanwhile.

    The record is kept for good: without it, the next correction would book the differences of all earlier ones again.
    """
    correction = record.correction
    lists = {
        "differences": [[*one.name, one.booked, one.corrected] for one in correction.differences],
        "deliveries": list(correction.deliveries),
        "earlier": rows_of(record.earlier),
        "booked": [],
    }
    content = {name: compact_json(value) for name, value in lists.items()}
    if sum(len(one.encode()) for one in content.values()) > MAX_RECORD_BYTES:
        count = len(correction.differences)
        raise Refused(f"{count:,} rows differ, more than one correction holds; nothing changed", "Correct some first.")
    row: Values = {
        "transaction_id": PREFIX + correction.delivery,
        "request_hash": correction.content,
        "correction_id": correction.correction_id,
        "corrections": correction.number,
        "status": "correction",
        "at": iso(tables.clock()),
        "is_done": False,
        **content,
    }
    more: dict[str, Any] = {}
    if earlier:
        values: Values = {":earlier": earlier.correction.correction_id, ":done": True}
        more["ExpressionAttributeValues"] = in_format(values)
    return _is_written(
        lambda: tables.stock.client.put_item(
            TableName=tables.transactions,
            Item=in_format(row),
            ConditionExpression=conditions.IS_NEXT_CORRECTION if earlier else conditions.IS_NEW,
            **more,
        )
    )


def _end(tables: Tables, correction: Correction, booked: Units) -> None:
    """Records what was booked, unless that is recorded already."""
    values: Values = {
        ":booked": compact_json(rows_of(booked)),
        ":done": True,
        ":open": False,
        ":correction": correction.correction_id,
    }
    _is_written(
        lambda: tables.stock.client.update_item(
            TableName=tables.transactions,
            Key=record_key(PREFIX + correction.delivery),
            UpdateExpression="SET booked = :booked, is_done = :done",
            ConditionExpression=conditions.IS_THIS_CORRECTION,
            ExpressionAttributeValues=in_format(values),
        )
    )


def _is_written(write: Callable[[], object]) -> bool:
    """Whether a conditional write happened.

    Raises:
        Busy: DynamoDB refused it for another reason that passes.
    """
    try:
        return unless_refused(write, CONDITION_FAILED) is not None
    except ClientError as error:
        if code_of(error) == "TransactionConflictException":
            raise Busy("the record of the correction is in use", "Try again in a moment.") from error
        raise
