"""`stockctl threshold`: an operator's setting on the level."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from stockctl.domain.errors import ExitCode
from tests.cli.conftest import Stockctl
from tests.service import Service

METHOD = "_make_api_call"
"""Every call of every client goes through it."""


@pytest.fixture(autouse=True)
def stock_of_ham_and_mushroom(kitchen: Service) -> None:
    kitchen.drop("monday.csv", "ham,100,2099-12-31\nmushroom,50,2099-12-31\n")


def test_a_threshold_is_stored_on_the_level_and_marks_low_stock(stockctl: Stockctl) -> None:
    assert stockctl("threshold", "ham=101", "mushroom=50").rows == [
        ["ham", "101", "100", "true"],
        ["mushroom", "50", "50", "false"],
    ]
    assert [row[0] for row in stockctl("stock", "--below-threshold").rows] == ["ham"]


def test_uses_and_deliveries_leave_it_alone_and_it_leaves_them_alone(stockctl: Stockctl, kitchen: Service) -> None:
    stockctl("threshold", "ham=95")
    stockctl("use", "ham=10")
    kitchen.drop("tuesday.csv", "ham,1,2099-12-31\n")
    level = kitchen.stock.level("ham")
    assert level is not None
    assert (level.quantity, level.threshold, level.version, level.adds_up) == (91, 95, 4, True)


def test_it_waits_for_a_use_that_is_at_the_level(stockctl: Stockctl, monkeypatch: pytest.MonkeyPatch) -> None:
    conflict: Any = {
        "Error": {"Code": "TransactionConflictException", "Message": "Transaction is ongoing for the item"}
    }
    conflicts = [ClientError(conflict, "UpdateItem")]

    def conflicting_once(client: BaseClient, operation: str, arguments: dict[str, Any]) -> Any:
        if operation == "UpdateItem" and conflicts:
            raise conflicts.pop()
        return answered(client, operation, arguments)

    answered = getattr(BaseClient, METHOD)
    monkeypatch.setattr(BaseClient, METHOD, conflicting_once)
    assert stockctl("threshold", "ham=95").rows == [["ham", "95", "100", "false"]]
    assert not conflicts


def test_it_can_be_cleared(stockctl: Stockctl) -> None:
    stockctl("threshold", "ham=101")
    assert stockctl("threshold", "--clear", "ham").rows == []


def test_what_is_so_already_changes_nothing(stockctl: Stockctl, kitchen: Service) -> None:
    stockctl("threshold", "ham=101")
    before = kitchen.stock.levels()
    assert stockctl("threshold", "ham=101").rows == [["ham", "101", "100", "true"]]
    assert stockctl("threshold", "--clear", "mushroom").code == ExitCode.DONE
    assert kitchen.stock.levels() == before


def test_an_ingredient_that_was_never_delivered_has_no_level_to_keep_it(stockctl: Stockctl) -> None:
    done = stockctl("threshold", "hamm=3")
    assert done.code == ExitCode.REFUSED
    assert "did you mean ham?" in done.err


def test_the_threshold_of_one_ingredient_can_be_shown(stockctl: Stockctl) -> None:
    stockctl("threshold", "ham=101")
    assert stockctl("threshold", "ham").rows == [["ham", "101", "100", "true"]]
    assert stockctl("threshold", "mushroom").rows == [["mushroom", "", "50", "false"]]
    assert [row[0] for row in stockctl("threshold").rows] == ["ham"]


def test_setting_and_clearing_at_once_is_a_usage_error(stockctl: Stockctl) -> None:
    assert stockctl("threshold", "ham=3", "--clear", "ham").code == ExitCode.USAGE
