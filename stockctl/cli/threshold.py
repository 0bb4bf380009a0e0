"""`stockctl threshold`: the units below which an operator calls an ingredient low."""

from __future__ import annotations

from typing import Annotated

import typer

from stockctl.cli.completion import complete_items
from stockctl.cli.ingredients import check_known, named, stock_table
from stockctl.cli.session import Session, with_writing_session
from stockctl.cli.use import items_from
from stockctl.domain.errors import UsageError
from stockctl.terminal.figures import units
from stockctl.terminal.output import Column, Table


@with_writing_session
def threshold(
    session: Session,
    thresholds: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="INGREDIENT=UNITS...", help="What is low below how many units.", autocompletion=complete_items
        ),
    ] = None,
    clear: Annotated[
        list[str] | None,
        typer.Option("--clear", metavar="INGREDIENT", help="Take its threshold away; may be repeated."),
    ] = None,
) -> None:
    """Set the units below which an ingredient is low, or show them.

    A threshold is kept on the level itself, so it is the same for everyone and costs nothing to read. `stock`, `watch`
    and `stock --below-threshold` go by it.

    Examples:
        stockctl threshold ham=100 mushroom=50
        stockctl threshold --clear ham
    """
    wanted: dict[str, int | None] = {**items_from(thresholds or []), **dict.fromkeys(named(clear or []) or [], None)}
    if set(items_from(thresholds or [])) & set(named(clear or []) or []):
        raise UsageError("an ingredient is both set and cleared", "Name it once.")
    table = stock_table(session)
    check_known(session, list(wanted), [level.ingredient for level in table.levels(list(wanted))])
    for ingredient, count in wanted.items():
        table.set_threshold(ingredient, count, session.environment.now().timestamp())
    levels = [level for level in table.levels() if level.threshold is not None]
    document = [
        {
            "ingredient": level.ingredient,
            "threshold": level.threshold,
            "quantity": level.quantity,
            "low": level.is_low,
        }
        for level in levels
    ]
    figures = [(level.threshold or 0, level.quantity) for level in levels]
    rows = [
        [level.ingredient, *map(units, numbers), "low" if level.is_low else "ok"]
        for level, numbers in zip(levels, figures, strict=True)
    ]
    plain = [
        [level.ingredient, *map(str, numbers), str(level.is_low).lower()]
        for level, numbers in zip(levels, figures, strict=True)
    ]
    columns = [
        Column("ingredient"),
        Column("threshold", "right"),
        Column("on hand", "right", "bold", field="quantity"),
        Column("now", field="low"),
    ]
    session.output.show(document, Table(columns, rows, plain))
    if not levels:
        session.environment.tell("no ingredient has a threshold; `stockctl threshold ham=100` sets one")
