"""`stockctl use`: what is taken, what is refused, and what the user sees."""

from __future__ import annotations

import re

import pytest

from stockctl.domain.errors import Busy, ExitCode
from tests.cli.conftest import Stockctl
from tests.service import Service


@pytest.fixture(autouse=True)
def stock_of_ham_and_mushroom(kitchen: Service) -> None:
    kitchen.drop("monday.csv", "ham,100,2099-12-31\nham,30,2098-12-31\nmushroom,50,2099-12-31\n")


ITEM = ("ingredient", "quantity", "before", "after")
SHORTAGE = ("ingredient", "requested", "available")


def test_it_takes_ingredients_and_shows_before_and_after(stockctl: Stockctl) -> None:
    done = stockctl("use", "ham=10", "Mushroom=5")
    assert done.code == ExitCode.DONE
    assert done.columns(*ITEM) == [["ham", "10", "130", "120"], ["mushroom", "5", "50", "45"]]


@pytest.mark.parametrize("how", ["tsv", "csv", "json", "table"])
def test_the_id_is_in_the_result_so_that_a_repeat_is_safe(stockctl: Stockctl, how: str) -> None:
    named = re.search(r"[0-9a-f]{8}-[0-9a-f-]{27}", stockctl("use", "ham=10", "-o", how, "-q").out)
    assert named is not None
    again = stockctl("use", "ham=10", "--id", named[0], "-o", "json")
    assert again.code == ExitCode.DONE
    assert again.json["replayed"] is True
    assert stockctl("stock", "ham").rows[0][1] == "120"


def test_people_are_told_that_a_repeat_took_nothing(stockctl: Stockctl) -> None:
    for said in ("transaction abc: accepted\n", "transaction abc: accepted before; nothing was taken again\n"):
        assert said in stockctl("use", "ham=10", "--id", "abc", "-o", "table").out


def test_a_repeat_shows_no_levels_because_they_have_changed_since(stockctl: Stockctl) -> None:
    stockctl("use", "ham=10", "--id", "abc")
    stockctl("use", "ham=5")
    assert stockctl("use", "ham=10", "--id", "abc").columns(*ITEM) == [["ham", "10", "", ""]]


def test_a_use_that_leaves_less_than_the_threshold_says_so(stockctl: Stockctl) -> None:
    stockctl("threshold", "ham=100")
    assert "threshold" not in stockctl("use", "ham=30").err
    assert "ham is below its threshold: 99 left, threshold 100" in stockctl("use", "ham=1").err


def test_a_busy_service_leaves_the_id_to_repeat_with(stockctl: Stockctl, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object) -> None:
        raise Busy("too many concurrent uses", "Try again.")

    monkeypatch.setattr("stockctl.client.api.StockApi.use", busy)
    done = stockctl("use", "ham=10", "--id", "order 1", "-o", "json")
    assert done.code == ExitCode.FAILED
    assert (done.json["transaction_id"], done.json["status"], done.json["items"]) == ("order 1", "busy", [])
    assert "--id 'order 1'" in done.err


def test_ctrl_c_while_the_service_works_leaves_the_id_to_repeat_with(
    stockctl: Stockctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pressed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("stockctl.client.api.StockApi.use", pressed)
    done = stockctl("use", "ham=10", "--id", "abc")
    assert done.code == ExitCode.INTERRUPTED
    assert "transaction abc may have been accepted. Repeat it with --id abc" in done.err


def test_an_empty_id_is_refused_where_a_new_one_would_make_the_repeat_a_second_use(stockctl: Stockctl) -> None:
    assert stockctl("use", "ham=10", "--id", "").code == ExitCode.USAGE
    assert stockctl("stock", "ham").rows[0][1] == "130"


def test_json_is_one_document_in_the_words_of_every_command(stockctl: Stockctl) -> None:
    assert stockctl("use", "ham=10", "--id", "abc", "-o", "json").json == {
        "transaction_id": "abc",
        "status": "accepted",
        "replayed": False,
        "items": [{"ingredient": "ham", "quantity": 10, "before": 130, "after": 120}],
    }


def test_a_shortage_names_each_ingredient_with_what_was_requested_and_is_available(stockctl: Stockctl) -> None:
    done = stockctl("use", "ham=1000", "mushroom=1", "egg=2")
    assert done.code == ExitCode.REFUSED
    assert done.columns(*SHORTAGE) == [["ham", "1000", "130"], ["egg", "2", "0"]]
    assert "not enough stock: ham; no such ingredient: egg; nothing was taken" in done.err
    assert "available in full: mushroom" in done.err


def test_a_shortage_as_json_has_the_same_words(stockctl: Stockctl) -> None:
    done = stockctl("use", "ham=1000", "--id", "abc", "-o", "json")
    assert done.code == ExitCode.REFUSED
    assert (done.json["transaction_id"], done.json["status"], done.json["items"]) == ("abc", "insufficient_stock", [])
    assert done.json["shortages"] == [{"ingredient": "ham", "requested": 1000, "available": 130}]


def test_an_ingredient_that_was_never_delivered_is_no_shortage(stockctl: Stockctl) -> None:
    done = stockctl("use", "zucchini=2")
    assert done.code == ExitCode.REFUSED
    assert "error: no such ingredient: zucchini; nothing was taken" in done.err


def test_a_misspelt_ingredient_is_guessed_at(stockctl: Stockctl) -> None:
    assert "did you mean mushroom?" in stockctl("use", "mushrom=1").err


def test_a_dry_run_refuses_with_the_words_of_the_real_run(stockctl: Stockctl) -> None:
    words = ["use", "ham=500", "egg=1", "mushroom=1", "hma=10"]
    real, dry = stockctl(*words), stockctl(*words, "--dry-run")
    fault = "not enough stock: ham; no such ingredient: egg, hma; nothing was taken"
    error = f"error: {fault}\nhint:  hma: did you mean ham?"
    assert (real.code, dry.code) == (ExitCode.REFUSED, ExitCode.REFUSED)
    assert error in real.err
    assert error in dry.err
    assert "ham: requested 500, available 130" in dry.err


@pytest.mark.parametrize("word", ["ham", "ham=0", "ham=x", "ham=", "=10", "ham=-1", "ham=1.5", "ham=10000000000"])
def test_invalid_arguments_are_usage_errors_that_show_valid_ones(stockctl: Stockctl, word: str) -> None:
    done = stockctl("use", word)
    assert done.code == ExitCode.USAGE
    assert "ham=10" in done.err
    assert done.out == ""


def test_missing_arguments_are_a_usage_error(stockctl: Stockctl) -> None:
    assert stockctl("use").code == ExitCode.USAGE


def test_an_id_used_for_something_else_is_refused_with_a_hint(stockctl: Stockctl) -> None:
    stockctl("use", "ham=10", "--id", "abc")
    done = stockctl("use", "ham=11", "--id", "abc")
    assert done.code == ExitCode.REFUSED
    assert done.columns("status") == [["transaction_id_reused"]]
    assert "another --id" in done.err


def test_a_dry_run_shows_the_batches_that_would_be_charged_and_takes_nothing(stockctl: Stockctl) -> None:
    done = stockctl("use", "ham=40", "--dry-run", "-o", "json")
    assert [(charge["quantity"], charge["left"]) for charge in done.json] == [(30, 0), (10, 90)]
    assert stockctl("stock", "ham").rows[0][1] == "130"
    assert stockctl("use", "ham=400", "--dry-run").code == ExitCode.REFUSED


def test_too_many_ingredients_are_refused_before_anything_happens(stockctl: Stockctl) -> None:
    done = stockctl("use", *[f"item{number}=1" for number in range(100)])
    assert done.code == ExitCode.USAGE
    assert "at most 99" in done.err
