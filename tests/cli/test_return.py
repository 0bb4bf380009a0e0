"""`stockctl return`: what comes back, what is refused, and that a repeat changes nothing."""

from __future__ import annotations

import pytest

from stockctl.cli.return_ import question
from stockctl.domain.errors import ExitCode
from stockctl.domain.returns import Return
from tests.cli.conftest import Stockctl, at_a_terminal
from tests.service import Service


@pytest.fixture(autouse=True)
def an_order_of_ham(kitchen: Service, stockctl: Stockctl) -> None:
    """Order-1 took 40: 30 that expire sooner, and 10."""
    kitchen.drop("monday.csv", "ham,100,2099-12-31\nham,30,2098-12-31\n")
    assert stockctl("use", "ham=40", "--id", "order-1").code == ExitCode.DONE
    kitchen.process_stream("ham")


def test_an_order_comes_back_whole(stockctl: Stockctl, kitchen: Service) -> None:
    done = stockctl("return", "order-1", "--id", "cancel-1", "-o", "json")
    assert done.code == ExitCode.DONE
    assert (done.json["return_id"], done.json["transaction_id"]) == ("cancel-1", "order-1")
    assert (done.json["returned"], done.json["expired"]) == (40, 0)
    assert [(one["best_before"], one["units"]) for one in done.json["batches"]] == [
        ("2098-12-31", 30),
        ("2099-12-31", 10),
    ]
    level = kitchen.stock.level("ham")
    assert level is not None
    assert (level.quantity, level.returned, level.cause) == (130, 40, "return cancel-1")


def test_a_part_comes_back_and_the_rest_later(stockctl: Stockctl) -> None:
    assert stockctl("return", "order-1", "ham=25").columns("units", "status") == [["25", "returned"]]
    assert stockctl("return", "order-1").columns("units") == [["5"], ["10"]]
    refused = stockctl("return", "order-1")
    assert refused.code == ExitCode.REFUSED
    assert "all 40 of ham were in earlier returns; nothing was returned" in refused.err


def test_a_repeat_changes_nothing(stockctl: Stockctl, kitchen: Service) -> None:
    for status in ("returned", "replayed"):
        done = stockctl("return", "order-1", "ham=4", "--id", "abc", "-o", "json")
        assert (done.code, done.json["status"]) == (ExitCode.DONE, status)
    assert stockctl("return", "order-1", "ham=5", "--id", "abc").code == ExitCode.REFUSED
    level = kitchen.stock.level("ham")
    assert level is not None
    assert level.returned == 4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["order-2"], "no such transaction: order-2"),
        (["ordr-1"], "Did you mean order-1?"),
        (["order-1", "ham=41"], "41 of ham are too many: 40 taken; nothing was returned"),
        (["order-1", "basil=1"], "basil is not in this transaction; nothing was returned"),
    ],
)
def test_what_was_not_taken_is_refused(stockctl: Stockctl, words: list[str], said: str) -> None:
    done = stockctl("return", *words)
    assert (done.code, said in done.err) == (ExitCode.REFUSED, True), done.err


def test_the_id_of_a_return_is_not_offered_as_the_transaction_it_may_have_meant(stockctl: Stockctl) -> None:
    stockctl("return", "order-1", "ham=1", "--id", "back-1")
    done = stockctl("return", "back-1")
    assert done.code == ExitCode.REFUSED
    assert "back-1 is not a transaction" in done.err
    assert "`stockctl show back-1` shows what it is" in done.err
    assert "Did you mean" not in done.err


def test_show_lists_what_was_returned_of_a_transaction(stockctl: Stockctl) -> None:
    assert stockctl("show", "order-1", "-o", "json").json["returned"] == {}
    stockctl("return", "order-1", "ham=7")
    assert stockctl("show", "order-1", "-o", "json").json["returned"] == {"ham": 7}
    assert (
        "in returns so far, those that had expired included: 7 of ham" in stockctl("show", "order-1", "-o", "table").out
    )


def test_show_lists_both_when_a_transaction_has_the_id_of_a_return(stockctl: Stockctl) -> None:
    stockctl("return", "order-1", "ham=7", "--id", "both")
    stockctl("use", "ham=1", "--id", "both")
    shown = stockctl("show", "both", "-o", "json").json
    assert [one["kind"] for one in shown] == ["transaction", "return"]
    table = stockctl("show", "both", "-o", "table").out
    assert "transaction" in table
    assert "of order-1" in table


@pytest.mark.parametrize("words", [["ham=0"], ["ham=-1"], ["ham"], ["ham=1", "--id", ""]])
def test_what_makes_no_sense_is_a_usage_error(stockctl: Stockctl, words: list[str]) -> None:
    assert stockctl("return", "order-1", *words).code == ExitCode.USAGE


def test_show_names_the_batches_of_a_return(stockctl: Stockctl) -> None:
    stockctl("return", "order-1", "ham=31", "--id", "cancel-1")
    shown = stockctl("show", "cancel-1", "-o", "json").json
    assert (shown["kind"], shown["reason"]) == ("return", "of order-1")
    assert [(one["batch_id"], one["units"], one["status"]) for one in shown["batches"]] == [
        ("return/cancel-1@2098-12-31", 30, "returned"),
        ("return/cancel-1@2099-12-31", 1, "returned"),
    ]


def test_history_has_the_return_with_its_cause(stockctl: Stockctl, kitchen: Service) -> None:
    stockctl("return", "order-1", "--id", "cancel-1")
    kitchen.process_stream("ham")
    assert stockctl("history", "ham").columns("cause", "change")[-1] == ["return cancel-1", "40"]


def test_no_column_of_tsv_is_there_twice(stockctl: Stockctl) -> None:
    header = stockctl("return", "order-1", "-o", "tsv").out.splitlines()[0].split("\t")
    assert len(header) == len(set(header))


def test_the_question_names_what_comes_back() -> None:
    left = {"ham": 7, "egg": 1000, "basil": 0}
    assert question(Return("r", "order-1", {"ham": 5}), left) == "Bring 5 ham of order-1 back into stock?"
    assert question(Return("r", "order-1", {}), left) == "Bring 7 ham, 1,000 egg of order-1 back into stock?"
    assert question(Return("r", "order-1", {}), {}) == "Bring everything of order-1 back into stock?"


def test_on_a_terminal_it_asks_for_what_has_not_come_back() -> None:
    done = at_a_terminal("n\n", "return", "order-1")
    assert done.code == ExitCode.FAILED
    target, question = done.err.splitlines()[:2]
    assert target.startswith("stockctl")
    assert "40 ham" in question


def test_units_of_a_recalled_delivery_come_back_with_a_warning(stockctl: Stockctl, kitchen: Service) -> None:
    """They are in stock, and a repeated recall takes them out. The warning is printed with --quiet too."""
    assert stockctl("recall", "monday.csv", "--yes").code == ExitCode.DONE
    done = stockctl("return", "order-1", "ham=5", "-q")
    assert done.code == ExitCode.DONE
    assert "warning: units of monday.csv came back; it was recalled at" in done.err
    assert "`stockctl recall monday.csv` takes them out of stock." in done.err
    again = stockctl("recall", "monday.csv", "--yes", "-o", "json")
    assert (again.code, again.json["discarded"]) == (ExitCode.DONE, 5)
    level = kitchen.stock.level("ham")
    assert level is not None
    assert (level.quantity, level.adds_up) == (0, True)


def test_nothing_is_asked_about_units_that_cannot_come_back() -> None:
    """A terminal gets the refusal at once."""
    for words in (["order-1", "ham=41"], ["order-2"]):
        refused = at_a_terminal("y\n", "return", *words)
        assert refused.code == ExitCode.REFUSED
        assert "[y/N]" not in refused.err
