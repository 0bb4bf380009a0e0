"""`stockctl recall`: takes what is left of a delivery out of stock, and lists the transactions served from it."""

from __future__ import annotations

import shlex
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from stockctl.cli.session import Session, with_session
from stockctl.domain.delivery import is_delivery, whole_delivery
from stockctl.domain.discard import Removal, units_of
from stockctl.domain.errors import Busy, Refused, StockctlError, UsageError
from stockctl.terminal.figures import counts, first_of, local_iso, units
from stockctl.terminal.output import Field, Listing, Nested

if TYPE_CHECKING:
    from stockctl.operations.recall import ServedUse, Trace
    from stockctl.operations.use import Tables

HISTORY_SECONDS = 20.0
"""How long the command waits for history to have the latest charges."""

MOST_NAMED = 10
"""Ingredients that the line below the table names."""

Value = TypeVar("Value")

Removals = list[tuple[str, Removal]]
"""What batches lose, with their ingredients."""


@dataclass(frozen=True)
class RecallResult:
    """What the command shows: the batches that were taken out (in a dry run: that are left), and the uses served.

    `untraced` are units whose use is not known.
    """

    delivery: str
    recall_id: str | None
    batches: Removals
    uses: list[ServedUse]
    untraced: int
    recalled_at: str | None

    @property
    def units(self) -> int:
        """Units of these batches."""
        return units_of(removal for _, removal in self.batches)


@with_session
def recall(
    session: Session,
    delivery: Annotated[
        str, typer.Argument(metavar="DELIVERY", help="Key of the delivery, such as monday-0f1e2d3c4b5a.csv.")
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List what is left and the transactions served; change nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before taking stock out.")] = False,
) -> None:
    """Take what is left of a delivery out of stock, and list the transactions that were served from it.

    All parts of a file that was sent in parts are included, and units that were used and returned. If units are
    returned later, `stockctl return` warns, and a repeated recall takes them out. The units are discarded with the
    reason `recall`. Reads every ingredient and every transaction of the last 90 days, so it may take a while.

    Exits with 3 if there is no such delivery, or it was recalled before and nothing of it is left.

    Examples:
        stockctl recall monday-1a2b3c.csv --dry-run
        stockctl recall monday-1a2b3c.csv --yes
    """
    from stockctl.operations import recall as operation

    place = session.tables
    bucket = session.drop_bucket
    history = session.history_table  # without it, nothing is taken out either
    names = place.stock.ingredients()
    delivery = whole_delivery(delivery)
    since = operation.recorded_at(place, delivery, bucket.answered_parts(delivery))
    if since is None:
        raise _no_such_delivery(session, place, names, delivery)
    left = _by_batch(_each(session, "reading what is left", names, partial(operation.left_of, place, delivery)))
    recall_id = None if dry_run else str(uuid.uuid4())
    batches = left
    if recall_id:
        _agree(session, left, yes=yes)
        recalled_at = operation.mark_recalled(place, delivery)
        batches = _taken_out(session, place, delivery, list(dict.fromkeys(name for name, _ in left)), recall_id)
    else:
        recalled_at = operation.recalled_at(place, delivery)
    traces = _traces(session, partial(operation.trace, place, history, delivery, since=since), names)
    uses = _searched(session, place, traces)
    if recall_id and not batches and recalled_at:
        raise Refused(
            f"{delivery} was recalled before, at {local_iso(recalled_at)}; nothing of it is left",
            f"`stockctl recall {shlex.quote(delivery)} --dry-run` lists the transactions that were served from it.",
        )
    untraced = sum(trace.units for trace in traces.values()) - sum(use.units for use in uses)
    session.output.show(_listing(RecallResult(delivery, recall_id, batches, uses, untraced, recalled_at)))
    _note_corrections(session, place, delivery)


def _note_corrections(session: Session, place: Tables, delivery: str) -> None:
    """Names the deliveries with what corrections added: they are recalled on their own."""
    from stockctl.operations.correct import corrections_of

    corrections = corrections_of(place, delivery)
    if corrections and corrections.deliveries:
        keys = ", ".join(corrections.deliveries)
        session.environment.note(f"note: corrections added units in other deliveries; recall those too: {keys}")


def _each(session: Session, doing: str, names: list[str], work: Callable[[str], Value]) -> dict[str, Value]:
    """Does the work for each ingredient, several at a time, and shows how far it is."""
    from stockctl.operations.workers import workers_for

    found: dict[str, Value] = {}
    with ThreadPoolExecutor(workers_for(len(names))) as threads:
        for number, (name, value) in enumerate(zip(names, threads.map(work, names), strict=True), 1):
            found[name] = value
            session.environment.passing(f"{doing}: {units(number)} of {counts(len(names), 'ingredient')}")
    return found


def _no_such_delivery(session: Session, place: Tables, names: list[str], delivery: str) -> Refused:
    holdings = _each(session, "looking for the delivery", names, place.stock.read)
    known = {whole_delivery(batch.delivery) for holding in holdings.values() if holding for batch in holding.batches}
    of_file = sorted(key for key in known if is_delivery(key, delivery))
    alike = of_file[:3] or get_close_matches(delivery, sorted(known), n=3)
    hint = f"Did you mean {' or '.join(alike)}?" if alike else "`stockctl deliveries` lists the deliveries."
    return Refused(f"no such delivery: {delivery}", hint)


def _by_batch(found: Mapping[str, Sequence[Removal]]) -> Removals:
    return [(name, removal) for name, removals in found.items() for removal in removals]


def _agree(session: Session, left: Removals, *, yes: bool) -> None:
    """Asks before stock is taken out.

    Raises:
        UsageError: there is nobody to ask, and --yes was not given.
        StockctlError: the answer was no.
    """
    if yes or not left:
        return
    affected = len({name for name, _ in left})
    what = f"{counts(units_of(removal for _, removal in left), 'unit')} of {counts(affected, 'ingredient')}"
    if not session.environment.stdin_is_terminal:
        raise UsageError(f"this takes {what} out of stock", "To go ahead, add --yes.")
    if not session.environment.agrees(f"Take {what} out of stock?"):
        raise StockctlError("nothing was recalled", "--dry-run lists the transactions that were served.")


def _taken_out(session: Session, place: Tables, delivery: str, names: list[str], recall_id: str) -> Removals:
    from stockctl.operations.recall import take_out

    try:
        return _by_batch(_each(session, "taking out", names, lambda name: take_out(place, delivery, name, recall_id)))
    except Busy as error:
        raise StockctlError(error.message, "Repeat the recall: it takes out what is left.") from error


def _traces(session: Session, work: Callable[[str], Trace], names: list[str]) -> dict[str, Trace]:
    """What history has of the delivery, by ingredient; waits a little for what is not recorded yet."""
    from stockctl.aws.retry import Patience

    traces = _each(session, "reading history", names, work)
    try:
        for _ in Patience(HISTORY_SECONDS, 0.2, 2.0).attempts("history"):
            missing = [name for name, found in traces.items() if not found.is_complete]
            if not missing:
                break
            traces |= _each(session, "waiting for history", missing, work)
    except Busy:
        session.environment.complain(
            "history does not have the latest charges yet",
            "Repeat with --dry-run in a minute.",
        )
    return {name: found for name, found in traces.items() if found.units}


def _searched(session: Session, place: Tables, traces: dict[str, Trace]) -> list[ServedUse]:
    """The uses that were served from the delivery of these traces, the oldest first."""
    from stockctl.operations.recall import records, uses_in

    uses: list[ServedUse] = []
    read = 0
    for page in records(place):
        read += len(page)
        session.environment.passing(f"searching transactions: {units(read)} read, {units(len(uses))} found")
        uses += [use for record in page for use in uses_in(record, traces)]
    return sorted(uses, key=lambda use: (use.at, use.transaction_id, use.ingredient))


def _listing(result: RecallResult) -> Listing[RecallResult]:
    uses: list[Field[ServedUse]] = [
        Field("transaction_id", lambda one: one.transaction_id, "transaction"),
        Field("at", lambda one: one.at, format=local_iso, folds=False),
        Field("ingredient", lambda one: one.ingredient),
        Field("units", lambda one: one.units, style="bold"),
    ]
    fields: list[Field[RecallResult]] = [
        Field("delivery", lambda one: one.delivery, in_table=False),
        Field("recall_id", lambda one: one.recall_id, in_table=False),
        Field("discarded", lambda one: one.units if one.recall_id else 0),
        Field("left", lambda one: 0 if one.recall_id else one.units),
        Field("recalled_at", lambda one: one.recalled_at, in_table=False),
        Field("untraced", lambda one: one.untraced, in_table=False),
        Field("batches", _batches, in_table=False, in_tsv=False),
    ]
    nested: Nested[RecallResult] = Nested("transactions", lambda one: one.uses, uses)
    return Listing(fields, [result], nested, total=_total(result), is_document=True)


def _batches(result: RecallResult) -> list[dict[str, str | int]]:
    return [
        {
            "ingredient": name,
            "batch_id": removal.batch_id,
            "best_before": removal.best_before,
            "units": removal.units,
        }
        for name, removal in result.batches
    ]


def _by_ingredient(result: RecallResult) -> str:
    found: Counter[str] = Counter()
    for name, removal in result.batches:
        found[name] += removal.units
    return first_of([f"{units(count)} {name}" for name, count in found.items()], MOST_NAMED)


def _total(result: RecallResult) -> str:
    served = len({use.transaction_id for use in result.uses})
    parts = [f"{counts(served, 'transaction')} served from {result.delivery}"]
    if not result.recall_id and result.batches:
        parts.append(f"left: {_by_ingredient(result)}")
    if result.recall_id:
        parts.append(f"{counts(result.units, 'unit')} of {counts(len(result.batches), 'batch')} discarded")
    if result.recalled_at:
        parts.append(f"recalled before, at {local_iso(result.recalled_at)}")
    if result.untraced:
        parts.append(f"{counts(result.untraced, 'unit')} went into transactions that are not on record")
    return "; ".join(parts)
