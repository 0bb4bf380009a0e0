"""`stockctl threshold`: sets and shows low-stock thresholds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from stockctl.cli.completion import complete_items
from stockctl.cli.ingredients import known_levels, named, quantities
from stockctl.cli.session import Session, with_writing_session
from stockctl.domain.errors import UsageError
from stockctl.terminal.output import Field, Listing

if TYPE_CHECKING:
    from stockctl.domain.stock import Level


@with_writing_session
def threshold(
    session: Session,
    thresholds: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="INGREDIENT[=UNITS]...",
            help="Set a threshold (ham=100) or show it (ham). Default: show all.",
            autocompletion=complete_items,
        ),
    ] = None,
    clear: Annotated[
        list[str] | None,
        typer.Option("--clear", metavar="INGREDIENT", help="Remove this ingredient's threshold; may be repeated."),
    ] = None,
) -> None:
    """Set or show low-stock thresholds.

    A threshold is stored with the level, so everyone sees the same one and it costs nothing to read. `stock`, `use` and
    `watch` flag ingredients below theirs.

    Examples:
        stockctl threshold ham=100 mushroom=50
        stockctl threshold ham
        stockctl threshold --clear ham
    """
    words = thresholds or []
    wanted = quantities([word for word in words if "=" in word])
    cleared = named(clear or []) or []
    asked = named([word for word in words if "=" not in word])
    if wanted.keys() & {*cleared, *(asked or [])}:
        raise UsageError("an ingredient is named twice", "Set, show or clear it.")
    table = session.stock_table
    known = [*wanted, *cleared, *(asked or [])]
    before = {level.ingredient: level.threshold for level in known_levels(session, known)}
    for ingredient, units in {**wanted, **dict.fromkeys(cleared)}.items():
        if units == before[ingredient]:
            continue  # nothing to publish
        table.set_threshold(ingredient, units, session.environment.now().timestamp())
    shown = None if asked is None else [*asked, *wanted]
    levels = [level for level in table.levels(shown) if shown or level.threshold is not None]
    session.output.show(_listing(levels))


def _listing(levels: list[Level]) -> Listing[Level]:
    fields: list[Field[Level]] = [
        Field("ingredient", lambda level: level.ingredient),
        Field("threshold", lambda level: level.threshold),
        Field("quantity", lambda level: level.quantity, "on hand", style="bold"),
        Field("low", lambda level: level.is_low, "state", lambda level: "low" if level.is_low else "ok"),
    ]
    return Listing(fields, levels, empty="no ingredient has a threshold; `stockctl threshold ham=100` sets one")
