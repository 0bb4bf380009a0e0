"""`stockctl show`: a transaction, return or discard by its id, and the batches behind it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from stockctl.cli.completion import complete_transactions
from stockctl.cli.ids import no_such_id
from stockctl.cli.operation_tables import history_table, tables
from stockctl.cli.session import Session, with_session
from stockctl.terminal.figures import best_before, local
from stockctl.terminal.output import Field, Listing, Nested

if TYPE_CHECKING:
    from stockctl.operations.rows import TableRow
    from stockctl.operations.serving import ServedItem

PENDING = "not charged yet"
EXPIRED = "a batch that had expired"
UNKNOWN = "not in history"


@dataclass(frozen=True)
class Portion:
    """Units of one ingredient and the batch they came from; `status` says so where there is none."""

    ingredient: str
    units: int
    status: str = "charged"
    batch_id: str | None = None
    delivery: str | None = None
    best_before: str | None = None


@dataclass(frozen=True)
class Shown:
    """What is shown of one id."""

    name: str
    kind: str
    at: str
    reason: str | None
    portions: list[Portion]


@with_session
def show(
    session: Session,
    name: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="Id of a transaction, return or discard.", autocompletion=complete_transactions
        ),
    ],
) -> None:
    """Show a transaction, return or discard: when it was made, and which batches its units came from or went to.

    Units of a transaction are charged to batches within seconds, soonest best-before first. Records are kept for 90
    days.

    Examples:
        stockctl show order-8f3a
        stockctl show order-8f3a -o json
    """
    found = _transaction(session, name) or _discard(session, name) or _return(session, name)
    if found is None:
        raise no_such_id(session, "transaction, return or discard", name)
    session.output.show(_listing(found))


def _record(session: Session, transaction_id: str) -> TableRow | None:
    place = tables(session)
    key = {"transaction_id": {"S": transaction_id}}
    return place.stock.client.get_item(TableName=place.transactions, Key=key, ConsistentRead=True).get("Item")


def _transaction(session: Session, name: str) -> Shown | None:
    from stockctl.operations.serving import UseRecord, served_items

    record = _record(session, name)
    if record is None or "items" not in record:
        return None
    items = served_items(tables(session).stock, history_table(session), UseRecord.of(record), session.environment.now())
    portions = [portion for item in items for portion in _portions(item)]
    return Shown(name, "transaction", record["at"]["S"], None, portions)


def _portions(item: ServedItem) -> list[Portion]:
    if not item.is_known:
        return [Portion(item.ingredient, item.units, UNKNOWN)]
    found = [
        Portion(item.ingredient, part.units, UNKNOWN if part.charge is None else EXPIRED)
        if part.charge is None or not part.charge.batch_id
        else Portion(
            item.ingredient,
            part.units,
            batch_id=part.charge.batch_id,
            delivery=part.charge.delivery,
            best_before=part.charge.best_before,
        )
        for part in item.parts
    ]
    return [*found, Portion(item.ingredient, item.pending, PENDING)] if item.pending else found


def _discard(session: Session, name: str) -> Shown | None:
    from stockctl.domain.discard import PREFIX
    from stockctl.operations.discard import removals_in

    record = _record(session, PREFIX + name)
    if record is None:
        return None
    portions = [
        Portion(record["ingredient"]["S"], one.units, "discarded", one.batch_id, one.delivery, one.best_before)
        for one in removals_in(record)
    ]
    return Shown(name, "discard", record["at"]["S"], record["reason"]["S"], portions)


def _return(session: Session, name: str) -> Shown | None:
    from stockctl.domain.returns import PREFIX
    from stockctl.operations.return_units import parts_in

    record = _record(session, PREFIX + name)
    if record is None:
        return None
    portions = [
        Portion(
            one.ingredient,
            one.units,
            "returned" if one.is_back else "expired",
            one.batch_id or None,
            one.delivery or None,
            one.best_before or None,
        )
        for one in parts_in(record)
    ]
    return Shown(name, "return", record["at"]["S"], f"of {record['returned_transaction']['S']}", portions)


def _listing(shown: Shown) -> Listing[Shown]:
    portions: list[Field[Portion]] = [
        Field("ingredient", lambda one: one.ingredient),
        Field("units", lambda one: one.units, style="bold"),
        Field("status", lambda one: one.status),
        Field("batch_id", lambda one: one.batch_id, "batch", yields=1),
        Field("delivery", lambda one: one.delivery),
        Field("best_before", lambda one: one.best_before, shown=lambda one: best_before(one.best_before or "-")),
    ]
    fields: list[Field[Shown]] = [
        Field("id", lambda one: one.name),
        Field("kind", lambda one: one.kind),
        Field("at", lambda one: one.at, shown=lambda one: local(datetime.fromisoformat(one.at)), folds=False),
        Field("reason", lambda one: one.reason, in_table=shown.reason is not None),
    ]
    nested: Nested[Shown] = Nested("batches", lambda one: one.portions, portions)
    return Listing(fields, [shown], nested, is_document=True)
