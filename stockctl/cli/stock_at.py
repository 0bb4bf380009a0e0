"""`stockctl stock --at TIME`: levels as they were."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from stockctl.cli.ingredients import known_levels
from stockctl.cli.moments import past_moment
from stockctl.domain.errors import Refused
from stockctl.operations.levels_at import LevelAt, levels_at
from stockctl.terminal.figures import counts, local, local_iso, units
from stockctl.terminal.output import Field, Listing

if TYPE_CHECKING:
    from stockctl.cli.session import Session


def show_levels_at(session: Session, wanted: list[str] | None, at: str) -> None:
    """Shows the levels of these ingredients, or of all, as they were.

    Raises:
        Refused: history begins later.
    """
    moment = past_moment(at, "--at", session.environment.now())
    history = session.history_table
    levels = known_levels(session, wanted)
    found = [one for one in levels_at(history, levels, moment) if wanted or not one.was_never_stocked]
    unknown = [one for one in found if one.quantity is None]
    if unknown and (wanted or len(unknown) == len(found)):
        raise before_history(unknown, moment)
    session.output.show(_listing(found, moment))
    if unknown:
        session.environment.note(f"note: {before_history(unknown, moment).message}")
    for one in found:
        if one.missing:
            session.environment.note(f"note: {one.ingredient}: {counts(one.missing, 'change')} not recorded about then")


def before_history(unknown: list[LevelAt], moment: datetime) -> Refused:
    """The error for a moment that history does not reach."""
    begins = [datetime.fromisoformat(one.begins) for one in unknown if one.begins]
    names = ", ".join(one.ingredient for one in unknown[:3]) + (", ..." if len(unknown) > 3 else "")
    if not begins:
        return Refused(f"history has nothing of {names} yet", "A change appears after a few seconds.")
    return Refused(
        f"history of {names} begins after {local(moment)}",
        f"The first time that it knows is {local(max(begins))}.",
    )


def _listing(found: list[LevelAt], moment: datetime) -> Listing[LevelAt]:
    def of(name: str) -> Any:  # noqa: ANN401 - a counter, or None
        return lambda one: getattr(one.entry, name) if one.entry else (0 if one.quantity == 0 else None)

    fields: list[Field[LevelAt]] = [
        Field("ingredient", lambda one: one.ingredient),
        Field(
            "quantity",
            lambda one: one.quantity,
            "on hand",
            shown=lambda one: "?" if one.quantity is None else units(one.quantity),
            justify="right",
            style="bold",
        ),
        Field("received", of("received"), yields=3),
        Field("returned", of("returned"), yields=1),
        Field("used", of("used")),
        Field("expired", of("expired"), yields=4),
        Field("discarded", of("discarded"), yields=5),
        Field(
            "changed_at",
            lambda one: one.entry.at if one.entry else None,
            "last change",
            format=local_iso,
            folds=False,
            yields=2,
        ),
        Field("missing", lambda one: one.missing, in_table=False),
    ]
    known = sum(one.quantity for one in found if one.quantity is not None)
    total = f"{counts(len(found), 'ingredient')} at {local(moment)}: {counts(known, 'unit')}"
    return Listing(fields, found, total=total, empty="nothing in stock then")
