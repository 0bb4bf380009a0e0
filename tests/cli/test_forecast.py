"""`stockctl forecast`: from a history of some days to what runs out, what expires unused, and what to order."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from stockctl.aws.retry import Patience
from stockctl.client.daily_use import daily_use
from stockctl.domain.errors import ExitCode
from stockctl.domain.history import ChargeEntry, LevelEntry
from stockctl.domain.instants import iso
from stockctl.operations.history_table import HistoryTable
from tests.cli.conftest import Stockctl
from tests.service import HISTORY, Service

MIDNIGHT = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def history_of(kitchen: Service) -> HistoryTable:
    return HistoryTable(kitchen.clients.dynamodb, HISTORY, 400, Patience())


def used(ingredient: str, *units: int, returned: int = 0) -> Iterator[LevelEntry]:
    """A use at noon of each day up to yesterday, after a delivery just before the first day; returns come yesterday."""
    opened = MIDNIGHT - timedelta(days=len(units), hours=1)
    yield LevelEntry(ingredient, iso(opened.timestamp()), 1, 9000, 9000, 0, 0, 0, 0, "delivery old.csv", "c1")
    total = 0
    for place, each in enumerate(units):
        total += each
        at = iso((opened + timedelta(days=place, hours=13)).timestamp())
        back = returned if place == len(units) - 1 else 0
        yield LevelEntry(ingredient, at, place + 2, 9000 - total, 9000, total, 0, 0, back, f"use o{place}", "c")


@pytest.fixture(autouse=True)
def two_weeks_of_ham(kitchen: Service) -> None:
    """Ten of ham a day; 25 keep for one more day, 10 for long. Of egg there is a year's."""
    soon = (MIDNIGHT + timedelta(days=1)).isoformat()
    kitchen.drop("dairy/monday.csv", f"ham,25,{soon}\nham,10,2099-12-31\negg,5000,2099-12-31\n")
    history_of(kitchen).write([*used("ham", *[10] * 14), *used("egg", *[10] * 14)])


def test_what_runs_out_first_comes_first_with_what_will_expire_unused(stockctl: Stockctl) -> None:
    ham, egg = stockctl("forecast", "-o", "json").json
    assert (ham["ingredient"], ham["on_hand"], egg["ingredient"]) == ("ham", 35, "egg")
    assert ham["pace"] == {"likely": 10.0, "low": 10.0, "high": 10.0, "days": 14.0, "by_weekday": True}
    assert ham["lasts_until"]["likely"] == ham["lasts_until"]["high"]
    (batch,) = ham["unused"]
    assert (batch["delivery"], egg["unused"]) == ("dairy/monday.csv", [])
    assert 15 <= batch["units"] <= 25


def test_people_see_days_and_a_line_of_what_is_ahead(stockctl: Stockctl) -> None:
    shown = stockctl("forecast", "-o", "table").out
    assert "1 of 2 ingredients will run out" in shown
    assert "over a year" in shown
    assert "of 1 batch will expire unused" in shown


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--fail-on", "waste"], ExitCode.FOUND),
        (["--fail-on", "shortage"], ExitCode.FOUND),
        (["egg", "--fail-on", "shortage", "--fail-on", "waste"], ExitCode.DONE),
        ([], ExitCode.DONE),
        (["--cover", "3d"], ExitCode.USAGE),
        (["--history", "two weeks"], ExitCode.USAGE),
    ],
)
def test_exit_code_5_says_that_waste_or_a_shortage_is_ahead(
    stockctl: Stockctl, words: list[str], code: ExitCode
) -> None:
    assert stockctl("forecast", *words).code == code


def test_an_order_is_csv_that_ingest_reads_once_a_best_before_is_filled_in(
    stockctl: Stockctl, kitchen: Service
) -> None:
    done = stockctl("forecast", "--reorder", "--cover", "5d")
    (row,) = csv.DictReader(io.StringIO(done.out))
    assert (list(row), row["ingredient"], row["best_before"]) == (["ingredient", "quantity", "best_before"], "ham", "")
    assert 30 <= int(row["quantity"]) <= 40
    rejected = kitchen.drop("order.csv", done.out)
    assert [one["column"] for one in rejected["rejected"]] == ["best_before"]
    filled = kitchen.drop("arrived.csv", done.out.replace(f"{row['quantity']},", f"{row['quantity']},2099-01-01"))
    assert (filled["status"], filled["recorded"][0]["quantity"]) == ("recorded", int(row["quantity"]))


def test_an_order_reaches_the_threshold_if_that_is_more(stockctl: Stockctl, kitchen: Service) -> None:
    kitchen.stock.set_threshold("egg", 6000, 0)
    assert stockctl("forecast", "egg", "--reorder").out.splitlines()[1] == "egg,1000,"


def test_less_than_two_days_of_history_is_said_and_used(stockctl: Stockctl, kitchen: Service) -> None:
    kitchen.drop("rice.csv", "rice,100,2099-12-31\n")
    kitchen.process_stream("rice")
    kitchen.post("o1", rice=10)
    kitchen.process_stream("rice")
    done = stockctl("forecast", "rice", "-o", "json")
    assert "fewer than two days of history, so figures are rough: rice" in done.err
    assert done.json[0]["pace"]["likely"] == 10  # what was used so far, as if in a day


def test_an_unknown_ingredient_is_an_error_with_a_guess(stockctl: Stockctl) -> None:
    done = stockctl("forecast", "hamm")
    assert (done.code, "did you mean ham?" in done.err) == (ExitCode.REFUSED, True)


def test_a_day_is_read_from_totals_so_charges_and_single_uses_do_not_matter(kitchen: Service) -> None:
    table = history_of(kitchen)
    noon = MIDNIGHT - timedelta(hours=12)
    table.write([ChargeEntry("ham", iso(noon.timestamp() + 60 + n), "b", "d", "", 1, n) for n in range(60)])
    found = daily_use(table, ["ham", "nobody"], MIDNIGHT + timedelta(hours=6), 3)
    assert [(figure.units, figure.part) for figure in found["ham"]] == [(10, 1), (10, 1), (10, 1), (0, 0.25)]
    assert found["nobody"] == []


def test_returned_units_were_not_used_and_days_before_the_first_entry_do_not_count(kitchen: Service) -> None:
    table = history_of(kitchen)
    table.write(list(used("basil", 8, 9, returned=4)))
    found = daily_use(table, ["basil"], MIDNIGHT, 14)["basil"]
    assert [figure.units for figure in found] == [0, 8, 5]
    assert [figure.is_whole for figure in found] == [False, True, True]


def test_history_that_begins_on_the_first_day_counts_from_there(kitchen: Service) -> None:
    table = history_of(kitchen)
    table.write(list(used("basil", 8, 9)))
    found = daily_use(table, ["basil"], MIDNIGHT, 3)["basil"]
    assert [(figure.units, figure.is_whole) for figure in found] == [(0, False), (8, True), (9, True)]


def test_stock_that_lasts_until_midnight_lasts_through_the_day_before(stockctl: Stockctl, kitchen: Service) -> None:
    kitchen.drop("rice.csv", f"rice,100,{(MIDNIGHT + timedelta(days=2)).date()}\n")
    kitchen.drop("salt.csv", f"salt,100,{MIDNIGHT.date()}\n")
    through = MIDNIGHT + timedelta(days=2)
    shown = stockctl("forecast", "rice", "-o", "table").out
    assert f"{through:%a} {through.day} {through:%b}" in shown
    assert "today" in stockctl("forecast", "salt", "-o", "table").out


def test_of_days_without_a_change_nothing_is_read(kitchen: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    table = history_of(kitchen)
    reads: list[datetime] = []
    read = table.last_before

    def counted(ingredient: str, moment: datetime) -> LevelEntry | None:
        reads.append(moment)
        return read(ingredient, moment)

    monkeypatch.setattr(table, "last_before", counted)
    quiet = daily_use(table, ["egg"], MIDNIGHT + timedelta(days=40), 30)["egg"]
    assert [figure.units for figure in quiet] == [0] * 30
    assert len(reads) == 2
    reads.clear()
    busy = daily_use(table, ["egg"], MIDNIGHT, 14)["egg"]
    assert [figure.units for figure in busy] == [10] * 14
    assert len(reads) == 16  # 15 midnights, and now
