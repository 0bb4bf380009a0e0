"""`stockctl discard`: what leaves stock, what is refused, and that a repeat changes nothing."""

from __future__ import annotations

import pytest

from stockctl.domain.errors import ExitCode
from tests.cli.conftest import Stockctl, at_a_terminal
from tests.service import Service


@pytest.fixture(autouse=True)
def stock_of_ham(kitchen: Service) -> None:
    kitchen.drop("monday.csv", "ham,100,2099-12-31\n")
    kitchen.drop("tuesday.csv", "ham,30,2098-12-31\n")


def test_it_takes_units_out_of_the_batch_that_expires_soonest(stockctl: Stockctl, kitchen: Service) -> None:
    done = stockctl("discard", "ham=40", "--reason", "dropped", "-o", "json")
    assert done.code == ExitCode.DONE
    assert (done.json["before"], done.json["after"], done.json["reason"]) == (130, 90, "dropped")
    batches = [(one["delivery"], one["units"]) for one in done.json["batches"]]
    assert batches == [("tuesday.csv", 30), ("monday.csv", 10)]
    level = kitchen.stock.level("ham")
    assert level is not None
    assert (level.discarded, level.adds_up, level.cause) == (40, True, f"discard {done.json['discard_id']}")


def test_usage_that_waits_is_charged_first(stockctl: Stockctl, kitchen: Service) -> None:
    kitchen.post("1", ham=30)
    done = stockctl("discard", "ham=5")
    assert done.columns("delivery", "units") == [["monday.csv", "5"]]


def test_a_delivery_is_named_by_its_file(stockctl: Stockctl, kitchen: Service) -> None:
    kitchen.drop("friday-0123456789ab.csv", "ham,50,2097-12-31\n")
    assert stockctl("discard", "ham=20", "--delivery", "friday.csv").columns("delivery") == [
        ["friday-0123456789ab.csv"]
    ]


def test_it_takes_only_from_the_delivery_that_is_named(stockctl: Stockctl) -> None:
    assert stockctl("discard", "ham=10", "--delivery", "monday.csv").columns("delivery") == [["monday.csv"]]
    refused = stockctl("discard", "ham=31", "--delivery", "tuesday.csv")
    assert refused.code == ExitCode.REFUSED
    assert "30 of ham available in tuesday.csv, 31 requested; nothing was discarded" in refused.err


@pytest.mark.parametrize("words", [["--batch", "nope"], ["--delivery", "good.csv"]])
def test_an_unknown_batch_or_delivery_is_named(stockctl: Stockctl, words: list[str]) -> None:
    done = stockctl("discard", "ham=3", *words)
    assert done.code == ExitCode.REFUSED
    assert f"ham has no {words[0][2:]} {words[1]} in stock; nothing was discarded" in done.err


def test_a_repeat_changes_nothing(stockctl: Stockctl) -> None:
    for status, after in (("discarded", "120"), ("replayed", "")):
        assert stockctl("discard", "ham=10", "--id", "abc").columns("status", "after") == [[status, after]]
    assert stockctl("stock", "ham").columns("quantity") == [["120"]]
    assert stockctl("discard", "ham=11", "--id", "abc").code == ExitCode.REFUSED


@pytest.mark.parametrize("words", [["ham=0"], ["ham=-1"], ["ham"], ["ham=1", "--reason", ""], ["ham=1", "--id", ""]])
def test_what_makes_no_sense_is_a_usage_error(stockctl: Stockctl, words: list[str]) -> None:
    assert stockctl("discard", *words).code == ExitCode.USAGE


def test_an_ingredient_that_was_never_delivered_is_named(stockctl: Stockctl) -> None:
    done = stockctl("discard", "hma=1")
    assert (done.code, "no such ingredient: hma" in done.err) == (ExitCode.REFUSED, True)


def test_batches_that_are_used_up_are_listed_with_all_only(stockctl: Stockctl) -> None:
    stockctl("discard", "ham=30")
    assert stockctl("stock", "--batches").columns("delivery", "quantity") == [["monday.csv", "100"]]
    assert [row[0] for row in stockctl("stock", "--batches", "--all").columns("quantity")] == ["0", "100"]


def test_the_next_expiry_is_that_of_the_next_batch_once_one_is_used_up(stockctl: Stockctl, kitchen: Service) -> None:
    kitchen.post("1", ham=30)
    kitchen.process_stream("ham")
    assert stockctl("stock", "ham", "-o", "json").json[0]["next_expiry"] == "2100-01-01T00:00:00Z"


def test_nothing_is_asked_about_units_that_are_not_there() -> None:
    """A terminal gets the refusal at once."""
    refused = at_a_terminal("y\n", "discard", "ham=100000")
    assert refused.code == ExitCode.REFUSED
    assert "[y/N]" not in refused.err
