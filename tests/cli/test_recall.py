"""`stockctl recall`: what is taken out of stock, which transactions are listed, and what is refused."""

from __future__ import annotations

import json
import time

import pytest

from stockctl.domain.errors import ExitCode
from stockctl.functions import post_transactions
from stockctl.operations.reconcile import reconcile
from tests.cli.conftest import Stockctl
from tests.service import Service


@pytest.fixture(autouse=True)
def three_deliveries(kitchen: Service) -> None:
    kitchen.drop("monday.csv", "ham,30,2097-12-31\nbasil,5,never\n")
    kitchen.drop("tuesday.csv", "ham,20,2098-12-31\n")
    kitchen.drop("wednesday.csv", "ham,100,2099-12-31\nbasil,5,never\n")


def use(kitchen: Service, name: str, **items: int) -> None:
    assert kitchen.post(name, **items)[0] == 201
    kitchen.process_stream(*items)


def use_as_group(kitchen: Service, **units: int) -> None:
    """Uses of ham in one group commit."""
    orders = [{"transactionId": name, "items": [{"typeId": "ham", "quantity": count}]} for name, count in units.items()]
    answer = post_transactions.handler({"body": json.dumps({"transactions": orders})}, None)
    assert {one["statusCode"] for one in json.loads(answer["body"])["answers"]} == {201}
    kitchen.process_stream("ham")


def served(stockctl: Stockctl, delivery: str, *options: str) -> list[tuple[str, str, int]]:
    done = stockctl("recall", delivery, *options, "-o", "json")
    assert done.code == ExitCode.DONE, done.err
    assert done.json["untraced"] == 0
    return [(one["transaction_id"], one["ingredient"], one["units"]) for one in done.json["transactions"]]


def test_it_lists_exactly_the_transactions_that_were_served(stockctl: Stockctl, kitchen: Service) -> None:
    """Members of one group, and a use across three batches, each with its units of the delivery."""
    use(kitchen, "first", ham=5, basil=2)
    use_as_group(kitchen, a=10, b=10, c=10)
    use(kitchen, "across", ham=40)
    use(kitchen, "none", ham=1)
    assert served(stockctl, "tuesday.csv", "--dry-run") == [("c", "ham", 5), ("across", "ham", 15)]
    assert served(stockctl, "monday.csv", "--dry-run") == [
        ("first", "basil", 2),
        ("first", "ham", 5),
        ("a", "ham", 10),
        ("b", "ham", 10),
        ("c", "ham", 5),
    ]


def test_it_takes_out_what_is_left_and_says_so_when_it_comes_again(stockctl: Stockctl, kitchen: Service) -> None:
    use(kitchen, "first", ham=10)
    done = stockctl("recall", "monday.csv", "--yes", "-o", "json")
    assert (done.code, done.json["discarded"], done.json["recalled_at"]) == (ExitCode.DONE, 25, None)
    assert [(one["ingredient"], one["units"]) for one in done.json["batches"]] == [("basil", 5), ("ham", 20)]
    levels = {level.ingredient: (level.quantity, level.discarded, level.adds_up) for level in kitchen.stock.levels()}
    assert levels == {"ham": (120, 20, True), "basil": (5, 5, True)}
    again = stockctl("recall", "monday.csv", "--yes")
    assert again.code == ExitCode.REFUSED
    assert "monday.csv was recalled before" in again.err
    assert served(stockctl, "monday.csv", "--dry-run") == [("first", "ham", 10)]
    assert stockctl("recall", "monday.csv", "--dry-run", "-o", "json").json["recalled_at"] is not None
    portions = stockctl("show", "monday.csv", "-o", "json").json["batches"]
    assert [one["status"] for one in portions] == ["used, rest discarded", "discarded"]


def test_the_name_of_a_file_leads_to_its_deliveries(stockctl: Stockctl, kitchen: Service) -> None:
    kitchen.drop("thursday-0f1e2d3c4b5a.csv", "ham,1,2097-12-31\n")
    done = stockctl("recall", "thursday.csv", "--yes")
    assert (done.code, "Did you mean thursday-0f1e2d3c4b5a.csv" in done.err) == (ExitCode.REFUSED, True)


def test_what_was_returned_of_the_delivery_is_taken_out_too(stockctl: Stockctl, kitchen: Service) -> None:
    use(kitchen, "first", ham=30)
    assert stockctl("return", "first", "ham=8").code == ExitCode.DONE
    use(kitchen, "second", ham=3)
    done = stockctl("recall", "monday.csv", "--yes", "-o", "json")
    assert done.json["discarded"] == 10  # five that came back and were not used again, and the basil
    units = [(one["transaction_id"], one["units"]) for one in done.json["transactions"]]
    assert units == [("first", 30), ("second", 3)]


@pytest.mark.parametrize("named", ["large.csv", "large.part-2-of-2.csv"])
def test_a_delivery_in_parts_is_recalled_as_one(stockctl: Stockctl, kitchen: Service, named: str) -> None:
    kitchen.drop("large.part-1-of-2.csv", "egg,12,2040-01-01\n")
    kitchen.drop("large.part-2-of-2.csv", "ham,7,2040-01-01\negg,3,2040-01-02\n")
    use(kitchen, "order", egg=13, ham=2)
    done = stockctl("recall", named, "--yes", "-o", "json")
    assert (done.code, done.json["delivery"], done.json["discarded"]) == (ExitCode.DONE, "large.csv", 7)
    units = [(one["ingredient"], one["units"]) for one in done.json["transactions"]]
    assert units == [("egg", 13), ("ham", 2)]
    assert "was recalled before" in stockctl("recall", named, "--yes").err


def test_another_delivery_of_a_file_with_the_same_name_stays_in_stock(stockctl: Stockctl, kitchen: Service) -> None:
    kitchen.drop("monday-0f1e2d3c4b5a.csv", "ham,1,2097-12-31\n")
    assert stockctl("recall", "monday.csv", "--yes", "-o", "json").json["discarded"] == 35
    assert stockctl("recall", "monday-0f1e2d3c4b5a.csv", "--dry-run", "-o", "json").json["left"] == 1


def test_a_dry_run_changes_nothing(stockctl: Stockctl, kitchen: Service) -> None:
    done = stockctl("recall", "monday.csv", "--dry-run", "-o", "json")
    assert (done.json["discarded"], done.json["left"], done.json["recall_id"]) == (0, 35, None)
    assert [level.discarded for level in kitchen.stock.levels()] == [0, 0]


def test_in_a_script_it_needs_yes(stockctl: Stockctl, kitchen: Service) -> None:
    done = stockctl("recall", "monday.csv")
    assert (done.code, "35 units of 2 ingredients" in done.err) == (ExitCode.USAGE, True)
    assert [level.discarded for level in kitchen.stock.levels()] == [0, 0]


def test_an_unknown_delivery_names_those_it_may_have_meant(stockctl: Stockctl) -> None:
    done = stockctl("recall", "mnday.csv", "--yes")
    assert (done.code, "Did you mean monday.csv" in done.err) == (ExitCode.REFUSED, True)


def test_history_that_lacks_charges_is_reported(stockctl: Stockctl, kitchen: Service) -> None:
    """The list may be too short: the command says so."""
    assert kitchen.post("late", ham=5)[0] == 201
    done = stockctl("recall", "monday.csv", "--yes")
    assert (done.code, "history does not have the latest charges yet" in done.err) == (ExitCode.DONE, True)


def test_units_that_were_used_before_history_began_are_counted(stockctl: Stockctl, kitchen: Service) -> None:
    """An earlier version charged them. The transactions are not known, but a recall must not seem to list them all."""
    assert kitchen.post("old", ham=7)[0] == 201
    reconcile(kitchen.stock, "ham", time.time, kitchen.stock.patience)  # the charge does not reach history
    use(kitchen, "new", ham=4)
    assert stockctl("discard", "ham=2", "--delivery", "monday.csv").code == ExitCode.DONE
    done = stockctl("recall", "monday.csv", "--dry-run", "-o", "json")
    assert [(one["transaction_id"], one["units"]) for one in done.json["transactions"]] == [("new", 4)]
    assert (done.json["left"], done.json["untraced"]) == (22, 7)


def test_a_dry_run_lists_what_is_left(stockctl: Stockctl, kitchen: Service) -> None:
    use(kitchen, "first", ham=10)
    done = stockctl("recall", "monday.csv", "--dry-run", "-o", "json")
    assert (done.json["discarded"], done.json["left"]) == (0, 25)
    assert [(one["ingredient"], one["units"]) for one in done.json["batches"]] == [("basil", 5), ("ham", 20)]
    assert "left: 5 basil, 20 ham" in stockctl("recall", "monday.csv", "--dry-run", "-o", "table").out


def test_show_says_when_a_delivery_was_recalled(stockctl: Stockctl) -> None:
    assert stockctl("show", "monday.csv", "-o", "json").json["recalled_at"] is None
    assert stockctl("recall", "monday.csv", "--yes").code == ExitCode.DONE
    assert stockctl("show", "monday.csv").columns("recalled_at")[0] != [""]
    assert "recalled at " in stockctl("show", "monday.csv", "-o", "table").out
