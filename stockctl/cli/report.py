"""`stockctl report`: what came and what left in a period, and how much of it was wasted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from stockctl.cli.ingredients import ChosenIngredients, known_levels, named
from stockctl.cli.session import Session, with_session
from stockctl.domain.errors import StockctlError, UsageError
from stockctl.domain.instants import moment_of, time_zone
from stockctl.terminal.durations import duration_of
from stockctl.terminal.figures import counts, local, share, units
from stockctl.terminal.output import Field, Listing

if TYPE_CHECKING:
    from stockctl.domain.report import Account, Discards, Movement, ReportLine

ReportBy = Literal["ingredient", "supplier", "day"]


@dataclass(frozen=True)
class _Period:
    """What a report is about: the accounts of a period, and the discards in them."""

    since: datetime
    until: datetime
    accounts: list[Account]
    discards: Discards

    def lines(self, by: ReportBy) -> list[ReportLine]:
        """The lines of one kind of report. Days are those of the stack's time zone, which `until` is in."""
        from stockctl.domain.report import by_day, by_ingredient, by_supplier

        match by:
            case "ingredient":
                return by_ingredient(self.accounts, self.discards)
            case "supplier":
                return by_supplier(self.accounts, self.discards)
            case "day":
                return by_day(self.accounts, self.discards, self.since, self.until)


@with_session
def report(
    session: Session,
    ingredients: ChosenIngredients = None,
    since: Annotated[
        str, typer.Option(metavar="TIME", help="Start of the period: 30d for 30 days ago, or 2026-12-31.")
    ] = "30d",
    by: Annotated[ReportBy, typer.Option(help="What each line shows.")] = "ingredient",
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Also write a page with charts to FILE.")
    ] = None,
) -> None:
    """Report what was received, used, returned and wasted in a period.

    Waste is what expired or was discarded, as a share of all that left stock for good. Corrections of deliveries do not
    count as waste. Lines with most waste come first.

    --by supplier is about the deliveries received in the period, by the first folder of their name: what was used,
    discarded or has expired of them until now. Units that came back after a use are listed as returned.

    The HTML page works offline. Days are in the stack's time zone.

    Examples:
        stockctl report
        stockctl report --since 7d --by day
        stockctl report --by supplier -o csv
        stockctl report --html report.html
    """
    if html and not html.parent.is_dir():
        raise UsageError(f"--html: there is no folder {str(html.parent)!r}", "Create it first, or name another.")
    now = session.environment.now()
    first = _moment(since, now)
    if first >= now:
        raise UsageError("--since is not in the past", "Write 30d for 30 days ago.")
    period = _read(session, named(ingredients or []), first, now.astimezone(time_zone(session.deployment.time_zone)))
    session.output.show(_listing(period.lines(by), by, period))
    if html:
        _write(session, html, period)


def _moment(text: str, now: datetime) -> datetime:
    try:
        return moment_of(text)
    except ValueError:
        return now - duration_of(text, "--since")


def _read(session: Session, wanted: list[str] | None, since: datetime, until: datetime) -> _Period:
    from stockctl.client.accounts import accounts, discards_of

    known = [level.ingredient for level in known_levels(session, wanted)]
    place = session.tables
    found = accounts(place, session.history_table, known, since, until)
    return _Period(since.astimezone(until.tzinfo), until, found, discards_of(place, found))


def _listing(lines: list[ReportLine], by: ReportBy, period: _Period) -> Listing[ReportLine]:
    from stockctl.domain.report import total

    fields: list[Field[ReportLine]] = [
        Field(by, lambda line: line.name or None, folds=by != "day"),
        Field("received", lambda line: line.movement.received),
        Field("returned", lambda line: line.movement.returned, yields=2),
        Field("used", lambda line: line.movement.used),
        Field("expired", lambda line: line.movement.expired),
        Field("discarded", lambda line: line.movement.all_discarded),
        Field(
            "discarded_for",
            lambda line: dict(line.movement.discarded),
            "for",
            format=_by_reason,
            yields=1,
            in_table=any(line.movement.discarded for line in lines),
        ),
        Field("on_hand", lambda line: line.on_hand, yields=3, in_table=by != "day"),
        Field(
            "waste",
            lambda line: None if line.movement.waste is None else round(line.movement.waste, 4),
            shown=lambda line: share(line.movement.waste),
            justify="right",
            style="bold",
        ),
    ]
    return Listing(fields, lines, total="\n".join(_totals(total(lines), period)), empty="no change in this period")


def _by_reason(discarded: Mapping[str, int]) -> str:
    found = sorted(discarded.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{reason} {units(count)}" for reason, count in found)


def _totals(movement: Movement, period: _Period) -> list[str]:
    reasons = f" ({_by_reason(movement.discarded)})" if movement.discarded else ""
    lines = [
        f"since {local(period.since)}: {units(movement.received)} received, {units(movement.used)} used, "
        f"{units(movement.returned)} returned",
        f"waste {share(movement.waste)}: {units(movement.expired)} expired, "
        f"{units(movement.all_discarded)} discarded{reasons}",
    ]
    cut = [account.ingredient for account in period.accounts if account.is_cut]
    return [*lines, *([f"history of {counts(len(cut), 'ingredient')} begins within the period"] if cut else [])]


def _write(session: Session, file: Path, period: _Period) -> None:
    from stockctl.terminal.report_page import ReportPage, page

    content = ReportPage(
        session.settings.stack,
        period.since,
        period.until,
        period.lines("ingredient"),
        period.lines("supplier"),
        period.lines("day"),
    )
    try:
        file.write_text(page(content), encoding="utf-8")
    except OSError as error:
        raise StockctlError(f"{file} cannot be written: {error.strerror}", "Give another --html.") from error
    session.environment.note(f"stockctl: wrote {file}")
