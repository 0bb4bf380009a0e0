"""The HTTP API's client gives every transaction an answer, whatever the API does."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

import pytest

from stockctl.aws.clients import aws_session
from stockctl.aws.retry import Patience
from stockctl.client.api import IN_FLIGHT, StockApi, use_all
from stockctl.domain.api import Answer
from stockctl.domain.errors import Busy, CredentialsError, OutcomeUnknown, StockctlError
from stockctl.domain.orders import Order

Reply = tuple[int, dict[str, Any]]


class Scripted(ThreadingHTTPServer):
    """Answers with these replies in turn, the last one again and again."""

    def __init__(self, *replies: Reply) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.replies = list(replies)


class Handler(BaseHTTPRequestHandler):
    """One request of a `Scripted` server."""

    server: Scripted

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        replies = self.server.replies
        status, body = replies.pop(0) if len(replies) > 1 else replies[0]
        if status == NO_ANSWER:
            self.close_connection = True
            return
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("apigw-requestid", "r1")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Tests are quiet."""


NO_ANSWER = 0
THROTTLED: Reply = (429, {"message": "Too Many Requests"})
BUSY: Reply = (503, {"code": "busy", "message": "busy"})
UNKNOWN: Reply = (503, {"code": "outcome_unknown", "message": "unknown"})
ACCEPTED: Reply = (201, {"status": "accepted"})


@contextmanager
def api_answering(*replies: Reply, log: Callable[[str], None] = lambda _: None) -> Iterator[StockApi]:
    server = Scripted(*replies)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    patience = Patience(seconds=0.5, first_wait=0.05, longest_wait=0.1)
    try:
        yield StockApi(aws_session(), f"http://127.0.0.1:{server.server_port}", patience, log)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def batch_of(*answers: Reply) -> Reply:
    return 200, {"answers": [{"statusCode": status, "body": body} for status, body in answers]}


def test_a_batch_that_is_throttled_until_the_deadline_is_busy_line_by_line() -> None:
    with api_answering(THROTTLED) as api:
        answers = api.use_batch([{"transactionId": "a"}, {"transactionId": "b"}])
    assert [(answer.status_code, answer.body["code"]) for answer in answers] == [(503, "busy")] * 2
    assert "throttling" in answers[0].body["message"]


@pytest.mark.parametrize("first", [UNKNOWN, (NO_ANSWER, {}), (502, {"message": "Bad Gateway"})])
def test_a_transaction_that_may_have_happened_is_never_called_busy(first: Reply) -> None:
    """A later `busy` decides nothing about an attempt that was not answered."""
    with api_answering(first, BUSY) as api, pytest.raises(OutcomeUnknown):
        api.use("a", {"ham": 1})


def test_a_busy_service_is_asked_again() -> None:
    with api_answering(BUSY, THROTTLED, ACCEPTED) as api:
        assert api.use("a", {"ham": 1}).status_code == 201
    with api_answering(BUSY) as api, pytest.raises(Busy):
        api.use("a", {"ham": 1})


def test_a_defect_of_the_service_is_no_final_answer() -> None:
    """What a gateway or a function that failed answers says nothing about what was done."""
    failed: Reply = (500, {"message": "Internal Server Error"})
    with api_answering(failed, failed, ACCEPTED) as api:
        assert api.use("a", {"ham": 1}).status_code == 201


def test_in_a_batch_too_an_unknown_outcome_stays_unknown() -> None:
    with api_answering(batch_of(UNKNOWN, BUSY, ACCEPTED), batch_of(BUSY, BUSY)) as api:
        answers = api.use_batch([{"transactionId": name} for name in "abc"])
    codes = [answer.body.get("code") for answer in answers]
    assert codes == ["outcome_unknown", "busy", None]


def test_each_request_is_logged() -> None:
    lines: list[str] = []
    with api_answering((NO_ANSWER, {}), ACCEPTED, log=lines.append) as api:
        api.use("a", {"ham": 1})
    assert [re.sub(r" \d{1,5} ms", " N ms", line) for line in lines] == [
        "api POST /transactions: no answer in N ms, request -",
        "api POST /transactions: 201 in N ms, request r1",
    ]


class SlowFirst:
    """An API whose first batch is answered after the others that are under way at the same time."""

    def __init__(self) -> None:
        self._left = IN_FLIGHT
        self._others_done = threading.Event()

    def use_batch(self, transactions: list[dict[str, Any]]) -> list[Answer]:
        if transactions[0]["transactionId"] == "0":
            assert self._others_done.wait(10)
        else:
            self._left -= 1
            if not self._left:
                self._others_done.set()
        return [Answer(201, {"transactionId": each["transactionId"]}) for each in transactions]


def test_answers_come_in_the_order_of_the_orders_whichever_batch_is_answered_first() -> None:
    orders = [Order(number, {"transactionId": str(number)}, 10) for number in range(4_000)]
    answered = list(use_all(cast("StockApi", SlowFirst()), orders))
    assert [order.line for order, _ in answered] == list(range(4_000))
    assert all(answer.body["transactionId"] == str(order.line) for order, answer in answered)


def test_lines_that_were_busy_keep_their_places() -> None:
    """Only they are sent again."""
    short: Reply = (409, {"code": "insufficient_stock"})
    with api_answering(batch_of(BUSY, ACCEPTED, BUSY), batch_of(short, ACCEPTED)) as api:
        assert [answer.status_code for answer in api.use_batch([{}, {}, {}])] == [409, 201, 201]


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("name", ["message", "Message"])
def test_a_signature_that_is_refused_is_a_matter_of_credentials(status: int, name: str) -> None:
    with api_answering((status, {name: "Forbidden for ever"})) as api, pytest.raises(CredentialsError) as raised:
        api.use("a", {"ham": 1})
    assert "Forbidden for ever" in raised.value.message


def test_a_path_that_the_api_lacks_means_an_older_stack() -> None:
    with api_answering((404, {"message": "Not Found"})) as api, pytest.raises(StockctlError, match="no such path"):
        api.use_batch([{}])
    with api_answering((404, {"code": "not_found", "message": "no such ingredient"})) as api:
        assert api.use("a", {"ham": 1}).status_code == 404
