"""`stockctl use --file`: every order of a file gets its own answer."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from stockctl.cli.main import run
from stockctl.domain.api import Answer
from stockctl.domain.errors import ExitCode
from stockctl.domain.orders import MAX_BATCH_BYTES, Order, batched
from stockctl.terminal.environment import Environment
from tests.cli.conftest import Stockctl
from tests.service import STACK, Service


@pytest.fixture(autouse=True)
def stock_of_ham(kitchen: Service) -> None:
    kitchen.drop("monday.csv", "ham,100,2099-12-31\n")


def order(transaction_id: object, units: object = 1, type_id: str = "ham") -> str:
    return json.dumps({"transactionId": transaction_id, "items": [{"typeId": type_id, "quantity": units}]}) + "\n"


def test_a_line_for_each_order_in_the_order_of_the_file(stockctl: Stockctl, tmp_path: Path) -> None:
    orders = tmp_path / "orders.jsonl"
    orders.write_text(order("a", 10) + "\n" + order("b", 500) + order("c", 0) + order("a", 10) + order("a", 11))
    done = stockctl("use", "--file", str(orders))
    assert done.code == ExitCode.PARTIAL
    assert done.columns("line", "transaction_id", "status", "replayed") == [
        ["1", "a", "accepted", "false"],
        ["3", "b", "insufficient_stock", "false"],
        ["4", "c", "invalid_request", "false"],
        ["5", "a", "accepted", "true"],
        ["6", "a", "transaction_id_reused", "false"],
    ]
    assert done.records[1]["message"] == "ham: requested 500, available 100"
    counted = "1 accepted, 1 insufficient stock, 1 invalid request, 1 replayed, 1 transaction id reused"
    assert f"5 orders: {counted}" in done.err


def test_people_see_columns_below_their_headings(stockctl: Stockctl) -> None:
    content = order("a", 10) + order("order-2026-11-25-0001", 500) + order("c", 0) + order("a", 11) + order("卵", 500)
    done = stockctl("use", "--file", "-", "-o", "table", stdin=content.encode())
    header, *lines = done.out.splitlines()
    assert header.split() == ["line", "status", "transaction", "id", "message"]
    statuses = ["accepted", "insufficient stock", "invalid request", "transaction id reused", "insufficient stock"]
    for line, status in zip(lines, statuses, strict=True):
        assert line[header.index("status") :].startswith(status)
    ids = header.index("transaction id")
    assert [line[ids:].split()[0] for line in lines] == ["a", "order-2026-11-25-0001", "c", "a", "卵"]
    messages = [cell_len(line[: line.index("ham: ")]) for line in lines if "ham: " in line]
    assert messages == [header.index("message")] * 2


def test_nothing_to_show_has_no_headings(stockctl: Stockctl) -> None:
    assert stockctl("use", "--file", "-", "-o", "table").out == ""


def test_an_id_that_is_longer_than_its_column_moves_only_its_own_message(stockctl: Stockctl) -> None:
    content = order("x" * 60, 500) + order("b", 500)
    header, _, short = stockctl("use", "--file", "-", "-o", "table", stdin=content.encode()).out.splitlines()
    assert short.index("ham: ") == header.index("message")


def test_a_file_sent_again_continues_where_it_stopped(stockctl: Stockctl) -> None:
    content = "".join(order(f"t{number}") for number in range(40)).encode()
    assert stockctl("use", "--file", "-", stdin=content[: len(content) // 2].rpartition(b"\n")[0]).code == 0
    again = stockctl("use", "--file", "-", stdin=content)
    assert again.code == ExitCode.DONE
    assert {record["replayed"] for record in again.records} == {"true", "false"}
    assert stockctl("stock", "ham").rows[0][1] == "60"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-8"])
@pytest.mark.parametrize("name", ["-", "orders.jsonl"])
def test_orders_are_read_in_the_encodings_of_deliveries(
    stockctl: Stockctl, tmp_path: Path, encoding: str, name: str
) -> None:
    content = (order("a") + order("b")).encode(encoding)
    (tmp_path / "orders.jsonl").write_bytes(content)
    file = name if name == "-" else str(tmp_path / name)
    done = stockctl("use", "--file", file, stdin=content)
    assert (done.code, [line.split("\t")[1] for line in done.out.splitlines() if "accepted" in line]) == (0, ["a", "b"])


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"\n\xff\n", "line 2: the file is not UTF-8 text"), (b"PK\x03\x04", "line 1: the file is a zip archive")],
)
def test_a_file_of_orders_in_another_encoding_is_named(stockctl: Stockctl, content: bytes, reason: str) -> None:
    done = stockctl("use", "--file", "-", stdin=content)
    assert done.code == ExitCode.USAGE
    assert reason in done.err


def test_json_output_has_one_document_per_line_with_the_fields_of_use(stockctl: Stockctl) -> None:
    done = stockctl("use", "--file", "-", "-o", "json", stdin=order("a").encode())
    assert json.loads(done.out) == {
        "line": 1,
        "transaction_id": "a",
        "status": "accepted",
        "replayed": False,
        "message": None,
        "items": [{"ingredient": "ham", "quantity": 1}],
        "shortages": [],
    }


def test_a_line_that_is_not_json_is_invalid_and_the_others_are_sent(stockctl: Stockctl) -> None:
    done = stockctl("use", "--file", "-", stdin=(order("a") + "ham=1\n" + order("b")).encode())
    assert done.code == ExitCode.PARTIAL
    assert done.columns("status") == [["accepted"], ["invalid_request"], ["accepted"]]


def test_a_line_with_a_repeated_key_takes_nothing(stockctl: Stockctl) -> None:
    """As in the HTTP API: which of two quantities is meant would be a guess."""
    line = '{"transactionId": "twice", "items": [{"typeId": "ham", "quantity": 1, "quantity": 5}]}'
    done = stockctl("use", "--file", "-", stdin=line.encode())
    assert done.code != ExitCode.DONE
    assert done.columns("status") == [["invalid_request"]]


@pytest.mark.parametrize(("use", "file"), [(["ham=500"], ("b", 500)), (["ham=11", "--id", "a"], ("a", 11))])
def test_use_and_use_file_give_one_refusal_the_same_status_and_exit_code(
    stockctl: Stockctl, use: list[str], file: tuple[str, int]
) -> None:
    stockctl("use", "ham=10", "--id", "a")
    one, many = stockctl("use", *use), stockctl("use", "--file", "-", stdin=order(*file).encode())
    assert one.code == many.code == ExitCode.REFUSED
    assert one.columns("status") == many.columns("status")


@pytest.mark.parametrize(
    ("units", "code"),
    [((1, 2), ExitCode.DONE), ((1, 500), ExitCode.PARTIAL), ((500, 0), ExitCode.REFUSED), ((), ExitCode.DONE)],
)
def test_the_exit_code_shows_whether_all_some_or_none_of_the_orders_were_accepted(
    stockctl: Stockctl, units: tuple[int, ...], code: ExitCode
) -> None:
    """3 means that nothing changed. A repeat, which replays what was accepted, ends with the same code."""
    content = "".join(order(f"t{each}", each) for each in units).encode()
    assert [stockctl("use", "--file", "-", stdin=content).code for _ in range(2)] == [code, code]


def test_misspelt_ingredients_are_guessed_at_below_the_answers(stockctl: Stockctl) -> None:
    content = order("a", type_id="hma") + order("b", type_id="hma") + order("c", type_id="egg") + order("d", 500)
    done = stockctl("use", "--file", "-", stdin=content.encode())
    assert [line for line in done.err.splitlines() if "did you mean" in line] == ["hma: did you mean ham?"]


def answering(statuses: dict[str, str]) -> Callable[..., list[Answer]]:
    """Answers in the place of the API, by transaction id."""

    def use_batch(_: object, transactions: Sequence[dict[str, Any]]) -> list[Answer]:
        return [Answer(503, {"code": statuses[one["transactionId"]], "message": "x"}) for one in transactions]

    return use_batch


def test_an_unknown_outcome_is_not_called_busy(stockctl: Stockctl, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = answering({"a": "outcome_unknown", "b": "busy"})
    monkeypatch.setattr("stockctl.client.api.StockApi.use_batch", answers)
    done = stockctl("use", "--file", "-", stdin=(order("a") + order("b")).encode())
    assert done.code == ExitCode.FAILED
    assert done.columns("status") == [["outcome_unknown"], ["busy"]]
    assert "1 busy, 1 outcome unknown" in done.err


@pytest.mark.parametrize(("status", "label"), [("busy", "1 busy"), ("outcome_unknown", "1 outcome unknown")])
def test_an_order_that_was_not_decided_is_a_failure_and_no_refusal(
    stockctl: Stockctl, monkeypatch: pytest.MonkeyPatch, status: str, label: str
) -> None:
    """A script must send it again."""
    monkeypatch.setattr("stockctl.client.api.StockApi.use_batch", answering({"a": status}))
    done = stockctl("use", "--file", "-", stdin=order("a").encode())
    assert done.code == ExitCode.FAILED
    assert label in done.err
    assert "refused" not in done.err


class ReaderThatGoes(io.StringIO):
    """A reader that closes the pipe after some lines."""

    def __init__(self, lines: int) -> None:
        super().__init__()
        self.left = lines

    def write(self, text: str, /) -> int:
        if self.left <= 0:
            raise BrokenPipeError(32, "Broken pipe")
        self.left -= text.count("\n")
        return super().write(text)


@pytest.mark.usefixtures("stockctl")
def test_a_closed_pipe_ends_the_run_quietly_and_says_how_far_it_got(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[object] = []

    def use_batch(_: object, transactions: Sequence[dict[str, Any]]) -> list[Answer]:
        sent.extend(transactions)
        return [Answer(201, {"status": "accepted"}) for _ in transactions]

    monkeypatch.setattr("stockctl.client.api.StockApi.use_batch", use_batch)
    out, err = ReaderThatGoes(3), io.StringIO()
    stdin = io.TextIOWrapper(io.BytesIO("".join(order(f"t{number}") for number in range(10_000)).encode()))
    before = sys.stdout
    try:
        code = run(["use", "--file", "-", "--aws", "--stack", STACK], Environment(stdin=stdin, stdout=out, stderr=err))
    finally:
        sys.stdout = before
    assert code == ExitCode.DONE
    assert 0 < len(sent) < 10_000
    assert f"stopped: the output was closed. Sent: {len(sent):,} orders: {len(sent):,} accepted" in err.getvalue()
    assert "error" not in err.getvalue()
    assert len(out.getvalue().splitlines()) == 3


@pytest.mark.parametrize("words", [("ham=1",), ("--id", "x"), ("--dry-run",)])
def test_a_file_excludes_other_arguments(words: tuple[str, ...], stockctl: Stockctl) -> None:
    assert stockctl("use", "--file", "orders.jsonl", *words).code == ExitCode.USAGE


def test_a_missing_file_is_an_error(stockctl: Stockctl) -> None:
    done = stockctl("use", "--file", "nowhere.jsonl")
    assert done.code == ExitCode.USAGE
    assert "nowhere.jsonl cannot be read" in done.err


def test_batches_are_as_large_as_the_service_takes_and_no_larger() -> None:
    short = [Order(number, {}, 10) for number in range(1_201)]
    assert [len(batch) for batch in batched(short)] == [500, 500, 201]
    long = [Order(number, {}, MAX_BATCH_BYTES // 2) for number in range(3)]
    assert [len(batch) for batch in batched(long)] == [2, 1]
