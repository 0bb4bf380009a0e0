"""`stockctl stock`: lists levels or batches."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from stockctl.cli.completion import INGREDIENTS
from stockctl.cli.ingredients import ChosenIngredients, known_levels, named
from stockctl.cli.session import Session, with_session
from stockctl.domain.errors import ExitCode, UsageError
from stockctl.domain.instants import NEVER, iso_seconds, time_zone
from stockctl.terminal.durations import end_of
from stockctl.terminal.figures import best_before, counts, is_within_a_day, local, relative, units
from stockctl.terminal.output import Field, Listing

if TYPE_CHECKING:
    from stockctl.domain.stock import Batch, Holding, Level
    from stockctl.operations.stock_table import StockTable

SortBy = Literal["name", "quantity", "expiry"]


@dataclass(frozen=True)
class _AtRisk:
    """A level, and the units of it that expire within the time asked for."""

    level: Level
    units: int


@with_session
def stock(
    session: Session,
    ingredients: ChosenIngredients = None,
    batches: Annotated[bool, typer.Option("--batches", help="List batches instead of levels.")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="With --batches: also batches that are used up, until they expire.")
    ] = False,
    expiring: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Only what expires within this time, such as 3d, 12h, today or tomorrow."),
    ] = None,
    low: Annotated[int | None, typer.Option(metavar="UNITS", help="Only levels below this many units.", min=0)] = None,
    below_threshold: Annotated[
        bool, typer.Option("--below-threshold", help="Only ingredients below their low-stock threshold.")
    ] = False,
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="Levels as they were: 2h for two hours ago, or 2026-12-31T18:00.")
    ] = None,
    sort: Annotated[
        SortBy | None, typer.Option(help="Order of the rows. Default: levels by name, batches by expiry.")
    ] = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 5 if --low, --below-threshold or --expiring finds anything.")
    ] = False,
) -> None:
    """Show what is in stock, by ingredient or by batch.

    Each level shows units on hand, received, used and expired, and the next expiry. `stockctl threshold` sets the
    thresholds. With --expiring, a level also shows the units at risk: what is left of the batches that expire in time.

    Examples:
        stockctl stock
        stockctl stock ham --batches
        stockctl stock --at 2d
        stockctl stock --expiring tomorrow --sort expiry
        stockctl stock --below-threshold --exit-code; [ $? -eq 5 ] && reorder
    """
    if exit_code and low is None and expiring is None and not below_threshold:
        raise UsageError("--exit-code needs something to look for", "Add --low, --below-threshold or --expiring.")
    _check_batches(batches, everything, low)
    wanted = named(ingredients or [])
    if at is not None:
        from stockctl.cli.stock_at import show_levels_at

        if batches or everything or expiring or below_threshold or sort or exit_code or low is not None:
            raise UsageError("--at cannot be combined with other options of stock", "Leave those out.")
        show_levels_at(session, wanted, at)
        return
    before = _horizon(session, expiring)
    table = session.stock_table
    levels = known_levels(session, wanted)
    if wanted is None:
        INGREDIENTS.replace(session.settings.stack, [level.ingredient for level in levels])
    is_empty = not levels
    levels = [level for level in levels if low is None or level.quantity < low]
    levels = [level for level in levels if level.is_low or not below_threshold]
    now = session.environment.now()
    listing: Listing[Any]
    if batches:
        holdings = (table.read(level.ingredient) for level in levels)
        found = [batch for holding in holdings for batch in _batches(holding, before, everything=everything)]
        listing = _batch_listing(_sorted_batches(found, sort), now)
    elif before is not None:
        at_risk = _at_risk(table, _sorted_levels(levels, sort), before)
        listing = _risk_listing(at_risk, before, now)
    else:
        listing = _level_listing(_sorted_levels(levels, sort), now, is_empty=is_empty)
    session.output.show(listing)
    if exit_code and listing.records:
        raise typer.Exit(ExitCode.FOUND)


def _check_batches(batches: bool, everything: bool, low: int | None) -> None:
    """Refuses options that would be ignored.

    Raises:
        UsageError: one is about levels, another about batches.
    """
    if batches and low is not None:
        raise UsageError("--low is about levels, and --batches lists batches", "Leave one of them out.")
    if everything and not batches:
        raise UsageError("--all is about batches", "Add --batches.")


def _horizon(session: Session, expiring: str | None) -> int | None:
    if expiring is None:
        return None
    now = session.environment.now()
    return int(end_of(expiring, "--expiring", now, lambda: time_zone(session.deployment.time_zone)).timestamp())


def _at_risk(table: StockTable, levels: list[Level], before: int) -> list[_AtRisk]:
    """The levels with batches that expire by then, and what is left of those."""
    soon = (level for level in levels if level.next_expiry is not None and level.next_expiry <= before)
    holdings = filter(None, (table.read(level.ingredient) for level in soon))
    found = [
        _AtRisk(holding.level, sum(batch.quantity for batch in holding.unspent if batch.expires_at <= before))
        for holding in holdings
    ]
    return [one for one in found if one.units]


def _batches(holding: Holding | None, before: int | None, *, everything: bool) -> list[Batch]:
    counted = [batch for batch in holding.counted if everything or batch.quantity] if holding else []
    return [batch for batch in counted if before is None or batch.expires_at <= before]


def _sorted_levels(levels: list[Level], sort: SortBy | None) -> list[Level]:
    if sort == "quantity":
        return sorted(levels, key=lambda level: level.quantity)
    if sort == "expiry":
        return sorted(levels, key=lambda level: level.next_expiry or float("inf"))
    return levels


def _sorted_batches(batches: list[Batch], sort: SortBy | None) -> list[Batch]:
    by_expiry = sorted(batches, key=lambda batch: (batch.expires_at, batch.ingredient))
    if sort == "quantity":
        return sorted(by_expiry, key=lambda batch: batch.quantity)
    if sort == "name":
        return sorted(by_expiry, key=lambda batch: batch.ingredient)
    return by_expiry


def _level_listing(levels: list[Level], now: datetime, *, is_empty: bool) -> Listing[Level]:
    nothing = "nothing in stock; `stockctl ingest FILE` adds a delivery" if is_empty else "no ingredient matches"
    return Listing(_level_fields(levels, now), levels, style=_style, total=_total(levels, now), empty=nothing)


def _risk_listing(found: list[_AtRisk], before: int, now: datetime) -> Listing[_AtRisk]:
    level_fields = _level_fields([one.level for one in found], now)
    fields: list[Field[_AtRisk]] = [field.of(lambda one: one.level) for field in level_fields]
    fields.insert(2, Field("at_risk", lambda one: one.units, style="bold"))
    lost = sum(one.units for one in found)
    total = f"{counts(lost, 'unit')} of {counts(len(found), 'ingredient')} at risk: they expire by {_local(before)}"
    return Listing(fields, found, style=lambda one: _style(one.level), total=total, empty="no ingredient matches")


def _level_fields(levels: list[Level], now: datetime) -> list[Field[Level]]:
    return [
        Field("ingredient", lambda level: level.ingredient),
        Field("quantity", lambda level: level.quantity, "on hand", style="bold"),
        Field("received", lambda level: level.received, yields=3),
        Field("used", lambda level: level.used, yields=4),
        Field("expired", lambda level: level.expired, yields=5),
        Field(
            "next_expiry",
            lambda level: _iso(level.next_expiry),
            shown=lambda level: _relative(NEVER if level.never_expires else level.next_expiry, now),
            folds=False,
        ),
        Field("at", lambda level: _local(level.next_expiry), folds=False, yields=1, in_tsv=False, in_json=False),
        Field(
            "threshold",
            lambda level: level.threshold,
            shown=_threshold,
            justify="right",
            yields=1 if all(level.threshold is None for level in levels) else 0,
        ),
        Field("discarded", lambda level: level.discarded, in_table=any(level.discarded for level in levels), yields=2),
        Field("returned", lambda level: level.returned, in_table=any(level.returned for level in levels), yields=2),
    ]


def _style(level: Level) -> str:
    return "yellow" if level.is_low or not level.quantity else ""


def _total(levels: list[Level], now: datetime) -> str:
    """The number of ingredients, and of those that need attention."""
    out = sum(level.quantity == 0 for level in levels)
    low = sum(level.is_low for level in levels)
    dates = (level.next_expiry for level in levels if level.next_expiry is not None and level.quantity)
    soon = sum(is_within_a_day(datetime.fromtimestamp(instant, UTC), now) for instant in dates)
    counted = counts(len(levels), "ingredient")
    return f"{counted}: {units(low)} below threshold, {units(out)} out, {units(soon)} with stock expiring within a day"


def _batch_listing(batches: list[Batch], now: datetime) -> Listing[Batch]:
    fields: list[Field[Batch]] = [
        Field("ingredient", lambda batch: batch.ingredient),
        Field("batch_id", lambda batch: batch.batch_id, in_table=False),
        Field("quantity", lambda batch: batch.quantity, "left", style="bold"),
        Field("received", lambda batch: batch.received, "of", yields=3),
        Field("best_before", lambda batch: batch.best_before, format=best_before, folds=False),
        Field(
            "expires_at",
            lambda batch: _iso(batch.expires_at),
            "expires",
            lambda batch: _relative(batch.expires_at, now),
            folds=False,
        ),
        Field("at", lambda batch: _local(batch.expires_at), folds=False, yields=1, in_tsv=False, in_json=False),
        Field("delivery", lambda batch: batch.delivery, yields=2),
    ]
    left, ingredients = sum(batch.quantity for batch in batches), len({batch.ingredient for batch in batches})
    total = f"{counts(len(batches), 'batch')} of {counts(ingredients, 'ingredient')}: {counts(left, 'unit')} left"
    return Listing(fields, batches, total=total, empty="no batch matches")


def _threshold(level: Level) -> str:
    if level.threshold is None:
        return "-"
    return f"low, {units(level.threshold)}" if level.is_low else units(level.threshold)


def _relative(instant: int | None, now: datetime) -> str:
    if instant is None:
        return "-"
    return "never" if instant == NEVER else relative(datetime.fromtimestamp(instant, UTC), now)


def _local(instant: int | None) -> str:
    return "" if instant is None or instant == NEVER else local(datetime.fromtimestamp(instant, UTC))


def _iso(instant: int | None) -> str | None:
    return None if instant is None or instant == NEVER else iso_seconds(instant)
