"""`stockctl reconcile`: forces reconciliation, or says whether it is due."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from stockctl.cli.completion import complete_ingredients
from stockctl.cli.ingredients import check_known, named, stock_table
from stockctl.cli.session import Session, with_session
from stockctl.domain.errors import ExitCode
from stockctl.terminal.figures import change, counts, units
from stockctl.terminal.output import Column, Table

if TYPE_CHECKING:
    from stockctl.operations.reconcile import Reconciled
    from stockctl.operations.stock_table import StockTable


@with_session
def reconcile(
    session: Session,
    ingredients: Annotated[
        list[str] | None,
        typer.Argument(metavar="INGREDIENT...", help="All, if none is named.", autocompletion=complete_ingredients),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit code 5 where batches and level differ.")
    ] = False,
) -> None:
    """Charge usage to batches and write off what has expired, now.

    The stack does both by itself within seconds; this waits for neither, and shows what moved.

    Exit code 5 says that --check found drift.

    Examples:
        stockctl reconcile
        stockctl reconcile --check ham
    """
    wanted = named(ingredients or [])
    table = stock_table(session)
    found = [level.ingredient for level in table.levels(wanted)]
    check_known(session, wanted, found)
    results = [_drift_of(table, name) if check else _reconciled(session, table, name) for name in found]
    _show(session, results, is_all=wanted is None)
    drifting = [result for result in results if result.drift]
    if check and drifting:
        session.environment.tell(f"{len(drifting)} of {len(results)} drift; `stockctl reconcile` mends that")
        raise typer.Exit(ExitCode.DRIFT)


def _drift_of(table: StockTable, ingredient: str) -> Reconciled:
    from stockctl.operations.reconcile import Reconciled

    holding = table.read(ingredient)
    return Reconciled(ingredient, holding.drift if holding else 0)


def _reconciled(session: Session, table: StockTable, ingredient: str) -> Reconciled:
    from stockctl.operations.reconcile import reconcile as reconcile_ingredient

    return reconcile_ingredient(table, ingredient, lambda: session.environment.now().timestamp(), table.patience)


def _show(session: Session, results: list[Reconciled], *, is_all: bool) -> None:
    """Programs get every ingredient; people who named none get those where something was to be done."""
    columns = [
        Column("ingredient"),
        Column("drift", "right"),
        Column("allocated", "right"),
        Column("written off", "right"),
    ]
    document = [
        {
            "ingredient": result.ingredient,
            "drift": result.drift,
            "allocated": result.allocated,
            "written_off": result.written_off,
        }
        for result in results
    ]
    shown = [r for r in results if not is_all or r.drift or r.allocated or r.written_off]
    rows = [[r.ingredient, change(r.drift), units(r.allocated), units(r.written_off)] for r in shown]
    plain = [[r.ingredient, str(r.drift), str(r.allocated), str(r.written_off)] for r in results]
    session.output.show(document, Table(columns, rows, plain))
    if is_all and not shown:
        session.environment.tell(f"{counts(len(results), 'ingredient')}: no drift, nothing to write off")
