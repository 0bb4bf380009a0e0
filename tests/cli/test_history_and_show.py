"""`stockctl history` and `stockctl show`: why a level is what it is, and which batches an order was served from."""

from __future__ import annotations

import json

import pytest

from stockctl.domain.errors import ExitCode
from stockctl.functions import post_transactions
from tests.cli.conftest import Stockctl
from tests.service import HISTORY, Service


@pytest.fixture(autouse=True)
def stock_of_ham(kitchen: Service) -> None:
    for key, units, year in (("monday.csv", 5, 2097), ("tuesday.csv", 6, 2098), ("wednesday.csv", 100, 2099)):
        kitchen.drop(key, f"ham,{units},{year}-12-31\n")
        kitchen.process_stream("ham")


def test_a_use_across_three_batches_names_the_units_of_each(stockctl: Stockctl, kitchen: Service) -> None:
    kitchen.post("first", ham=3)
    kitchen.process_stream("ham")
    kitchen.post("second", ham=12)
    kitchen.process_stream("ham")
    served = stockctl("show", "second").columns("delivery", "units", "status")
    assert served == [
        ["monday.csv", "2", "charged"],
        ["tuesday.csv", "6", "charged"],
        ["wednesday.csv", "4", "charged"],
    ]
    assert stockctl("show", "first").columns("delivery", "units") == [["monday.csv", "3"]]


def test_members_of_one_group_commit_have_units_of_their_own(stockctl: Stockctl, kitchen: Service) -> None:
    orders = [{"transactionId": f"o{n}", "items": [{"typeId": "ham", "quantity": 4}]} for n in range(3)]
    post_transactions.handler({"body": json.dumps({"transactions": orders})}, None)
    kitchen.process_stream("ham")
    served = [stockctl("show", f"o{n}").columns("delivery", "units") for n in range(3)]
    parts = sorted((delivery, int(units)) for order in served for delivery, units in order)
    assert parts == [("monday.csv", 1), ("monday.csv", 4), ("tuesday.csv", 3), ("tuesday.csv", 3), ("wednesday.csv", 1)]
    assert all(sum(int(units) for _, units in order) == 4 for order in served)


def test_units_that_are_not_charged_yet_are_said_to_be(stockctl: Stockctl, kitchen: Service) -> None:
    kitchen.post("order", ham=3)
    assert stockctl("show", "order").columns("status") == [["not in history"]]
    kitchen.process_stream("ham")
    assert stockctl("show", "order").columns("status") == [["charged"]]


def test_a_discard_is_shown_with_its_reason_and_batches(stockctl: Stockctl) -> None:
    stockctl("discard", "ham=6", "--reason", "dropped", "--id", "d1")
    shown = stockctl("show", "d1", "-o", "json").json
    assert (shown["kind"], shown["reason"]) == ("discard", "dropped")
    assert [(one["delivery"], one["units"]) for one in shown["batches"]] == [("monday.csv", 5), ("tuesday.csv", 1)]


def test_an_id_that_nobody_knows_is_refused(stockctl: Stockctl) -> None:
    done = stockctl("show", "nobody")
    assert (done.code, "no such transaction, return, discard, count or delivery: nobody" in done.err) == (
        ExitCode.REFUSED,
        True,
    )


def test_each_change_is_listed_with_its_cause_and_the_units_add_up(stockctl: Stockctl, kitchen: Service) -> None:
    kitchen.post("order", ham=3)
    kitchen.process_stream("ham")
    stockctl("discard", "ham=2", "--id", "d1")
    kitchen.process_stream("ham")
    done = stockctl("history", "ham")
    assert done.columns("cause", "change", "quantity")[-2:] == [["use order", "-3", "108"], ["discard d1", "-2", "106"]]
    people = stockctl("history", "ham", "-o", "table").out
    assert "opening 0 + received 111 + returned 0 - used 3 - expired 0 - discarded 2 = 106 on hand" in people


def test_charges_are_listed_in_the_order_of_the_units_used(stockctl: Stockctl, kitchen: Service) -> None:
    kitchen.post("order", ham=7)
    kitchen.process_stream("ham")
    charges = stockctl("history", "ham", "--charges").columns("delivery", "units", "through")
    assert charges == [["monday.csv", "5", "5"], ["tuesday.csv", "2", "7"]]


def test_a_gap_is_shown_as_a_gap(stockctl: Stockctl, kitchen: Service) -> None:
    kitchen.post("lost", ham=3)
    kitchen.post("order", ham=2)
    kitchen.process_stream("ham")
    assert stockctl("history", "ham").columns("cause", "change", "missing")[-1] == ["use order", "-5", "1"]


def test_a_period_that_is_none_is_a_usage_error(stockctl: Stockctl) -> None:
    assert stockctl("history", "ham", "--since", "1d", "--until", "2d").code == ExitCode.USAGE
    assert stockctl("history", "ham", "--since", "yesterday").code == ExitCode.USAGE


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--until", "2020-01-01"], "--since (7d) is not before --until (2020-01-01)"),
        (["--since", "2999-12-31"], "--since is in the future: 2999-12-31"),
        (["--since", "yesterday"], "Write a time like 2026-12-31"),
    ],
)
def test_errors_about_a_period_name_what_was_given(stockctl: Stockctl, words: list[str], said: str) -> None:
    assert said in " ".join(stockctl("history", "ham", *words).err.split())


def test_history_has_a_table_of_its_own(kitchen: Service) -> None:
    assert kitchen.clients.dynamodb.scan(TableName=HISTORY)["Count"] == 3
