"""`stockctl history`: what changed the level of an ingredient, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stockctl.cli.completion import complete_ingredients
from stockctl.cli.ingredients import known_levels, named
from stockctl.cli.moments import moment_given
from stockctl.cli.session import Session, with_session
from stockctl.domain.errors import UsageError
from stockctl.terminal.figures import best_before, change, counts, local_iso, units
from stockctl.terminal.output import Field, Listing

if TYPE_CHECKING:
    from stockctl.domain.history import ChargeEntry, Entry, LevelEntry, RecordedChange


@dataclass(frozen=True)
class Period:
    """An ingredient's entries in a period, and the level change before it (None where that is not known)."""

    ingredient: str
    opening: LevelEntry | None
    entries: list[Entry]

    @property
    def changes(self) -> list[RecordedChange]:
        """The level changes, the oldest first."""
        from stockctl.domain.history import LevelEntry, changes

        return list(changes([entry for entry in self.entries if isinstance(entry, LevelEntry)], self.opening))

    @property
    def charges(self) -> list[ChargeEntry]:
        """The charges, in the order of the units used."""
        from stockctl.domain.history import ChargeEntry

        charges = [entry for entry in self.entries if isinstance(entry, ChargeEntry)]
        return sorted(charges, key=lambda charge: charge.through)

    def equation(self) -> str:
        """The units of the period: what was there, what came and went, what is there."""
        found = self.changes
        if not found or found[0].before is None:
            return f"{self.ingredient}: " + ("no change recorded" if not found else "recorded from here on")
        first, last = found[0].before, found[-1].entry
        parts = [f"opening {units(first.quantity)}"]
        for sign, name in (("+", "received"), ("+", "returned"), ("-", "used"), ("-", "expired"), ("-", "discarded")):
            parts.append(f"{sign} {name} {units(getattr(last, name) - getattr(first, name))}")
        return f"{self.ingredient}: {' '.join(parts)} = {units(last.quantity)} on hand"


@with_session
def history(
    session: Session,
    ingredients: Annotated[
        list[str],
        typer.Argument(metavar="INGREDIENT...", help="Ingredients to show.", autocompletion=complete_ingredients),
    ],
    since: Annotated[
        str, typer.Option(metavar="TIME", help="Start of the period: 7d for seven days ago, or 2026-12-31T18:00.")
    ] = "7d",
    until: Annotated[str | None, typer.Option(metavar="TIME", help="End of the period. Default: now.")] = None,
    charges: Annotated[
        bool, typer.Option("--charges", help="List charges instead: which batch, how many units.")
    ] = False,
) -> None:
    """Show what changed the level of an ingredient: when, by how much, and why.

    A table ends with the totals of the period: opening level, received, used and so on, closing level. A change appears
    after a few seconds. --since and --until without an offset are in local time.

    Examples:
        stockctl history ham
        stockctl history ham mushroom --since 30d
        stockctl history ham --charges -o csv
    """
    wanted = named(ingredients) or []
    now = session.environment.now()
    first, last = moment_given(since, "--since", now), now if until is None else moment_given(until, "--until", now)
    if first >= last:
        raise _no_period(since, until)
    table = session.history_table
    known_levels(session, wanted)  # refuses what was never delivered
    periods = [Period(name, table.last_before(name, first), list(table.entries(name, first, last))) for name in wanted]
    session.output.show(_charge_listing(periods) if charges else _change_listing(periods))


def _no_period(since: str, until: str | None) -> UsageError:
    """The error for a period that ends before it begins; --since is 7d where it was not given."""
    if until is None:
        return UsageError(f"--since is in the future: {since}", "Name a time that has passed: 2h is two hours ago.")
    return UsageError(f"--since ({since}) is not before --until ({until})", "Set --since to an earlier time.")


def _change_listing(periods: list[Period]) -> Listing[RecordedChange]:
    fields: list[Field[RecordedChange]] = [
        Field("ingredient", lambda one: one.entry.ingredient, in_table=len(periods) > 1),
        Field("at", lambda one: one.entry.at, format=local_iso, folds=False),
        Field("cause", lambda one: one.entry.cause),
        Field("change", lambda one: one.units, shown=lambda one: "?" if one.units is None else change(one.units)),
        Field("quantity", lambda one: one.entry.quantity, "level after", style="bold"),
        Field("version", lambda one: one.entry.version, in_table=False),
        Field("missing", lambda one: one.missing, "changes missing before", in_table=False),
        *(_counter(name) for name in ("received", "used", "expired", "discarded", "returned")),
    ]
    found = [change for period in periods for change in period.changes]
    lost = sum(change.missing for change in found)
    lines = [*(period.equation() for period in periods), *([f"{counts(lost, 'change')} not recorded"] if lost else [])]
    return Listing(fields, found, total="\n".join(lines), empty="no change in this period")


def _counter(name: str) -> Field[RecordedChange]:
    return Field(name, lambda one: int(getattr(one.entry, name)), in_table=False)


def _charge_listing(periods: list[Period]) -> Listing[ChargeEntry]:
    fields: list[Field[Any]] = [
        Field("ingredient", lambda one: one.ingredient, in_table=len(periods) > 1),
        Field("at", lambda one: one.at, format=local_iso, folds=False),
        Field("batch_id", lambda one: one.batch_id, "batch", yields=1),
        Field("delivery", lambda one: one.delivery),
        Field(
            "best_before",
            lambda one: one.best_before or None,
            shown=lambda one: best_before(one.best_before) if one.best_before else "expired",
            folds=False,
        ),
        Field("units", lambda one: one.units, style="bold"),
        Field("through", lambda one: one.through, "units used until then"),
    ]
    found = [charge for period in periods for charge in period.charges]
    return Listing(fields, found, empty="no charge in this period")
