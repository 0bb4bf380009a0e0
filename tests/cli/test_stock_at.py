"""`stockctl stock --at`: levels as they were, and what history does not know."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from stockctl.domain.errors import ExitCode
from stockctl.functions import wiring
from tests.cli.conftest import Stockctl
from tests.service import HISTORY, Service


@pytest.fixture
def hour(kitchen: Service, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], str]:
    """Ham is received at one o'clock, and used at two and three; gives the time of any hour."""

    def at(hour: int) -> str:
        return f"2026-01-01T{hour:02}:00:00+00:00"

    steps: tuple[Callable[[], object], ...] = (
        lambda: kitchen.drop("monday.csv", "ham,100,2040-12-31\n"),
        lambda: kitchen.post("order", ham=30),
        lambda: kitchen.post("late", ham=5),
    )
    for passed, step in enumerate(steps, start=1):
        with monkeypatch.context() as clock:
            clock.setattr("time.time", datetime.fromisoformat(at(passed)).timestamp)
            wiring.recorder.cache_clear()
            wiring.tables.cache_clear()
            step()
            kitchen.process_stream("ham")
    return at


@pytest.mark.parametrize(
    ("at", "quantity", "used"), [(1, "100", "0"), (2, "70", "30"), (3, "65", "35"), (5, "65", "35")]
)
def test_levels_are_shown_as_they_were(
    stockctl: Stockctl, hour: Callable[[int], str], at: int, quantity: str, used: str
) -> None:
    done = stockctl("stock", "--at", hour(at))
    assert done.columns("ingredient", "quantity", "used", "missing") == [["ham", quantity, used, "0"]]


def test_before_the_first_delivery_there_was_nothing(stockctl: Stockctl, hour: Callable[[int], str]) -> None:
    assert stockctl("stock", "ham", "--at", hour(0)).columns("quantity", "received") == [["0", "0"]]


def test_a_time_before_history_begins_is_refused(
    stockctl: Stockctl, hour: Callable[[int], str], kitchen: Service
) -> None:
    forget(kitchen, 1)
    done = stockctl("stock", "ham", "--at", hour(1))
    assert (done.code, "history of ham begins after" in done.err) == (ExitCode.REFUSED, True)
    assert stockctl("stock", "--at", hour(1)).code == ExitCode.REFUSED


def test_what_was_not_known_yet_is_listed_only_by_name(
    stockctl: Stockctl, hour: Callable[[int], str], kitchen: Service
) -> None:
    kitchen.drop("cheese.csv", "cheese,1,2040-12-31\n")
    kitchen.process_stream("cheese")
    assert stockctl("stock", "--at", hour(1)).columns("ingredient") == [["ham"]]
    named = stockctl("stock", "ham", "cheese", "--at", hour(1)).columns("ingredient", "quantity")
    assert named == [["cheese", "0"], ["ham", "100"]]
    assert "nothing in stock then" in stockctl("stock", "--at", hour(0)).err


def test_a_gap_is_reported(stockctl: Stockctl, hour: Callable[[int], str], kitchen: Service) -> None:
    forget(kitchen, 2)
    done = stockctl("stock", "--at", hour(2))
    assert (done.columns("quantity", "missing"), "ham: 1 change not recorded" in done.err) == ([["100", "1"]], True)


def test_a_level_that_did_not_change_since_needs_no_history(
    stockctl: Stockctl, hour: Callable[[int], str], kitchen: Service
) -> None:
    for version in (1, 2, 3):
        forget(kitchen, version)
    assert stockctl("stock", "--at", hour(4)).columns("quantity") == [["65"]]
    done = stockctl("stock", "--at", hour(2))
    assert (done.code, "history has nothing of ham yet" in done.err) == (ExitCode.REFUSED, True)


@pytest.mark.parametrize("words", [["--at", "2999-01-01"], ["--at", "soon"], ["--at", "1h", "--batches"]])
def test_what_makes_no_sense_is_a_usage_error(stockctl: Stockctl, words: list[str]) -> None:
    assert stockctl("stock", *words).code == ExitCode.USAGE


def forget(kitchen: Service, version: int) -> None:
    """History loses the change of this version."""
    dynamodb = kitchen.clients.dynamodb
    for row in dynamodb.scan(TableName=HISTORY)["Items"]:
        if row.get("version", {}).get("N") == str(version):
            dynamodb.delete_item(TableName=HISTORY, Key={name: row[name] for name in ("ingredient", "entry")})
