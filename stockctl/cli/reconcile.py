"""`stockctl reconcile`: reconciles now, or reports whether it is due."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from stockctl.cli.ingredients import ChosenIngredients, known_levels, named
from stockctl.cli.session import Session, with_session
from stockctl.domain.errors import ExitCode
from stockctl.terminal.figures import change, counts
from stockctl.terminal.output import Field, Listing

if TYPE_CHECKING:
    from stockctl.operations.reconcile import Reconciled
    from stockctl.operations.stock_table import StockTable


@with_session
def reconcile(
    session: Session,
    ingredients: ChosenIngredients = None,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit with 5 if batches and level differ.")
    ] = False,
) -> None:
    """Charge usage to batches and write off expired stock, now.

    The stack charges usage within seconds and writes off expired stock within 15 minutes. This command does it now and
    shows what changed.

    Exits with 5 if --check finds drift.

    Examples:
        stockctl reconcile
        stockctl reconcile --check ham
    """
    wanted = named(ingredients or [])
    table = session.stock_table
    found = [level.ingredient for level in known_levels(session, wanted)]
    results = [_drift_of(table, name) if check else _reconciled(session, table, name) for name in found]
    session.output.show(_listing(results, is_all=wanted is None))
    drifting = [result for result in results if result.drift]
    if check and drifting:
        session.environment.note(
            f"{len(drifting)} of {counts(len(results), 'ingredient')} with drift; `stockctl reconcile` fixes it"
        )
        raise typer.Exit(ExitCode.FOUND)


def _drift_of(table: StockTable, ingredient: str) -> Reconciled:
    from stockctl.operations.reconcile import Reconciled

    holding = table.read(ingredient)
    return Reconciled(ingredient, holding.drift if holding else 0)


def _reconciled(session: Session, table: StockTable, ingredient: str) -> Reconciled:
    from stockctl.operations.reconcile import reconcile as reconcile_ingredient

    return reconcile_ingredient(table, ingredient, lambda: session.environment.now().timestamp(), table.patience)


def _listing(results: list[Reconciled], *, is_all: bool) -> Listing[Reconciled]:
    """Programs get every ingredient. People who named none get those that needed work."""
    fields: list[Field[Reconciled]] = [
        Field("ingredient", lambda result: result.ingredient),
        Field("drift", lambda result: result.drift, format=change),
        Field("allocated", lambda result: result.allocated),
        Field("written_off", lambda result: result.written_off),
    ]
    nothing = f"{counts(len(results), 'ingredient')}: no drift, nothing to write off"
    return Listing(fields, results, for_people=_has_changed if is_all else None, empty=nothing if is_all else "")


def _has_changed(result: Reconciled) -> bool:
    return bool(result.drift or result.allocated or result.written_off)
