"""`stockctl forecast`: how long stock lasts, what will expire unused, and what to reorder."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from stockctl.cli.ingredients import ChosenIngredients, known_levels, named
from stockctl.cli.session import Session, with_session
from stockctl.domain.errors import ExitCode, UsageError
from stockctl.domain.instants import iso_seconds, time_zone
from stockctl.terminal.durations import duration_of, short
from stockctl.terminal.figures import best_before, counts, units
from stockctl.terminal.output import Field, Listing, Nested, Output, OutputFormat

if TYPE_CHECKING:
    from stockctl.domain.forecast import Forecast, UnusedStock

LEAST_DAYS = 1.0
"""What less history than this counts as (days)."""
COVER = "5d"


class FailOn(StrEnum):
    """What `--fail-on` takes; Typer knows no lists of literals."""

    WASTE = "waste"
    SHORTAGE = "shortage"


@dataclass(frozen=True)
class _Order:
    """Units to order of one ingredient."""

    ingredient: str
    units: int


@with_session
def forecast(
    session: Session,
    ingredients: ChosenIngredients = None,
    days: Annotated[
        int, typer.Option(metavar="N", help="Days to look ahead for waste and shortages.", min=1, max=365)
    ] = 7,
    history: Annotated[
        str, typer.Option(metavar="DURATION", help="Learn the pace from this much history, rounded up to whole days.")
    ] = "14d",
    reorder: Annotated[
        bool, typer.Option("--reorder", help="Print what to order instead, as CSV for `ingest` and spreadsheets.")
    ] = False,
    cover: Annotated[
        str | None,
        typer.Option(metavar="DURATION", help=f"With --reorder: have stock for this long. Default: {COVER}."),
    ] = None,
    fail_on: Annotated[
        list[FailOn] | None,
        typer.Option("--fail-on", help="Exit with 5 if this is ahead; may be repeated.", show_default=False),
    ] = None,
) -> None:
    """Forecast how long stock lasts and which units will expire unused.

    The pace is units used less units returned per day, by weekday if the history has each weekday twice. Stock is used
    soonest best-before first. Future deliveries are not counted. Ranges hold in about 80 % of cases. Less than a day of
    history counts as a day.

    --reorder lists the units that bring each ingredient to --cover, or to its threshold if that is more. Fill in
    best_before when the goods arrive: `ingest` rejects rows without it.

    Examples:
        stockctl forecast
        stockctl forecast ham mushroom --days 3
        stockctl forecast --reorder --cover 5d > order.csv
        stockctl forecast --quiet --fail-on waste --fail-on shortage
    """
    if cover is not None and not reorder:
        raise UsageError("--cover is about --reorder", "Add --reorder, or leave --cover out.")
    learned = math.ceil(duration_of(history, "--history") / timedelta(days=1))
    covered = duration_of(cover or COVER, "--cover") / timedelta(days=1)
    now = session.environment.now().astimezone(time_zone(session.deployment.time_zone))
    found = _forecasts(session, named(ingredients or []), now, learned, max(days, covered) if reorder else days)
    _warn_of_short_history(session, found)
    if reorder:
        _show_orders(session, found, now, covered)
    else:
        session.output.show(_listing(found, now, days))
    _fail(found, set(fail_on or []), now, days)


def _forecasts(session: Session, wanted: list[str] | None, now: datetime, learned: int, days: float) -> list[Forecast]:
    """The forecasts of these ingredients, the first to run out first."""
    from concurrent.futures import ThreadPoolExecutor

    from stockctl.client.daily_use import daily_use
    from stockctl.domain.forecast import Pace
    from stockctl.domain.forecast import forecast as forecast_of
    from stockctl.operations import workers

    known = [level.ingredient for level in known_levels(session, wanted)]
    figures = daily_use(session.history_table, known, now, learned)
    with ThreadPoolExecutor(workers.WORKERS) as threads:
        holdings = list(filter(None, threads.map(session.stock_table.read, known)))
    paces = {name: Pace.of(figures[name], LEAST_DAYS) for name in known}
    found = [forecast_of(holding, paces[holding.level.ingredient], now, days) for holding in holdings]
    return sorted(found, key=lambda one: (one.lasts_until.likely or math.inf, one.ingredient))


def _warn_of_short_history(session: Session, found: list[Forecast]) -> None:
    brief = [one for one in found if one.pace.is_short]
    if brief:
        names = ", ".join(f"{one.ingredient} {short(one.pace.days * 86_400)}" for one in brief[:5])
        more = f" and {len(brief) - 5} more" if len(brief) > 5 else ""
        session.environment.note(f"stockctl: fewer than two days of history, so figures are rough: {names}{more}")


def _horizon(now: datetime, days: float) -> float:
    return (now + timedelta(days=days)).timestamp()


def _fail(found: list[Forecast], fail_on: set[FailOn], now: datetime, days: int) -> None:
    horizon = _horizon(now, days)
    ahead = {
        FailOn.WASTE: any(
            stock.units.likely and stock.batch.expires_at <= horizon for one in found for stock in one.unused
        ),
        FailOn.SHORTAGE: any(one.runs_out_by(horizon) for one in found),
    }
    if any(ahead[what] for what in fail_on):
        raise typer.Exit(ExitCode.FOUND)


def _show_orders(session: Session, found: list[Forecast], now: datetime, covered: float) -> None:
    from stockctl.domain.forecast import to_order

    orders = [_Order(one.ingredient, to_order(one, now, covered)) for one in found]
    fields: list[Field[_Order]] = [
        Field("ingredient", lambda order: order.ingredient),
        Field("quantity", lambda order: order.units, style="bold"),
        Field("best_before", lambda _: None),
    ]
    listing = Listing(fields, [order for order in orders if order.units], empty="nothing to order")
    Output(session.environment, session.settings.output or OutputFormat.CSV).show(listing)


def _listing(found: list[Forecast], now: datetime, days: int) -> Listing[Forecast]:
    fields: list[Field[Forecast]] = [
        Field("ingredient", lambda one: one.ingredient),
        Field("on_hand", lambda one: one.on_hand, style="bold"),
        Field(
            "pace.likely",
            lambda one: round(one.pace.per_day.likely, 1),
            "per day",
            lambda one: _pace(one.pace.per_day.likely),
            justify="right",
        ),
        Field("pace.low", lambda one: round(one.pace.per_day.low, 1), in_table=False),
        Field("pace.high", lambda one: round(one.pace.per_day.high, 1), in_table=False),
        Field("pace.days", lambda one: round(one.pace.days, 2), in_table=False),
        Field("pace.by_weekday", lambda one: one.pace.knows_weekdays, in_table=False),
        Field(
            "lasts_until.likely",
            lambda one: _iso(one.lasts_until.likely),
            "lasts until",
            lambda one: _day(one, one.lasts_until.likely, now),
            folds=False,
        ),
        Field(
            "lasts_until.low",
            lambda one: _iso(one.lasts_until.low),
            "earliest",
            lambda one: _day(one, one.lasts_until.low, now),
            folds=False,
            yields=3,
        ),
        Field("lasts_until.high", lambda one: _iso(one.lasts_until.high), in_table=False),
    ]
    nested: Nested[Forecast] = Nested("unused", lambda one: one.unused, _unused_fields())
    horizon = _horizon(now, days)
    return Listing(
        fields,
        found,
        nested,
        style=lambda one: "yellow" if one.waste.likely or one.runs_out_by(horizon) else "",
        total=_total(found, horizon, days),
        empty="nothing in stock; `stockctl ingest FILE` adds a delivery",
    )


def _unused_fields() -> list[Field[UnusedStock]]:
    return [
        Field("batch_id", lambda stock: stock.batch.batch_id, in_table=False),
        Field("units", lambda stock: stock.units.likely, "expire\nunused", style="bold"),
        Field("units_low", lambda stock: stock.units.low, in_table=False),
        Field("units_high", lambda stock: stock.units.high, "at most", yields=2),
        Field("best_before", lambda stock: stock.batch.best_before, format=best_before, folds=False),
        Field("delivery", lambda stock: stock.batch.delivery, yields=1),
    ]


def _total(found: list[Forecast], horizon: float, days: int) -> str:
    out = sum(one.runs_out_by(horizon) for one in found)
    batches = [stock for one in found for stock in one.unused if stock.units.likely]
    lost = sum(stock.units.likely for stock in batches)
    return (
        f"within {counts(days, 'day')}, without deliveries: {out} of {counts(len(found), 'ingredient')} will run out, "
        f"{counts(lost, 'unit')} of {counts(len(batches), 'batch')} will expire unused"
    )


def _pace(rate: float) -> str:
    return units(round(rate)) if rate >= 10 or rate == round(rate) else f"{rate:.1f}"


def _day(one: Forecast, instant: float | None, now: datetime) -> str:
    """A day as people name it, where the kitchen is; midnight is the end of the day before."""
    if not one.on_hand:
        return "out"
    if instant is None:
        return "over a year" if one.pace.per_day.likely else "not used"
    moment = datetime.fromtimestamp(max(instant - 1, now.timestamp()), now.tzinfo)
    days = (moment.date() - now.date()).days
    if days > 90:
        return moment.date().isoformat()
    return ("today", "tomorrow")[days] if days < 2 else moment.strftime("%a %-d %b")


def _iso(instant: float | None) -> str | None:
    return None if instant is None else iso_seconds(int(instant))
