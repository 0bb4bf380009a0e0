"""`stockctl use --file`: every order of a file, each with an answer of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stockctl.domain.errors import ExitCode
from stockctl.domain.orders import MAX_BATCH_CHARACTERS, Order, batched
from tests.cli.conftest import Stockctl
from tests.service import Service


@pytest.fixture(autouse=True)
def stock_of_ham(kitchen: Service) -> None:
    kitchen.drop("monday.csv", "ham,100,2099-12-31\n")


def order(transaction_id: object, units: object = 1, type_id: str = "ham") -> str:
    return json.dumps({"transactionId": transaction_id, "items": [{"typeId": type_id, "quantity": units}]}) + "\n"


def test_a_line_for_each_order_in_the_order_of_the_file(stockctl: Stockctl, tmp_path: Path) -> None:
    orders = tmp_path / "orders.jsonl"
    orders.write_text(order("a", 10) + "\n" + order("b", 500) + order("c", 0) + order("a", 10) + order("a", 11))
    done = stockctl("use", "--file", str(orders))
    assert done.code == ExitCode.REFUSED
    lines = [line.split("\t") for line in done.out.splitlines()]
    assert [line[:3] for line in lines] == [
        ["1", "a", "accepted"],
        ["3", "b", "short"],
        ["4", "c", "invalid"],
        ["5", "a", "replayed"],
        ["6", "a", "reused"],
    ]
    assert lines[1][3] == "ham 100 of 500"
    assert "5 orders: 1 accepted, 1 invalid, 1 replayed, 1 reused, 1 short" in done.err


def test_a_file_sent_again_goes_on_where_it_ended(stockctl: Stockctl) -> None:
    content = "".join(order(f"t{number}") for number in range(40)).encode()
    assert stockctl("use", "--file", "-", stdin=content[: len(content) // 2].rpartition(b"\n")[0]).code == 0
    again = stockctl("use", "--file", "-", stdin=content)
    assert again.code == ExitCode.DONE
    assert {line.split("\t")[2] for line in again.out.splitlines()} == {"accepted", "replayed"}
    assert stockctl("stock", "ham").rows[0][1] == "60"


def test_json_is_a_document_a_line(stockctl: Stockctl) -> None:
    done = stockctl("use", "--file", "-", "-o", "json", stdin=order("a").encode())
    assert json.loads(done.out) == {
        "line": 1,
        "statusCode": 201,
        "transactionId": "a",
        "status": "accepted",
        "items": [{"typeId": "ham", "quantity": 1}],
        "replayed": False,
    }


def test_a_line_that_is_no_json_is_invalid_and_holds_up_nobody(stockctl: Stockctl) -> None:
    done = stockctl("use", "--file", "-", stdin=(order("a") + "ham=1\n" + order("b")).encode())
    assert done.code == ExitCode.REFUSED
    assert [line.split("\t")[2] for line in done.out.splitlines()] == ["accepted", "invalid", "accepted"]


@pytest.mark.parametrize("words", [("ham=1",), ("--id", "x"), ("--dry-run",)])
def test_a_file_stands_alone(words: tuple[str, ...], stockctl: Stockctl) -> None:
    assert stockctl("use", "--file", "orders.jsonl", *words).code == ExitCode.USAGE


def test_a_file_that_is_not_there_says_so(stockctl: Stockctl) -> None:
    done = stockctl("use", "--file", "nowhere.jsonl")
    assert done.code == ExitCode.USAGE
    assert "nowhere.jsonl cannot be read" in done.err


def test_batches_are_as_large_as_the_service_takes_and_no_larger() -> None:
    short = [Order(number, {}, 10) for number in range(1_201)]
    assert [len(batch) for batch in batched(short)] == [500, 500, 201]
    long = [Order(number, {}, MAX_BATCH_CHARACTERS // 2) for number in range(3)]
    assert [len(batch) for batch in batched(long)] == [2, 1]
