"""`stockctl ingest FILE --corrects DELIVERY`: books the difference between a delivery and its corrected file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from functools import partial
from typing import TYPE_CHECKING, Any

from stockctl.cli.ingest_checks import refuse_misspelt
from stockctl.cli.ingest_report import report
from stockctl.cli.supplier_files import checked
from stockctl.client.failure_queues import FailureQueues
from stockctl.client.given_up import GivenUp
from stockctl.client.supplier import deliver
from stockctl.domain.correction import Corrected, Difference, total
from stockctl.domain.delivery import file_of, whole_delivery
from stockctl.domain.errors import Busy, OutcomeUnknown, Refused
from stockctl.operations.claims import Claims
from stockctl.operations.correct import Booked, correct, planned
from stockctl.operations.drop_bucket import DropBucket
from stockctl.operations.recall import recalled_at
from stockctl.terminal.figures import best_before, change, counts, first_of, local, units
from stockctl.terminal.output import Field, Listing, Nested

if TYPE_CHECKING:
    from stockctl.cli.session import Session
    from stockctl.cli.supplier_files import Checked, SupplierFile
    from stockctl.domain.best_before import DateReading
    from stockctl.domain.receipt import Receipt
    from stockctl.operations.use import Tables

MOST_NAMED = 5
"""Differences that the question names."""
AGAIN = "Repeat the command: it does the rest, and nothing twice."


@dataclass(frozen=True)
class CorrectionResult:
    """What the command shows: the correction, and whether it was booked."""

    outcome: Corrected
    is_booked: bool

    @property
    def status(self) -> str:
        """The status, as the document has it."""
        if self.outcome.replayed:
            return "duplicate"
        if not self.outcome.correction.differences:
            return "unchanged"
        return "corrected" if self.is_booked else "valid"

    def booked(self, one: Difference) -> int | None:
        """Units added or taken out; None in a dry run."""
        return self.outcome.booked.get(one.name, 0) if self.is_booked else None

    def missing(self, one: Difference) -> int | None:
        """Units that could not be booked; None in a dry run."""
        return self.outcome.missing(one) if self.is_booked else None


def correct_delivery(
    session: Session, file: SupplierFile, delivery: str, reading: DateReading, *, dry_run: bool, new: bool, yes: bool
) -> None:
    """Books, or with `dry_run` shows, the differences between a delivery and the file that it should have been.

    Raises:
        Refused: there is no such delivery, or the file cannot stand for a whole delivery; nothing changed.
        StockctlError: the question on a terminal was answered with no.
    """
    bucket = session.drop_bucket
    delivery = whole_delivery(delivery)
    receipts, place = _receipts(bucket, delivery), session.tables
    _refuse_recalled(place, delivery)
    found = checked(file, reading, 0)  # rows that have expired since are no faults of the file
    _check(session, found)
    booked = _booked(delivery, receipts, found, int(session.environment.now().timestamp()))
    corrected = total((row.ingredient, row.best_before, row.quantity) for row in found.rows)
    refuse_misspelt(session, place.stock, [found], new=new, dry_run=dry_run)
    if dry_run:
        _show(session, CorrectionResult(planned(place, booked, corrected), is_booked=False), booked)
        session.environment.note("nothing was changed (--dry-run)")
        return
    if not yes and (asked := question(planned(place, booked, corrected))):
        session.environment.confirm(asked, "nothing was changed")
    try:
        outcome = correct(place, booked, corrected, partial(_send, session))
    except (Busy, OutcomeUnknown) as error:
        raise type(error)(error.message, AGAIN) from error
    _show(session, CorrectionResult(outcome, is_booked=True), booked)


def question(plan: Corrected) -> str:
    """What is asked before a correction is booked; nothing where there is nothing to book."""
    found = plan.correction.differences
    if plan.replayed or not found:
        return ""
    changes = [f"{one.ingredient} {change(one.change)}" for one in found]
    return f"Correct {plan.correction.delivery}: {first_of(changes, MOST_NAMED)}?"


def _send(session: Session, key: str, content: bytes) -> Iterator[tuple[str, str, int]]:
    """Sends the delivery that a correction adds, and waits for its receipt."""
    given_up = GivenUp(FailureQueues(session.clients, session.deployment))
    claims = Claims(session.clients.dynamodb, session.deployment.transaction_table)
    delivered = deliver(session.drop_bucket, key, content, given_up=given_up, claims=claims)
    return _recorded(delivered.findings)


def _recorded(receipt: Receipt) -> Iterator[tuple[str, str, int]]:
    return ((row["ingredient"], row["best_before"], row["quantity"]) for row in receipt["recorded"])


def _receipts(bucket: DropBucket, delivery: str) -> list[Receipt]:
    receipts = bucket.receipts_of(delivery)
    if not receipts:
        raise _no_such_delivery(bucket, delivery)
    if any(receipt.get("at") is None for receipt in receipts):
        raise Refused(f"{delivery} is still being recorded; nothing was changed", "Try again in a moment.")
    if not any(receipt["recorded_rows"] for receipt in receipts):
        raise Refused(f"nothing of {delivery} was recorded", "Send the corrected file as it is, without --corrects.")
    if any(receipt["recorded_rows"] > len(receipt["recorded"]) for receipt in receipts):
        raise Refused(
            f"{delivery} has more rows than its receipt lists; nothing was changed",
            "Correct its ingredients with `stockctl count`.",
        )
    return receipts


def _refuse_recalled(tables: Tables, delivery: str) -> None:
    if at := recalled_at(tables, delivery):
        raise Refused(
            f"{delivery} was recalled at {local(datetime.fromisoformat(at))}; nothing was changed",
            "If some of it may be used after all, send that as a new delivery, without --corrects.",
        )


def _no_such_delivery(bucket: DropBucket, delivery: str) -> Refused:
    known = list(dict.fromkeys(map(whole_delivery, bucket.answered())))
    of_this_file = [key for key in known if file_of(key)[0] == file_of(delivery)[0]]
    alike = of_this_file[:3] or get_close_matches(delivery, known, n=3)
    hint = f"Did you mean {' or '.join(alike)}?" if alike else "`stockctl deliveries` lists them."
    return Refused(f"no such delivery: {delivery}", hint)


def _check(session: Session, found: Checked) -> None:
    """Refuses a file with rejected rows: what is not in the corrected file is taken out of stock."""
    if not found.findings.rejected.count:
        return
    report(session, [found], [{"status": "rejected", **found.findings.document()}])
    rows = counts(found.findings.rejected.count, "row")
    raise Refused(
        f"{found.file.name} has {rows} that cannot be read; nothing was changed",
        "A correction stands for the whole delivery, so each of its rows must be good.",
    )


def _booked(delivery: str, receipts: list[Receipt], found: Checked, now: int) -> Booked:
    recorded = total(row for receipt in receipts for row in _recorded(receipt))
    dates = {best_before for _, best_before in recorded} | {row.best_before for row in found.rows}
    passed = frozenset(date for date in dates if found.reading.best_before(date).expires_at <= now)
    return Booked(delivery, recorded, tuple(receipt["delivery"] for receipt in receipts), passed)


def _show(session: Session, result: CorrectionResult, booked: Booked) -> None:
    session.output.show(_listing(result))
    if booked.passed:
        dates = ", ".join(sorted(booked.passed))
        session.environment.note(f"note: rows whose best-before has passed are not corrected: {dates}")
    for one in result.outcome.correction.differences if result.is_booked else ():
        if short := result.outcome.missing(one):
            gone = "was not recorded" if one.change > 0 else "was used, discarded or returned meanwhile"
            session.environment.note(f"note: {one.ingredient} {one.best_before}: {units(short)} of it {gone}")


def _listing(result: CorrectionResult) -> Listing[CorrectionResult]:
    rows: list[Field[Any]] = [
        Field("ingredient", lambda one: one.ingredient),
        Field("best_before", lambda one: one.best_before, format=best_before, folds=False),
        Field("before", lambda one: one.booked),
        Field("corrected", lambda one: one.corrected),
        Field("difference", lambda one: one.change, format=change, style="bold"),
        Field("booked", result.booked, format=change),
        Field("missing", result.missing, in_table=False),
    ]
    correction = result.outcome.correction
    fields: list[Field[CorrectionResult]] = [
        Field("corrects", lambda _: correction.delivery, yields=1),
        Field("status", lambda one: one.status, folds=False),
        Field("correction_id", lambda _: correction.correction_id if correction.differences else None, in_table=False),
        Field("delivery", lambda _: correction.extra_delivery if correction.extra_content else None, in_table=False),
    ]
    nested: Nested[CorrectionResult] = Nested("differences", lambda _: correction.differences, rows)
    return Listing(fields, [result], nested, total=_total(result))


def _total(result: CorrectionResult) -> str:
    correction = result.outcome.correction
    happened = {
        "duplicate": "booked before; nothing changed",
        "unchanged": "nothing differs",
        "corrected": _how_many_booked(result.outcome),
        "valid": "would be booked",
    }[result.status]
    return f"{counts(len(correction.differences), 'difference')}: {happened}"


def _how_many_booked(outcome: Corrected) -> str:
    """`booked` if all are; the number of those that are booked in full and in part otherwise."""
    found = outcome.correction.differences
    full = sum(not outcome.missing(one) for one in found)
    if full == len(found):
        return "booked"
    part = sum(bool(outcome.missing(one) and outcome.booked.get(one.name)) for one in found)
    return f"{units(full)} booked" + (f", {units(part)} booked in part" if part else "")
