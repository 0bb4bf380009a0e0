"""`stockctl return`: brings units of an accepted transaction back into stock."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from stockctl.cli.completion import TRANSACTIONS, complete_items
from stockctl.cli.ids import chosen_id, id_option, no_such_id
from stockctl.cli.ingredients import quantities
from stockctl.cli.session import Session, with_session
from stockctl.domain.delivery import whole_delivery
from stockctl.domain.errors import Busy, OutcomeUnknown, Refused, StockctlError, UsageError
from stockctl.terminal.figures import best_before, local_iso, units
from stockctl.terminal.output import Field, Listing, Nested

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stockctl.domain.returns import Excess, Return, Returned, ReturnedUnits, ReturnOutcome
    from stockctl.operations.use import Tables


@dataclass(frozen=True)
class ReturnResult:
    """What the command shows of a return."""

    request: Return
    outcome: Returned

    @property
    def back(self) -> int:
        """Units that are in stock again."""
        return sum(part.units for part in self.outcome.parts if part.is_back)

    @property
    def expired(self) -> int:
        """Units that are not, because their best-before has passed."""
        return sum(part.units for part in self.outcome.parts if not part.is_back)


@with_session
def return_(
    session: Session,
    transaction_id: Annotated[
        str, typer.Argument(metavar="ID", help="Id of the transaction.", autocompletion=TRANSACTIONS.complete)
    ],
    items: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[INGREDIENT=UNITS]...",
            help="What comes back, such as ham=5. Default: all that has not come back yet.",
            autocompletion=complete_items,
        ),
    ] = None,
    return_id: Annotated[str | None, id_option("Return")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask on a terminal.")] = False,
) -> None:
    """Bring units of an accepted transaction back into stock, all or nothing.

    Units keep their best-before. Units whose best-before has passed do not come back; the result lists them. The
    batches of a use are known within seconds, and the command waits for that.

    Exits with 3 if there is no such transaction, if more would come back than was taken, or if --id was used for
    another return. Then nothing is changed.

    Examples:
        stockctl return order-8f3a
        stockctl return order-8f3a ham=5 --id cancel-8f3a
    """
    from stockctl.domain.returns import Return
    from stockctl.operations.return_units import Returns, outstanding, return_units

    wanted = quantities(items) if items else {}
    if items and not all(wanted.values()):
        raise UsageError("nothing to return", "Give the units that come back, such as ham=5.")
    name = chosen_id(return_id)
    request = Return(name, transaction_id, wanted)
    place = Returns(session.tables, session.history_table)
    if not yes and session.environment.stdin_is_terminal:
        left = outstanding(place.tables, transaction_id)
        if _is_possible(request, left):  # what will be refused needs no answer
            session.environment.confirm(question(request, left), "nothing was returned")
    again = f"Repeat it with --id {shlex.quote(name)}: nothing is returned twice."
    try:
        outcome = return_units(place, request)
    except Busy as error:
        raise StockctlError(
            f"the batches of {transaction_id} are not known yet; nothing was returned", again
        ) from error
    done = _checked(session, request, outcome, again)
    TRANSACTIONS.add(session.target.stack, [name])
    session.output.show(_listing(ReturnResult(request, done)))
    _warn_of_recalled(session, place.tables, done)


def question(request: Return, outstanding: Mapping[str, int]) -> str:
    """What is asked before units come back: those that are given, or all that are `outstanding`."""
    wanted = request.items or outstanding
    items = ", ".join(f"{units(count)} {name}" for name, count in wanted.items() if count) or "everything"
    return f"Bring {items} of {request.transaction_id} back into stock?"


def _is_possible(request: Return, outstanding: Mapping[str, int]) -> bool:
    enough = all(count <= outstanding.get(name, 0) for name, count in request.items.items())
    return enough and any(outstanding.values())


def _warn_of_recalled(session: Session, tables: Tables, outcome: Returned) -> None:
    """Names the deliveries that were recalled and whose units are in stock again."""
    from stockctl.operations.recall import recalled_at

    back = {whole_delivery(part.delivery) for part in outcome.parts if part.is_back}
    for delivery in sorted(back):
        if at := recalled_at(tables, delivery):
            session.environment.warn(
                f"warning: units of {delivery} came back; it was recalled at {local_iso(at)}. "
                f"`stockctl recall {shlex.quote(delivery)}` takes them out of stock.",
            )


def _checked(session: Session, request: Return, outcome: ReturnOutcome, again: str) -> Returned:
    """The outcome, if the return was made.

    Raises:
        Refused: there is no such transaction, its units cannot come back, or the id is that of another return.
        OutcomeUnknown: there was no response.
    """
    from stockctl.domain.returns import NoTransaction, NotRecorded, Returned, TooMany, TooWide
    from stockctl.domain.transaction import Reused

    match outcome:
        case Returned():
            return outcome
        case NoTransaction():
            raise _not_a_transaction(session, request.transaction_id)
        case TooMany():
            faults = "; ".join(map(_excess, outcome.excesses))
            show = f"`stockctl show {shlex.quote(request.transaction_id)}` shows what was taken."
            raise Refused(f"{faults}; nothing was returned", show)
        case NotRecorded():
            raise Refused(
                f"history does not have the batches of {request.transaction_id}; nothing was returned",
                "Add the units as a delivery instead: `stockctl ingest FILE`.",
            )
        case TooWide():
            raise Refused(
                "this return changes more than 100 rows; nothing was returned", "Return fewer items at a time."
            )
        case Reused():
            message = f"another return has the id {request.return_id}; nothing was returned"
            raise Refused(message, "Give another --id, or leave it out.")
        case _:
            raise OutcomeUnknown("no response: the units may have been returned", again)


def _not_a_transaction(session: Session, name: str) -> Refused:
    """The error for an id that is no transaction's; it may be that of a return, discard or count."""
    if name in TRANSACTIONS.of(session.target.stack):
        return Refused(f"{name} is not a transaction", f"`stockctl show {shlex.quote(name)}` shows what it is.")
    return no_such_id(session, "transaction", name)


def _excess(one: Excess) -> str:
    if not one.taken:
        return f"{one.ingredient} is not in this transaction"
    if one.returned == one.taken:
        return f"all {units(one.taken)} of {one.ingredient} were in earlier returns"
    before = f", {units(one.returned)} of them in earlier returns" if one.returned else ""
    return f"{units(one.requested)} of {one.ingredient} are too many: {units(one.taken)} taken{before}"


def _listing(result: ReturnResult) -> Listing[ReturnResult]:
    parts: list[Field[ReturnedUnits]] = [
        Field("ingredient", lambda one: one.ingredient),
        Field("units", lambda one: one.units, style="bold"),
        Field(
            "best_before",
            lambda one: one.best_before or None,
            shown=lambda one: best_before(one.best_before) if one.best_before else "passed",
            folds=False,
        ),
        Field("result", lambda one: "returned" if one.is_back else "expired"),
    ]
    fields: list[Field[ReturnResult]] = [
        Field("return_id", lambda one: one.request.return_id, in_table=False),
        Field("transaction_id", lambda one: one.request.transaction_id, "transaction"),
        Field("status", lambda one: "replayed" if one.outcome.replayed else "returned", in_table=False),
        Field("returned", lambda one: one.back, style="bold"),
        Field("expired", lambda one: one.expired),
    ]
    happened = "made before; nothing was returned again" if result.outcome.replayed else "done"
    total = f"return {result.request.return_id}: {happened}"
    nested: Nested[ReturnResult] = Nested("batches", lambda one: one.outcome.parts, parts)
    return Listing(fields, [result], nested, total=total, is_document=True)
