"""Count: agree on the differences between a stocktake and the levels, and book them (stockctl/README.md, "Count")."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace

from stockctl.domain.best_before import BestBefore
from stockctl.domain.compact_json import compact_json
from stockctl.domain.count import BookedLine, Line, Sheet
from stockctl.domain.instants import iso
from stockctl.domain.transaction import Reused, Unknown
from stockctl.operations import conditions
from stockctl.operations.discard import units_taken_out
from stockctl.operations.receive import Conflict, receive
from stockctl.operations.reconcile import reconcile
from stockctl.operations.rows import Action, TableRow, in_format, level_key
from stockctl.operations.transact import Cancelled, outcome_of, transact
from stockctl.operations.transaction_records import record_once, repeated
from stockctl.operations.use import Tables


@dataclass(frozen=True)
class Agreed:
    """The lines that were agreed on: by this request, or (`replayed`) by an earlier one of the same count."""

    lines: tuple[Line, ...]
    replayed: bool = False


@dataclass(frozen=True)
class Moved:
    """Nothing was agreed on: a level has changed since it was read."""


AgreeOutcome = Agreed | Moved | Reused | Unknown


def compared(tables: Tables, sheet: Sheet, best_before: BestBefore | None = None) -> tuple[Line, ...]:
    """What was counted beside the levels as they are now, expired stock written off.

    Units to add get `best_before`, or else the soonest best-before of the ingredient's live batches.

    Raises:
        Busy: contention outlasted the deadline.
    """
    return tuple(_compared(tables, name, units, best_before) for name, units in sheet.counted.items())


def _compared(tables: Tables, ingredient: str, counted: int, best_before: BestBefore | None) -> Line:
    reconcile(tables.stock, ingredient, tables.clock, tables.patience)
    holding = tables.stock.read(ingredient)
    if holding is None:
        return Line(ingredient, counted, 0, None, best_before)
    now = int(tables.clock())
    live = (batch for batch in holding.counted if batch.quantity and not batch.is_due(now))
    soonest = next((BestBefore(batch.best_before, batch.expires_at) for batch in live), None)
    return Line(ingredient, counted, holding.level.quantity, holding.level.version, best_before or soonest)


def agreed_before(tables: Tables, sheet: Sheet) -> Agreed | Reused | None:
    """What was agreed on under this id; None if nothing was."""
    return _repeated(sheet, tables.record(sheet.record_id))


def agree(tables: Tables, sheet: Sheet, lines: Sequence[Line]) -> AgreeOutcome:
    """Keeps the lines of a sheet, if the levels are as they were read: then the differences are right from now on.

    Where the sheet was counted at an earlier time, they were right then, and levels may have changed since.

    Raises:
        Busy: contention outlasted the deadline; nothing was agreed on.
    """
    return outcome_of(tables.patience, f"count {sheet.count_id}", lambda: _attempt(tables, sheet, lines))


def _attempt(tables: Tables, sheet: Sheet, lines: Sequence[Line]) -> AgreeOutcome | None:
    checks = [] if sheet.at else [_is_as_read(tables.stock.name, line) for line in lines]
    try:
        transact(tables.stock.client, [_put_record(tables, sheet, lines), *checks])
    except Cancelled as cancelled:
        record, *levels = cancelled.reasons
        if record.is_failed_condition:
            return _repeated(sheet, record.row)
        return Moved() if any(level.is_failed_condition for level in levels) else None
    return Agreed(tuple(lines))


def _repeated(sheet: Sheet, row: TableRow | None) -> Agreed | Reused | None:
    return repeated(row, sheet.request_hash, lambda found: Agreed(lines_in(found), replayed=True))


def lines_in(row: TableRow) -> tuple[Line, ...]:
    """The lines that the record of a sheet holds."""
    lines = [Line(*values) for values in json.loads(row["lines"]["S"])]
    return tuple(
        replace(line, best_before=BestBefore(*line.best_before)) if line.best_before else line for line in lines
    )


def _put_record(tables: Tables, sheet: Sheet, lines: Sequence[Line]) -> Action:
    attributes = {
        "status": "counted",
        "lines": compact_json([astuple(line) for line in lines]),
        **({"counted_at": sheet.at} if sheet.at else {}),
    }
    return record_once(tables.transactions, sheet.record_id, sheet.request_hash, tables.clock(), attributes)


def _is_as_read(table: str, line: Line) -> Action:
    values = {} if line.version is None else {"ExpressionAttributeValues": in_format({":version": line.version})}
    condition = conditions.IS_FIRST_DELIVERY if line.version is None else conditions.IS_SAME_VERSION
    return {
        "ConditionCheck": {
            "TableName": table,
            "Key": level_key(line.ingredient),
            "ConditionExpression": condition,
            **values,  # type: ignore[typeddict-item]
        }
    }


def book(tables: Tables, sheet: Sheet, line: Line) -> BookedLine:
    """Books the difference of one line that was agreed on. Safe to repeat: it is booked once.

    Raises:
        Busy: contention outlasted the deadline; repeating it finds out what is booked.
        OutcomeUnknown: an answer was lost; repeating it finds out what is booked.
    """
    if line.difference < 0:
        return BookedLine(line, -units_taken_out(tables, sheet.discard(line)))
    if line.difference > 0 and line.best_before:
        return BookedLine(line, _added(tables, sheet, line, line.best_before))
    return BookedLine(line, 0)


def _added(tables: Tables, sheet: Sheet, line: Line, best_before: BestBefore) -> int:
    batch = sheet.batch(line, best_before, iso(tables.clock()))
    try:
        done = receive(tables.stock, [batch], tables.clock, tables.patience, sheet.cause)
    except Conflict:  # other units of it were counted under this id, when its record was forgotten
        return 0
    return sum(one.quantity for one in (*done.recorded, *done.known))
