"""`stockctl use`: what is taken, what is refused, and what the user is told."""

from __future__ import annotations

import pytest

from stockctl.domain.errors import ExitCode
from tests.cli.conftest import Stockctl
from tests.service import Service


@pytest.fixture(autouse=True)
def stock_of_ham_and_mushroom(kitchen: Service) -> None:
    kitchen.drop("monday.csv", "ham,100,2099-12-31\nham,30,2098-12-31\nmushroom,50,2099-12-31\n")


def test_it_takes_ingredients_and_shows_before_and_after(stockctl: Stockctl) -> None:
    done = stockctl("use", "ham=10", "Mushroom=5")
    assert done.code == ExitCode.DONE
    assert done.rows == [["ham", "10", "130", "120"], ["mushroom", "5", "50", "45"]]


def test_the_id_is_always_told_so_that_a_repeat_is_safe(stockctl: Stockctl) -> None:
    told = stockctl("use", "ham=10").err
    name = told.split("transaction ")[1].split(";")[0]
    again = stockctl("use", "ham=10", "--id", name)
    assert again.code == ExitCode.DONE
    assert "accepted before" in again.err
    assert stockctl("stock", "ham").rows[0][1] == "120"


def test_of_a_repeat_only_the_level_now_is_shown(stockctl: Stockctl) -> None:
    stockctl("use", "ham=10", "--id", "abc")
    stockctl("use", "ham=5")
    assert stockctl("use", "ham=10", "--id", "abc").rows == [["ham", "10", "", "115"]]


def test_an_empty_id_is_refused_where_a_new_one_would_make_the_repeat_a_second_use(stockctl: Stockctl) -> None:
    assert stockctl("use", "ham=10", "--id", "").code == ExitCode.USAGE
    assert stockctl("stock", "ham").rows[0][1] == "130"


def test_json_is_the_apis_own_answer(stockctl: Stockctl) -> None:
    assert stockctl("use", "ham=10", "--id", "abc", "-o", "json").json == {
        "transactionId": "abc",
        "status": "accepted",
        "items": [{"typeId": "ham", "quantity": 10}],
        "replayed": False,
    }


def test_a_shortage_names_each_ingredient_with_what_was_asked_and_what_there_is(stockctl: Stockctl) -> None:
    done = stockctl("use", "ham=1000", "mushroom=1", "egg=2")
    assert done.code == ExitCode.REFUSED
    assert done.rows == [["ham", "1000", "130", "870"], ["egg", "2", "0", "2"]]
    assert "nothing was taken" in done.err
    assert "enough of: mushroom" in done.err


def test_a_shortage_as_json_is_the_apis_answer_too(stockctl: Stockctl) -> None:
    done = stockctl("use", "ham=1000", "-o", "json")
    assert (done.code, done.json["code"]) == (ExitCode.REFUSED, "insufficient_stock")


def test_a_misspelt_ingredient_is_guessed_at(stockctl: Stockctl) -> None:
    assert "did you mean mushroom?" in stockctl("use", "mushrom=1").err


@pytest.mark.parametrize("word", ["ham", "ham=0", "ham=x", "ham=", "=10", "ham=-1", "ham=1.5", "ham=10000000000"])
def test_bad_words_are_usage_errors_that_show_what_is_right(stockctl: Stockctl, word: str) -> None:
    done = stockctl("use", word)
    assert done.code == ExitCode.USAGE
    assert "ham=10" in done.err
    assert done.out == ""


def test_no_words_at_all_are_a_usage_error(stockctl: Stockctl) -> None:
    assert stockctl("use").code == ExitCode.USAGE


def test_an_id_used_for_something_else_is_refused_with_the_mend(stockctl: Stockctl) -> None:
    stockctl("use", "ham=10", "--id", "abc")
    done = stockctl("use", "ham=11", "--id", "abc")
    assert done.code == ExitCode.FAILED
    assert "another --id" in done.err


def test_a_dry_run_shows_the_batches_that_would_be_charged_and_takes_nothing(stockctl: Stockctl) -> None:
    done = stockctl("use", "ham=40", "--dry-run", "-o", "json")
    assert [(charge["units"], charge["left"]) for charge in done.json] == [(30, 0), (10, 90)]
    assert stockctl("stock", "ham").rows[0][1] == "130"
    assert stockctl("use", "ham=400", "--dry-run").code == ExitCode.REFUSED


def test_too_many_ingredients_are_refused_before_anything_happens(stockctl: Stockctl) -> None:
    done = stockctl("use", *[f"item{number}=1" for number in range(100)])
    assert done.code == ExitCode.USAGE
    assert "at most 99" in done.err
