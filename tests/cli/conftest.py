"""Runs commands in this process: real command lines, against the service on moto."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from stockctl.cli.main import run
from stockctl.client.deployment import Deployment
from stockctl.functions import get_stock, post_transaction, post_transactions, stock_received
from stockctl.terminal.environment import Environment
from tests.service import BUCKET, HISTORY, STACK, STOCK, STREAM, TRANSACTIONS, Service


@dataclass(frozen=True)
class Done:
    """The result of a command: exit code and output."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def rows(self) -> list[list[str]]:
        """The lines of TSV after the header."""
        return [line.split("\t") for line in self.out.splitlines()[1:]]

    @property
    def records(self) -> list[dict[str, str]]:
        """The lines of TSV, by the names in its header."""
        header, *rows = (line.split("\t") for line in self.out.splitlines())
        return [dict(zip(header, row, strict=True)) for row in rows]

    def columns(self, *names: str) -> list[list[str]]:
        """These columns of TSV, line by line."""
        return [[record[name] for name in names] for record in self.records]


Stockctl = Callable[..., Done]


@pytest.fixture
def stockctl(kitchen: Service) -> Stockctl:
    """Runs `stockctl` with these arguments against the service on moto."""
    assert kitchen
    return command_line


def command_line(*words: str, stdin: bytes = b"") -> Done:
    """Runs one command line on streams of its own."""
    environment = Environment(stdin=io.TextIOWrapper(io.BytesIO(stdin)), stdout=io.StringIO(), stderr=io.StringIO())
    code = run([*words, "--aws", "--stack", STACK], environment)
    assert isinstance(environment.stdout, io.StringIO)
    assert isinstance(environment.stderr, io.StringIO)
    return Done(code, environment.stdout.getvalue(), environment.stderr.getvalue())


class Keyboard(io.StringIO):
    """Somebody types."""

    def isatty(self) -> bool:
        return True


def at_a_terminal(typed: str, *words: str) -> Done:
    """Runs one command line, whose questions get this answer."""
    stdout, stderr = io.StringIO(), io.StringIO()
    code = run([*words, "--aws", "--stack", STACK], Environment(stdin=Keyboard(typed), stdout=stdout, stderr=stderr))
    return Done(code, stdout.getvalue(), stderr.getvalue())


@pytest.fixture
def kitchen(service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """The service on moto, with a stack's outputs, behind an HTTP API on loopback."""
    monkeypatch.setattr("stockctl.client.failure_queues.WAIT_SECONDS", 0)  # moto has all messages at hand
    monkeypatch.setattr("stockctl.cli.recall.HISTORY_SECONDS", 0.1)  # nothing is written to history meanwhile
    server = ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    outputs = dict.fromkeys(map(output_name, Deployment.__dataclass_fields__), "not used here") | {
        "StockTable": STOCK,
        "TransactionTable": TRANSACTIONS,
        "HistoryTable": HISTORY,
        "HistoryDays": "400",
        "DropBucket": BUCKET,
        "LevelStream": STREAM,
        "ReceiveFailureQueue": service.clients.sqs.create_queue(QueueName="received")["QueueUrl"],
        "StreamFailureQueue": service.clients.sqs.create_queue(QueueName="changed")["QueueUrl"],
        "ApiId": "api",
        "ApiUrl": f"http://127.0.0.1:{server.server_port}",
        "TimeZone": "UTC",
        "DateOrder": "YMD",
    }
    template = {
        "Resources": {"Nothing": {"Type": "AWS::CloudFormation::WaitConditionHandle"}},
        "Outputs": {key: {"Value": value} for key, value in outputs.items()},
    }
    service.clients.cloudformation.create_stack(StackName=STACK, TemplateBody=json.dumps(template))
    yield service
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def working(kitchen: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    """S3 notifies StockReceived of every object that is put, as the bucket of a stack does."""
    put = kitchen.clients.s3.put_object

    def put_and_notify(_bucket: object, key: str, content: bytes) -> str:
        answer = put(Bucket=BUCKET, Key=key, Body=content)
        notification = kitchen.notification(key, answer["VersionId"])
        stock_received.handler({"Records": [notification]}, None)
        return answer["ETag"].strip('"')

    monkeypatch.setattr("stockctl.operations.drop_bucket.DropBucket.drop", put_and_notify)
    return kitchen


def output_name(field: str) -> str:
    """`stock_table` becomes `StockTable`."""
    return "".join(part.capitalize() for part in field.split("_"))


class Gateway(BaseHTTPRequestHandler):
    """Passes requests to the functions, as API Gateway does; rejects unsigned ones."""

    def do_GET(self) -> None:
        path = urlsplit(self.path)
        type_id = unquote(path.path.removeprefix("/stock").removeprefix("/")) or None
        parameters = {"typeId": type_id} if type_id else None
        self.answer(get_stock.handler({"pathParameters": parameters, "rawQueryString": path.query}, None))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        function = post_transactions if self.path == "/transactions/batch" else post_transaction
        self.answer(function.handler({"body": body, "isBase64Encoded": False}, None))

    def answer(self, response: dict[str, Any]) -> None:
        if "AWS4-HMAC-SHA256" not in self.headers.get("Authorization", ""):
            response = {"statusCode": 403, "headers": {}, "body": '{"message": "Forbidden"}'}
        body = response["body"].encode()
        self.send_response(response["statusCode"])
        for name, value in {**response["headers"], "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Tests are quiet."""
