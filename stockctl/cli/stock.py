"""`stockctl stock`: what is on hand, level by level or batch by batch."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stockctl.cli.completion import complete_ingredients, remember_ingredients
from stockctl.cli.ingredients import check_known, named, stock_table
from stockctl.cli.session import Session, with_session
from stockctl.domain.instants import NEVER, iso_seconds
from stockctl.terminal.figures import best_before, counts, local, relative, units
from stockctl.terminal.output import Column, Table

if TYPE_CHECKING:
    from stockctl.domain.stock import Batch, Holding, Level


class SortBy(StrEnum):
    """What `--sort` takes."""

    NAME = "name"
    QUANTITY = "quantity"
    EXPIRY = "expiry"


@with_session
def stock(
    session: Session,
    ingredients: Annotated[
        list[str] | None,
        typer.Argument(metavar="INGREDIENT...", help="All, if none is named.", autocompletion=complete_ingredients),
    ] = None,
    batches: Annotated[bool, typer.Option("--batches", help="List the batches, soonest to expire first.")] = False,
    expiring: Annotated[
        str | None, typer.Option(metavar="DURATION", help="Only what expires within this time, as in 3d or 12h.")
    ] = None,
    low: Annotated[int | None, typer.Option(metavar="UNITS", help="Only levels below this many units.", min=0)] = None,
    below_threshold: Annotated[
        bool, typer.Option("--below-threshold", help="Only levels below their own threshold (`stockctl threshold`).")
    ] = False,
    sort: Annotated[SortBy, typer.Option(help="Order of the levels.")] = SortBy.NAME,
) -> None:
    """Show what is in stock, by ingredient or by batch.

    Levels come with what was received, used and expired, and with what expires next.

    Examples:
        stockctl stock
        stockctl stock ham --batches
        stockctl stock --expiring 3d --sort expiry
        stockctl stock --below-threshold --output json
    """
    wanted = named(ingredients or [])
    before = _horizon(session, expiring)
    table = stock_table(session)
    levels = table.levels(wanted)
    check_known(session, wanted, [level.ingredient for level in levels])
    if wanted is None:
        remember_ingredients(session.settings.stack, [level.ingredient for level in levels])
    is_empty = not levels
    levels = [level for level in levels if low is None or level.quantity < low]
    levels = [level for level in levels if level.is_low or not below_threshold]
    if batches:
        found = [batch for level in levels for batch in _batches(table.read(level.ingredient), before)]
        _show_batches(session, sorted(found, key=lambda batch: (batch.expires_at, batch.ingredient)))
    else:
        levels = [level for level in levels if before is None or (level.next_expiry or before + 1) <= before]
        _show_levels(session, _sorted(levels, sort), is_empty=is_empty)


def _horizon(session: Session, expiring: str | None) -> int | None:
    from stockctl.terminal.durations import duration_of

    if expiring is None:
        return None
    return int((session.environment.now() + duration_of(expiring, "--expiring")).timestamp())


def _batches(holding: Holding | None, before: int | None) -> list[Batch]:
    counted = holding.counted if holding else ()
    return [batch for batch in counted if before is None or batch.expires_at <= before]


def _sorted(levels: list[Level], sort: SortBy) -> list[Level]:
    if sort is SortBy.QUANTITY:
        return sorted(levels, key=lambda level: level.quantity)
    if sort is SortBy.EXPIRY:
        return sorted(levels, key=lambda level: level.next_expiry or float("inf"))
    return levels


def _show_levels(session: Session, levels: list[Level], *, is_empty: bool) -> None:
    now = session.environment.now()
    columns = [
        Column("ingredient"),
        Column("on hand", "right", "bold", field="quantity"),
        Column("received", "right", yields=3),
        Column("used", "right", yields=4),
        Column("expired", "right", yields=5),
        Column("next expiry", folds=False),
        Column("at", field=None, folds=False, yields=2),
        Column("threshold", "right", yields=1 if all(level.threshold is None for level in levels) else 0),
    ]
    document = [level_document(level) for level in levels]
    figures = [(level.quantity, level.received, level.used, level.expired) for level in levels]
    rows = [
        [level.ingredient, *map(units, numbers), *_when(level.next_expiry, now), _threshold(level)]
        for level, numbers in zip(levels, figures, strict=True)
    ]
    plain = [
        [level.ingredient, *map(str, numbers), _iso(level.next_expiry) or "", str(level.threshold or "")]
        for level, numbers in zip(levels, figures, strict=True)
    ]
    styles = ["yellow" if level.is_low or not level.quantity else "" for level in levels]
    session.output.show(document, Table(columns, rows, plain, styles=styles, total=_total(levels, now)))
    if not levels:
        nothing = "nothing to show; `stockctl ingest FILE` brings stock in"
        session.environment.tell(nothing if is_empty else "nothing to show: no level is like that")


def _total(levels: list[Level], now: datetime) -> str:
    """How many ingredients there are, and how many of them want looking after."""
    if not levels:
        return ""
    out = sum(level.quantity == 0 for level in levels)
    low = sum(level.is_low for level in levels)
    tomorrow = now.timestamp() + 86_400
    soon = sum(level.next_expiry is not None and level.next_expiry <= tomorrow for level in levels)
    counted = counts(len(levels), "ingredient")
    return f"{counted}: {units(low)} below threshold, {units(out)} out, {units(soon)} with stock expiring within a day"


def level_document(level: Level) -> dict[str, Any]:
    """A level as `--output json` prints it."""
    return {
        "ingredient": level.ingredient,
        "quantity": level.quantity,
        "received": level.received,
        "used": level.used,
        "expired": level.expired,
        "next_expiry": _iso(level.next_expiry),
        "threshold": level.threshold,
    }


def _show_batches(session: Session, batches: list[Batch]) -> None:
    now = session.environment.now()
    columns = [
        Column("ingredient"),
        Column("left", "right", "bold", field="quantity"),
        Column("of", "right", field="received", yields=3),
        Column("best before", folds=False),
        Column("expires", field="expires_at", folds=False),
        Column("at", field=None, folds=False, yields=1),
        Column("delivery", yields=2),
    ]
    rows = [
        [
            *(b.ingredient, units(b.quantity), units(b.received), best_before(b.best_before)),
            *(*_when(b.expires_at, now), b.delivery),
        ]
        for b in batches
    ]
    plain = [
        [b.ingredient, str(b.quantity), str(b.received), b.best_before, _iso(b.expires_at) or "", b.delivery]
        for b in batches
    ]
    left, kinds = sum(b.quantity for b in batches), len({b.ingredient for b in batches})
    total = f"{counts(len(batches), 'batch')} of {counts(kinds, 'ingredient')}: {units(left)} units left"
    document = [_batch_document(batch) for batch in batches]
    session.output.show(document, Table(columns, rows, plain, total=total if batches else ""))
    if not batches:
        session.environment.tell("nothing to show: no batch is like that")


def _batch_document(batch: Batch) -> dict[str, Any]:
    return {
        "ingredient": batch.ingredient,
        "batch_id": batch.batch_id,
        "delivery": batch.delivery,
        "quantity": batch.quantity,
        "received": batch.received,
        "best_before": batch.best_before,
        "expires_at": _iso(batch.expires_at),
    }


def _threshold(level: Level) -> str:
    if level.threshold is None:
        return "-"
    return f"low, {units(level.threshold)}" if level.is_low else units(level.threshold)


def _when(instant: int | None, now: datetime) -> tuple[str, str]:
    """A moment as people say it, and as clocks do."""
    if instant is None:
        return "-", ""
    if instant == NEVER:
        return "never", ""
    moment = datetime.fromtimestamp(instant, UTC)
    return relative(moment, now), local(moment)


def _iso(instant: int | None) -> str | None:
    return None if instant in {None, NEVER} else iso_seconds(instant)
