"""`stockctl discard`: removes units from stock that were not used."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from stockctl.cli.completion import DELIVERIES, TRANSACTIONS, complete_items
from stockctl.cli.ids import chosen_id, id_option
from stockctl.cli.ingredients import QUANTITY_HINT, known_levels, quantities
from stockctl.cli.session import Session, with_writing_session
from stockctl.domain.discard import Discard, Discarded, DiscardOutcome, Removal, TooFew
from stockctl.domain.errors import Busy, OutcomeUnknown, Refused, StockctlError, UsageError
from stockctl.domain.transaction import Reused
from stockctl.terminal.figures import best_before, counts, units
from stockctl.terminal.output import Field, Listing, Nested

if TYPE_CHECKING:
    from stockctl.operations.use import Tables

MAX_REASON_LENGTH = 100


@dataclass(frozen=True)
class DiscardResult:
    """What the command shows of a discard; `after` is the level after it, None for a repeat or if it is unknown."""

    request: Discard
    outcome: Discarded
    after: int | None

    @property
    def before(self) -> int | None:
        """The level before it; None where `after` is."""
        return None if self.after is None else self.after + self.request.units


@with_writing_session
def discard(
    session: Session,
    item: Annotated[
        str,
        typer.Argument(
            metavar="INGREDIENT=UNITS", help="Ingredient and units, such as ham=3.", autocompletion=complete_items
        ),
    ],
    reason: Annotated[
        str, typer.Option(metavar="TEXT", help="Reason, such as spoiled, dropped or recalled.")
    ] = "spoiled",
    batch: Annotated[
        str | None, typer.Option(metavar="ID", help="Only from this batch, such as monday.csv@2027-01-02.")
    ] = None,
    delivery: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Only from this delivery: the name of its file, or its key.",
            autocompletion=DELIVERIES.complete,
        ),
    ] = None,
    discard_id: Annotated[str | None, id_option("Discard")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask on a terminal.")] = False,
) -> None:
    """Remove units from stock that were spoiled, dropped or lost.

    Units are taken from the batches with the soonest best-before; --batch and --delivery limit the choice. Expired
    stock is written off without a discard. `stockctl stock --batches -o tsv` lists batch ids.

    Exits with 3 if fewer units are available, or if --id was used for another discard. Then nothing is changed.

    Examples:
        stockctl discard ham=3 --reason dropped
        stockctl discard ham=3 --delivery monday.csv
    """
    from stockctl.operations.discard import discard as discard_units

    request = _request(item, reason, batch, delivery, discard_id)
    place = session.tables
    known_levels(session, [request.ingredient])  # refuses what was never delivered
    if not yes and _is_possible(place, request):  # what will be refused needs no answer
        session.environment.confirm(question(request), "nothing was discarded")
    again = f"Repeat it with --id {shlex.quote(request.discard_id)}: nothing is discarded twice."
    try:
        outcome = discard_units(place, request)
    except Busy as error:
        raise StockctlError(error.message, again) from error
    if isinstance(outcome, TooFew):
        _check_is_there(place, request)
    done = _checked(request, outcome, again)
    TRANSACTIONS.add(session.target.stack, [request.discard_id])
    level = None if done.replayed else place.stock.level(request.ingredient)
    session.output.show(_listing(DiscardResult(request, done, level.quantity if level else None)))


def _is_possible(place: Tables, request: Discard) -> bool:
    from stockctl.domain.discard import TooFew, chosen

    holding = place.stock.read(request.ingredient)
    return holding is not None and not isinstance(chosen(holding, request, int(place.clock())), TooFew)


def question(request: Discard) -> str:
    """What is asked before units leave stock, which cannot be undone."""
    place = f" of {request.batch_id or request.delivery}" if request.batch_id or request.delivery else ""
    return f"Discard {units(request.units)} {request.ingredient}{place}?"


def _request(item: str, reason: str, batch: str | None, delivery: str | None, discard_id: str | None) -> Discard:
    ((ingredient, wanted),) = quantities([item]).items()
    if not 1 <= len(reason) <= MAX_REASON_LENGTH or not reason.isprintable():
        raise UsageError(f"--reason must be 1 to {MAX_REASON_LENGTH} printable characters", None)
    if not wanted:
        raise UsageError("nothing to discard", QUANTITY_HINT)
    return Discard(chosen_id(discard_id), ingredient, wanted, reason, batch, delivery)


def _checked(request: Discard, outcome: DiscardOutcome, again: str) -> Discarded:
    """The outcome, if the units were removed, now or before.

    Raises:
        Refused: there are too few units, or the id is that of another discard.
        OutcomeUnknown: there was no response.
    """
    match outcome:
        case Discarded():
            return outcome
        case TooFew():
            raise _too_few(request, outcome)
        case Reused():
            message = f"another discard has the id {request.discard_id}; nothing was discarded"
            raise Refused(message, "Give another --id, or leave it out.")
        case _:
            raise OutcomeUnknown("no response: the units may have been discarded", again)


def _check_is_there(place: Tables, request: Discard) -> None:
    """Refuses a batch or delivery that this ingredient does not have.

    Raises:
        Refused: there is no such batch or delivery.
    """
    holding = place.stock.read(request.ingredient)
    if holding is not None and not any(map(request.covers, holding.batches)):
        what = f"batch {request.batch_id}" if request.batch_id else f"delivery {request.delivery}"
        raise Refused(
            f"{request.ingredient} has no {what} in stock; nothing was discarded",
            f"`stockctl stock {shlex.quote(request.ingredient)} --batches -o tsv` lists its batches.",
        )


def _too_few(request: Discard, few: TooFew) -> Refused:
    if few.is_expired:
        return Refused(
            f"this {request.ingredient} has expired; nothing was discarded",
            "The stack writes it off within 15 minutes.",
        )
    where = request.batch_id or request.delivery
    place = f" in {where}" if where else ""
    return Refused(
        f"{units(few.available)} of {request.ingredient} available{place}, {units(request.units)} requested; "
        "nothing was discarded",
        f"`stockctl stock {shlex.quote(request.ingredient)} --batches` lists its batches.",
    )


def _listing(result: DiscardResult) -> Listing[DiscardResult]:
    removals: list[Field[Removal]] = [
        Field("batch_id", lambda one: one.batch_id, "batch", yields=1),
        Field("delivery", lambda one: one.delivery, yields=2),
        Field("best_before", lambda one: one.best_before, format=best_before, folds=False),
        Field("units", lambda one: one.units),
    ]
    fields: list[Field[DiscardResult]] = [
        Field("discard_id", lambda one: one.request.discard_id, in_table=False),
        Field("status", lambda one: "replayed" if one.outcome.replayed else "discarded", in_table=False),
        Field("ingredient", lambda one: one.request.ingredient),
        Field("quantity", lambda one: one.request.units, "discarded"),
        Field("reason", lambda one: one.request.reason),
        Field("before", lambda one: one.before),
        Field("after", lambda one: one.after, style="bold"),
    ]
    happened = "made before; nothing was discarded again" if result.outcome.replayed else "done"
    batches = counts(len(result.outcome.removals), "batch")
    total = f"discard {result.request.discard_id}: {happened}, {batches}"
    nested: Nested[DiscardResult] = Nested("batches", lambda one: one.outcome.removals, removals)
    return Listing(fields, [result], nested, total=total, is_document=True)
