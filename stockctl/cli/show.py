"""`stockctl show`: a transaction, return, discard, count or delivery by its id, and the batches behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Annotated

import typer

from stockctl.cli.completion import DELIVERIES, complete_ids
from stockctl.cli.ids import no_such_id
from stockctl.cli.session import Session, with_session
from stockctl.domain import discard
from stockctl.domain.count import Line, Sheet, discard_id
from stockctl.domain.delivery import whole_delivery
from stockctl.domain.stock import batch_id_of
from stockctl.terminal.figures import best_before, change, first_of, local_iso, units
from stockctl.terminal.output import Field, JsonValue, Listing, Nested

if TYPE_CHECKING:
    from stockctl.domain.history import ChargeEntry
    from stockctl.domain.returns import ReturnedUnits
    from stockctl.operations.correct import Corrections
    from stockctl.operations.rows import TableRow
    from stockctl.operations.serving import ServedItem

PENDING = "not charged yet"
EXPIRED = "a batch that had expired"
UNKNOWN = "not in history"
NO_HISTORY = "history is off"
MOST_CHANGES = 10
"""Corrected batches that are named below a table; JSON has all."""


@dataclass(frozen=True)
class Portion:
    """Units of one ingredient and the batch they came from; `status` says so where there is none.

    `left` is what is left of the batch, for deliveries.
    """

    ingredient: str
    units: int
    status: str = "charged"
    batch_id: str | None = None
    delivery: str | None = None
    best_before: str | None = None
    left: int | None = None


@dataclass(frozen=True)
class Shown:
    """What is shown of one id.

    `returned` are the units of a transaction that returns have dealt with, by ingredient: some may have expired.
    `corrections` are those of a delivery, `recalled_at` is when it was recalled.
    """

    name: str
    kind: str
    at: str
    reason: str | None
    portions: list[Portion]
    returned: Mapping[str, int] | None = None
    corrections: Corrections | None = None
    recalled_at: str | None = None


@with_session
def show(
    session: Session,
    name: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="Id of a transaction, return, discard or count, or key of a delivery.",
            autocompletion=complete_ids,
        ),
    ],
) -> None:
    """Show a transaction, return, discard, count or delivery: when it was made, and the batches behind its units.

    Units of a transaction are charged to batches within seconds, soonest best-before first. For a delivery, shows
    what was recorded, what is left and what corrections changed. Records are kept for 90 days, receipts of deliveries
    for good. If several records have this id, all are shown; in JSON as a list.

    Examples:
        stockctl show order-8f3a
        stockctl show order-8f3a -o json
        stockctl show monday-0f1e2d3c4b5a.csv
    """
    finders = (_transaction, _discard, _return, _count, _delivery)
    found = [shown for find in finders if (shown := find(session, name))]
    if not found:
        others = DELIVERIES.of(session.target.stack)
        raise no_such_id(session, "transaction, return, discard, count or delivery", name, others)
    session.output.show(_listing(found))


def _transaction(session: Session, name: str) -> Shown | None:
    from stockctl.operations.serving import UseRecord, served_items

    record = session.tables.record(name)
    if record is None or "items" not in record:
        return None
    use = UseRecord.of(record)
    if session.records_history:
        items = served_items(session.tables.stock, session.history_table, use, session.environment.now())
        portions = [portion for item in items for portion in _portions(item)]
    else:
        portions = [Portion(ingredient, units, NO_HISTORY) for ingredient, units in use.items.items()]
    return Shown(name, "transaction", use.at, None, portions, use.returned)


def _portions(item: ServedItem) -> list[Portion]:
    if not item.is_known:
        return [Portion(item.ingredient, item.units, UNKNOWN)]
    found = [
        Portion(item.ingredient, part.units, UNKNOWN if part.charge is None else EXPIRED)
        if part.charge is None or not part.charge.batch_id
        else _of_batch(item.ingredient, part.units, "charged", part.charge)
        for part in item.parts
    ]
    return [*found, Portion(item.ingredient, item.pending, PENDING)] if item.pending else found


def _of_batch(
    ingredient: str, units: int, status: str, batch: ChargeEntry | discard.Removal | ReturnedUnits
) -> Portion:
    """Units of a batch; those of one that is gone have none of its attributes."""
    return Portion(ingredient, units, status, batch.batch_id or None, batch.delivery or None, batch.best_before or None)


def _discard(session: Session, name: str) -> Shown | None:
    from stockctl.operations.discard import removals_in

    record = session.tables.record(discard.PREFIX + name)
    if record is None:
        return None
    ingredient = record["ingredient"]["S"]
    portions = [_of_batch(ingredient, one.units, "discarded", one) for one in removals_in(record)]
    return Shown(name, "discard", record["at"]["S"], record["reason"]["S"], portions)


def _return(session: Session, name: str) -> Shown | None:
    from stockctl.domain.returns import PREFIX
    from stockctl.operations.return_units import parts_in

    record = session.tables.record(PREFIX + name)
    if record is None:
        return None
    portions = [
        _of_batch(one.ingredient, one.units, "returned" if one.is_back else "expired", one) for one in parts_in(record)
    ]
    return Shown(name, "return", record["at"]["S"], f"of {record['returned_transaction']['S']}", portions)


def _count(session: Session, name: str) -> Shown | None:
    from stockctl.operations.count import lines_in

    portions: list[Portion] = []
    first: TableRow | None = None
    for number in count(1):
        sheet = Sheet(name, number, {})
        record = session.tables.record(sheet.record_id)
        if record is None or "lines" not in record:
            break
        first = first or record
        portions += [portion for line in lines_in(record) for portion in _counted(session, sheet, line)]
    if first is None:
        return None
    counted_at = first["counted_at"]["S"] if "counted_at" in first else None
    return Shown(name, "count", first["at"]["S"], counted_at and f"counted at {counted_at}", portions)


def _counted(session: Session, sheet: Sheet, line: Line) -> list[Portion]:
    """What a count changed of one ingredient."""
    if line.difference < 0:
        found = _discard(session, discard_id(sheet.count_id, line.ingredient))
        taken = [replace(portion, status="missing") for portion in found.portions] if found else []
        return taken or [Portion(line.ingredient, -line.difference, "missing, not booked")]
    if line.difference and line.best_before:
        text = line.best_before.text
        batch_id = batch_id_of(sheet.delivery, text)
        return [Portion(line.ingredient, line.difference, "added", batch_id, sheet.delivery, text)]
    return [Portion(line.ingredient, line.counted, "as in the book")]


def _delivery(session: Session, name: str) -> Shown | None:
    from stockctl.operations.correct import corrections_of
    from stockctl.operations.recall import recalled_at
    from stockctl.operations.recorded import recorded_batches

    name, place = whole_delivery(name), session.tables
    receipts = session.drop_bucket.receipts_of(name)
    if not receipts:
        return None
    portions = [
        Portion(one.ingredient, one.units, one.status, one.batch_id, one.delivery, one.best_before, one.left)
        for one in recorded_batches(place.stock, receipts)
    ]
    statuses = ", ".join(dict.fromkeys(receipt["status"] for receipt in receipts))
    at, corrections = receipts[0].get("at", ""), corrections_of(place, name)
    return Shown(name, "delivery", at, statuses, portions, None, corrections, recalled_at(place, name))


def _listing(found: list[Shown]) -> Listing[Shown]:
    """One has its id and time below the table, where there is room for them."""
    is_several = len(found) > 1
    portions: list[Field[Portion]] = [
        Field("ingredient", lambda one: one.ingredient),
        Field("units", lambda one: one.units, style="bold"),
        Field("left", lambda one: one.left, in_table=any(one.kind == "delivery" for one in found)),
        Field("status", lambda one: one.status),
        Field("batch_id", lambda one: one.batch_id, in_table=False),
        Field(
            "delivery",
            lambda one: one.delivery,
            in_table=any(one.kind != "delivery" for one in found),
            yields=1 if is_several else 0,
        ),
        Field("best_before", lambda one: one.best_before, format=best_before, folds=False),
    ]
    fields: list[Field[Shown]] = [
        Field("id", lambda one: one.name, in_table=is_several),
        Field("kind", lambda one: one.kind, folds=False, in_table=is_several),
        Field("at", lambda one: one.at, format=local_iso, folds=False, in_table=is_several, yields=2),
        Field("reason", lambda one: one.reason, "about", in_table=any(one.reason is not None for one in found)),
        Field("returned", lambda one: one.returned, in_table=False),
        Field("corrections", _corrections, in_table=False, in_tsv=False),
        Field("corrected", _changes, in_table=False, in_json=False),
        Field("recalled_at", lambda one: one.recalled_at, in_table=False),
    ]
    nested: Nested[Shown] = Nested("batches", lambda one: one.portions, portions)
    heads = [] if is_several else [f"{one.kind} {one.name}, {local_iso(one.at)}" for one in found]
    lines = [line for one in found for line in (_returned(one), _corrected(one), _recalled(one)) if line]
    return Listing(fields, found, nested, total="\n".join([*heads, *lines]), is_document=not is_several)


def _corrections(shown: Shown) -> JsonValue:
    found = shown.corrections
    if found is None:
        return None
    changes: list[JsonValue] = [
        {"ingredient": ingredient, "best_before": date, "units": count}
        for (ingredient, date), count in found.changes.items()
    ]
    return {"number": found.number, "at": found.at, "finished": found.is_finished, "changes": changes}


def _changes(shown: Shown) -> dict[str, int] | None:
    """What the corrections of a delivery changed, for one cell."""
    found = shown.corrections
    return {f"{name} {date}": units for (name, date), units in found.changes.items()} if found else None


def _recalled(shown: Shown) -> str:
    return f"recalled at {local_iso(shown.recalled_at)}" if shown.recalled_at else ""


def _corrected(shown: Shown) -> str:
    """What the corrections of a delivery changed, in words; empty if there were none."""
    found = shown.corrections
    if found is None:
        return ""
    changes = [f"{name} {best_before(date)} {change(count)}" for (name, date), count in found.changes.items()]
    times = f"{found.number} times, last" if found.number > 1 else ""
    head = " ".join(filter(None, ["corrected", times, "at", local_iso(found.at)]))
    unfinished = "" if found.is_finished else "; the last correction is not finished: repeat it"
    return f"{head}: {first_of(changes, MOST_CHANGES) or 'no change'}{unfinished}"


def _returned(shown: Shown) -> str:
    """What returns of a transaction were about, in words; empty if there were none."""
    back = ", ".join(f"{units(count)} of {name}" for name, count in (shown.returned or {}).items() if count)
    return f"in returns so far, those that had expired included: {back}" if back else ""
