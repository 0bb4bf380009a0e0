"""The HTTP API's client gives every transaction an answer, whatever the API does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import pytest

from stockctl.aws.retry import Patience
from stockctl.client.api import StockApi


class Throttling(BaseHTTPRequestHandler):
    """Answers every request with 429, as API Gateway does."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(429)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Tests are quiet."""


@pytest.fixture
def throttled() -> Iterator[StockApi]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Throttling)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    patience = Patience(seconds=0.2, first_wait=0.05, longest_wait=0.1)
    yield StockApi(boto3.session.Session(), f"http://127.0.0.1:{server.server_port}", patience)
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_batch_that_is_throttled_until_the_deadline_is_busy_line_by_line(throttled: StockApi) -> None:
    answers = throttled.use_batch([{"transactionId": "a"}, {"transactionId": "b"}])
    assert [(answer.status_code, answer.body["code"]) for answer in answers] == [(503, "busy")] * 2
    assert "throttling" in answers[0].body["message"]
