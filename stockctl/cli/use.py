"""`stockctl use`: takes ingredients, all or nothing, over the stack's HTTP API."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stockctl.cli.completion import complete_items
from stockctl.cli.session import Session, with_writing_session
from stockctl.domain.errors import ExitCode, Refused, StockctlError, UsageError
from stockctl.terminal.figures import best_before, units
from stockctl.terminal.output import Column, OutputFormat, Table

if TYPE_CHECKING:
    from stockctl.client.api import StockApi
    from stockctl.domain.api import Answer

ITEM_HINT = "Write ingredient=units with a whole number from 1, as in ham=10 mushroom=5."


@with_writing_session
def use(
    session: Session,
    items: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="INGREDIENT=UNITS...", help="What to take, as in ham=10.", autocompletion=complete_items
        ),
    ] = None,
    transaction_id: Annotated[
        str | None,
        typer.Option(
            "--id", metavar="ID", help="Name of the transaction; a repeat with the same name takes nothing twice."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show which batches would be charged; take nothing.")
    ] = False,
    file: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Take many: one transaction a line, as the API's JSON; - is standard input."),
    ] = None,
) -> None:
    """Take ingredients from stock, all or nothing.

    A transaction succeeds only if every ingredient is there in full. Without --id it gets a new name, which is told.

    Exit code 3 says that there was not enough of something, or that an order of a --file was not accepted, and that
    nothing was taken for it.

    Examples:
        stockctl use ham=10 mushroom=5
        stockctl use ham=10 --id order-8f3a
        stockctl use ham=10 --dry-run
        stockctl use --file orders.jsonl
    """
    if file is not None:
        if items or transaction_id or dry_run:
            raise UsageError("--file stands alone: the file says what to take", "Leave the other words out.")
        from stockctl.cli.use_file import use_file

        use_file(session, stock_api(session), file)
        return
    if not items:
        raise UsageError("nothing to take was named", ITEM_HINT)
    wanted = items_from(items)
    if dry_run:
        _show_charges(session, wanted)
        return
    api = stock_api(session)
    name = str(uuid.uuid4()) if transaction_id is None else transaction_id
    session.environment.tell(f"transaction {name}; repeat it safely with --id")
    answer = api.use(name, wanted)
    _show(session, api, wanted, answer)


def items_from(words: Sequence[str]) -> dict[str, int]:
    """Units by ingredient, from words such as `ham=10`; words for one ingredient are added up.

    Raises:
        UsageError: a word is something else.
    """
    from stockctl.domain.quantities import quantity_of
    from stockctl.domain.stock import ingredient_named

    wanted: dict[str, int] = {}
    for word in words:
        name, equals, quantity = word.rpartition("=")
        if not equals:
            raise UsageError(f"{word!r} does not say how much", ITEM_HINT)
        try:
            ingredient = ingredient_named(name)
        except ValueError as error:
            raise UsageError(f"in {word!r} the ingredient {error}", ITEM_HINT) from error
        try:
            wanted[ingredient] = wanted.get(ingredient, 0) + quantity_of(quantity.strip())
        except ValueError as error:
            raise UsageError(f"in {word!r} the quantity {error}", ITEM_HINT) from error
    return wanted


def stock_api(session: Session) -> StockApi:
    """The API of the session's stack."""
    from stockctl.client.api import StockApi
    from stockctl.client.deployment import Deployment

    deployment = Deployment.of(session.clients, session.target)
    return StockApi(session.clients.session, deployment.api_url)


def _show(session: Session, api: StockApi, wanted: Mapping[str, int], answer: Answer) -> None:
    code = answer.body.get("code")
    if session.output.format is OutputFormat.JSON:
        session.output.json(answer.body)
    elif answer.status_code in {200, 201}:
        _show_taken(session, api, answer.body)
    elif code == "insufficient_stock":
        _show_shortages(session, wanted, answer.body["shortages"])
    if answer.status_code in {200, 201}:
        return
    if code == "insufficient_stock":
        raise Refused("not enough in stock; nothing was taken", "Take less, or bring more in: `stockctl ingest FILE`.")
    raise _refusal(answer)


def _refusal(answer: Answer) -> StockctlError:
    if answer.body.get("code") == "transaction_id_reused":
        return StockctlError(str(answer.body["message"]), "Give another --id, or leave it out.")
    faults = "; ".join(f"{fault['path']} {fault['message']}" for fault in answer.body.get("errors", []))
    message = f"{answer.body.get('message', answer.status_code)}{': ' + faults if faults else ''}"
    return UsageError(message, "`stockctl use --help` shows what can be written.")


def _show_taken(session: Session, api: StockApi, body: Mapping[str, Any]) -> None:
    taken = {item["typeId"]: item["quantity"] for item in body["items"]}
    left = _levels_after(api, list(taken))
    rows = [
        # Of a repeat nobody knows what was there before the first attempt.
        [name, -count, left[name] + count if name in left and not body["replayed"] else None, left.get(name)]
        for name, count in taken.items()
    ]
    session.output.show(
        body,
        Table(
            [
                Column("ingredient", field="typeId"),
                Column("used", "right", field="quantity"),
                Column("before", "right"),
                Column("after", "right", "bold"),
            ],
            [[name, units(-used), _or_dash(before), _or_dash(after)] for name, used, before, after in rows],
            [[name, str(-used), _plain(before), _plain(after)] for name, used, before, after in rows],
        ),
    )
    if body["replayed"]:
        session.environment.tell("this transaction was accepted before; nothing was taken again")


def _levels_after(api: StockApi, ingredients: list[str]) -> dict[str, int]:
    """What is left, for show: an accepted transaction is not reported as failed because this could not be read."""
    try:
        return {level["typeId"]: level["quantity"] for level in api.levels(ingredients)}
    except StockctlError:
        return {}


def _show_shortages(session: Session, wanted: Mapping[str, int], shortages: Sequence[Mapping[str, Any]]) -> None:
    rows = [[short["typeId"], short["requested"], short["available"]] for short in shortages]
    session.output.show(
        shortages,
        Table(
            [
                Column("short of", field="typeId"),
                Column("asked", "right", field="requested"),
                Column("there is", "right", field="available"),
                Column("missing", "right", "bold red"),
            ],
            [[name, units(asked), units(there), units(asked - there)] for name, asked, there in rows],
            [[name, str(asked), str(there), str(asked - there)] for name, asked, there in rows],
        ),
    )
    _suggest(session, [name for name, _, there in rows if not there])
    fine = [name for name in wanted if name not in {row[0] for row in rows}]
    if fine:
        session.environment.tell(f"enough of: {', '.join(fine)}")


def _suggest(session: Session, absent: Sequence[str]) -> None:
    from stockctl.cli.ingredients import did_you_mean

    for line in did_you_mean(session, absent):
        session.environment.tell(line)


def _show_charges(session: Session, wanted: Mapping[str, int]) -> None:
    from stockctl.cli.ingredients import stock_table
    from stockctl.domain.reconciliation import charged

    table, now = stock_table(session), int(session.environment.now().timestamp())
    rows: list[list[str]] = []
    document: list[dict[str, Any]] = []
    short = False
    for ingredient, count in wanted.items():
        holding = table.read(ingredient)
        charges, missing = charged(holding, count, now) if holding else ((), count)
        for charge in charges:
            rows.append(
                [
                    *(ingredient, charge.batch.batch_id, best_before(charge.batch.best_before)),
                    *(units(charge.units), units(charge.after)),
                ]
            )
            document.append(
                {
                    "ingredient": ingredient,
                    "batch_id": charge.batch.batch_id,
                    "units": charge.units,
                    "left": charge.after,
                }
            )
        if missing:
            short = True
            session.environment.tell(f"short of {ingredient}: {units(missing)} of {units(count)} missing")
    columns = [
        Column("ingredient"),
        Column("batch", field="batch_id"),
        Column("best before", field=None, folds=False, yields=1),
        Column("charged", "right", field="units"),
        Column("left", "right"),
    ]
    plain = [[str(value) for value in charge.values()] for charge in document]
    session.output.show(document, Table(columns, rows, plain))
    session.environment.tell("nothing was taken (--dry-run)")
    if short:
        raise typer.Exit(ExitCode.REFUSED)


def _or_dash(value: int | None) -> str:
    return "-" if value is None else units(value)


def _plain(value: int | None) -> str:
    return "" if value is None else str(value)
