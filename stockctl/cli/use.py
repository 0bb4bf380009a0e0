"""`stockctl use`: takes ingredients, all or nothing, over the HTTP API."""

from __future__ import annotations

import shlex
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from stockctl.cli.completion import TRANSACTIONS, complete_items
from stockctl.cli.ingredients import QUANTITY_HINT, did_you_mean, quantities
from stockctl.cli.session import Session, with_writing_session
from stockctl.cli.use_result import RESULT_FIELDS, REUSED, SHORT, SHORTAGE_FIELDS, UsedItem, UseResult
from stockctl.domain.errors import Busy, OutcomeUnknown, Refused, StockctlError, UsageError
from stockctl.terminal.figures import best_before, units
from stockctl.terminal.output import Field, Listing, Nested

if TYPE_CHECKING:
    from stockctl.client.api import StockApi
    from stockctl.domain.reconciliation import Charge


@with_writing_session
def use(
    session: Session,
    items: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="INGREDIENT=UNITS...", help="What to take, such as ham=10.", autocompletion=complete_items
        ),
    ] = None,
    transaction_id: Annotated[
        str | None,
        typer.Option("--id", metavar="ID", help="Transaction id. A repeat with the same id has no further effect."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show which batches would be charged; take nothing.")
    ] = False,
    file: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Read many transactions, one JSON object per line as in the HTTP API; - is standard input.",
        ),
    ] = None,
) -> None:
    """Take ingredients from stock, all or nothing.

    A transaction succeeds only if every ingredient is available in full. Without --id, a new id is generated. The
    result shows the id.

    A refused transaction takes nothing; the exit code is 3. With --file, each transaction succeeds or is refused on its
    own: exits with 6 if some were refused, and with 3 if all were.

    Examples:
        stockctl use ham=10 mushroom=5
        stockctl use ham=10 --id order-8f3a
        stockctl use ham=10 --dry-run
        stockctl use --file orders.jsonl
    """
    if file is not None:
        if items or transaction_id or dry_run:
            raise UsageError("--file cannot be combined with ingredients, --id or --dry-run", "Leave those out.")
        from stockctl.cli.use_file import use_file

        use_file(session, file)
    elif dry_run and transaction_id is not None:
        raise UsageError("--dry-run takes nothing, so it has no --id", "Leave one of them out.")
    elif not items:
        raise UsageError("no ingredients given", QUANTITY_HINT)
    elif dry_run:
        _show_charges(session, quantities(items))
    else:
        _use(session, quantities(items), str(uuid.uuid4()) if transaction_id is None else transaction_id)


def _use(session: Session, wanted: Mapping[str, int], transaction_id: str) -> None:
    api = session.api
    again = f"Repeat it with --id {shlex.quote(transaction_id)}: nothing is taken twice."
    try:
        result = UseResult.of(transaction_id, api.use(transaction_id, wanted))
    except (Busy, OutcomeUnknown) as error:
        status = "busy" if isinstance(error, Busy) else "outcome_unknown"
        _show_refusal(session, UseResult(transaction_id, status, error.message))
        raise StockctlError(error.message, again) from error
    except KeyboardInterrupt:
        session.environment.note(f"transaction {transaction_id} may have been accepted. {again}")
        raise
    if result.is_accepted:
        TRANSACTIONS.add(session.target.stack, [transaction_id])
        _show_taken(session, _with_levels(api, result))
        return
    _show_refusal(session, result)
    raise _refused_short(session, api, wanted, result) if result.status == SHORT else _refused(result)


def _with_levels(api: StockApi, result: UseResult) -> UseResult:
    """The result with what was there and what is left. A level that cannot be read does not make a use fail.

    A repeat has neither: the levels have changed since the first request.
    """
    if result.replayed:
        return result
    try:
        levels = {level["typeId"]: level for level in api.levels([item.ingredient for item in result.items])}
    except StockctlError:
        return result
    items = []
    for item in result.items:
        level = levels.get(item.ingredient, {})
        after = level.get("quantity")
        before = None if after is None else after + item.quantity
        items.append(replace(item, before=before, after=after, threshold=level.get("threshold")))
    return replace(result, items=tuple(items))


def _show_taken(session: Session, result: UseResult) -> None:
    fields: list[Field[UsedItem]] = [
        Field("ingredient", lambda item: item.ingredient),
        Field("quantity", lambda item: item.quantity, "used"),
        Field("before", lambda item: item.before),
        Field("after", lambda item: item.after, style="bold"),
    ]
    items: Nested[UseResult] = Nested("items", lambda result: result.items, fields)
    taken = "accepted before; nothing was taken again" if result.replayed else "accepted"
    total = f"transaction {result.transaction_id}: {taken}"
    session.output.show(Listing(RESULT_FIELDS, [result], items, total=total, is_document=True))
    for item in result.items:
        if item.is_low:
            left = f"{units(item.after or 0)} left, threshold {units(item.threshold or 0)}"
            session.environment.note(f"{item.ingredient} is below its threshold: {left}")


def _show_refusal(session: Session, result: UseResult) -> None:
    """Nothing was taken. People see what is short; the rest is in the error."""
    nothing: Field[UseResult] = Field("items", lambda _: [], in_tsv=False, in_table=False)
    shortages: Nested[UseResult] = Nested("shortages", lambda result: result.shortages, SHORTAGE_FIELDS)
    is_short = bool(result.shortages)
    session.output.show(
        Listing([*RESULT_FIELDS, nothing], [result], shortages, for_people=lambda _: is_short, is_document=True)
    )


def _refused_short(session: Session, api: StockApi, wanted: Mapping[str, int], result: UseResult) -> Refused:
    short = [shortage.ingredient for shortage in result.shortages]
    absent = _never_delivered(api, [shortage.ingredient for shortage in result.shortages if not shortage.available])
    if fine := [name for name in wanted if name not in short]:
        session.environment.note(f"available in full: {', '.join(fine)}")
    return _shortage(session, [name for name in short if name not in absent], absent)


def _shortage(session: Session, low: Sequence[str], absent: Sequence[str]) -> Refused:
    """The refusal of a use of ingredients that there is too little of, or that were never delivered."""
    faults = [
        *([f"not enough stock: {', '.join(low)}"] if low else []),
        *([f"no such ingredient: {', '.join(absent)}"] if absent else []),
    ]
    hints = [*did_you_mean(session, absent), *(["Take less, or add stock: `stockctl ingest FILE`."] if low else [])]
    return Refused(
        f"{'; '.join(faults)}; nothing was taken", " ".join(hints) or "`stockctl stock` lists all ingredients."
    )


def _never_delivered(api: StockApi, ingredients: Sequence[str]) -> list[str]:
    try:
        known = {level["typeId"] for level in api.levels(ingredients)} if ingredients else set()
    except StockctlError:
        return []
    return [name for name in ingredients if name not in known]


def _refused(result: UseResult) -> StockctlError:
    if result.status == REUSED:
        return Refused(str(result.message), "Use another --id, or none.")
    return UsageError(f"{result.message or result.status}", "`stockctl use --help` shows the usage.")


def _show_charges(session: Session, wanted: Mapping[str, int]) -> None:
    from stockctl.domain.reconciliation import charged

    table, now = session.stock_table, int(session.environment.now().timestamp())
    charges: list[Charge] = []
    missing: dict[str, int] = {}
    absent: list[str] = []
    for ingredient, count in wanted.items():
        holding = table.read(ingredient)
        if holding is None:
            absent.append(ingredient)
            continue
        found, short = charged(holding, count, now)
        charges += found
        if short:
            missing[ingredient] = short
    fields: list[Field[Charge]] = [
        Field("ingredient", lambda charge: charge.batch.ingredient),
        Field("batch_id", lambda charge: charge.batch.batch_id, "batch"),
        Field("best_before", lambda charge: charge.batch.best_before, format=best_before, folds=False, yields=1),
        Field("quantity", lambda charge: charge.units, "charged"),
        Field("left", lambda charge: charge.after),
    ]
    session.output.show(Listing(fields, charges))
    for ingredient, short in missing.items():
        available = wanted[ingredient] - short
        session.environment.note(f"{ingredient}: requested {units(wanted[ingredient])}, available {units(available)}")
    if missing or absent:
        raise _shortage(session, list(missing), absent)
    session.environment.note("nothing was taken (--dry-run)")
