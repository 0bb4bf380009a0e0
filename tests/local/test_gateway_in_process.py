"""The gateway before an application of the test's own: what is let in, and when an answer leaves."""

from __future__ import annotations

import asyncio
import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from stockctl.local import object_files, root_user
from stockctl.local.checkpoints import Checkpoints
from stockctl.local.gateway import Gateway
from stockctl.local.home import Home, Run

CREDENTIAL = "AWS4-HMAC-SHA256 Credential={}/20260101/us-east-1/{}/aws4_request, Signature=0"


class FakeCheckpoints:
    """Counts changes and saves."""

    def __init__(self) -> None:
        self.changes = self.saves = 0
        self.succeeds = True
        self.stacks_changed = False
        self.problems: list[str] = []

    def changed(self) -> None:
        self.changes += 1

    def report(self, problem: str) -> None:
        self.problems.append(problem)

    async def saved(self) -> bool:
        self.saves += 1
        return self.succeeds


class Port:
    """The gateway, and what it sends."""

    def __init__(self, home: Home, saving: FakeCheckpoints) -> None:
        self.saving = saving
        self.reached = 0
        self.sent: list[dict[str, Any]] = []
        self.on_call: Callable[[], None] = lambda: None
        self.seen_at_start: list[int] = []
        run = Run(1, 4580, "2026-01-01T00:00:00Z", home.key())
        self.gateway = Gateway(self.application, run, cast("Checkpoints", saving), home)
        self.key = home.key().access_key_id

    async def application(self, _scope: Any, receive: Any, send: Any) -> None:
        self.reached += 1
        await receive()
        self.on_call()
        headers = [(b"Access-Control-Allow-Origin", b"*"), (b"x-kept", b"1")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"done"})

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.seen_at_start.append(self.saving.saves)
        self.sent.append(message)

    def request(self, method: str, path: str, service: str = "s3", body: bytes = b"", **headers: str) -> int:
        """Sends a signed request; the status."""
        named = {"host": "127.0.0.1:4580", "authorization": CREDENTIAL.format(self.key, service)} | headers
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": b"",
            "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in named.items()],
        }

        async def receive() -> Any:
            return {"type": "http.request", "body": body}

        self.sent.clear()
        asyncio.run(self.gateway(scope, receive, self.send))
        return int(self.sent[0]["status"])

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)


@pytest.fixture
def port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Port:
    home = Home(tmp_path / "home")
    home.make()
    port = Port(home, FakeCheckpoints())
    monkeypatch.setattr(root_user, "is_known", lambda key: key == port.key)
    return port


def test_a_websocket_is_refused(port: Port) -> None:
    """A page of any origin may open one."""

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    asyncio.run(port.gateway({"type": "websocket", "path": "/", "headers": []}, receive, port.send))
    assert port.sent == [{"type": "websocket.close", "code": 1008}]
    assert port.reached == 0


def test_messages_of_the_server_itself_pass(port: Port) -> None:
    """Its start and its end, which the emulator waits for."""

    async def receive() -> Any:
        return {"type": "lifespan.startup"}

    asyncio.run(port.gateway({"type": "lifespan"}, receive, port.send))
    assert port.reached == 1


def test_an_answer_loses_the_headers_that_open_it_to_web_pages_and_no_others(port: Port) -> None:
    assert port.request("GET", "/bucket/key") == 200
    assert port.sent[0]["headers"] == [(b"x-kept", b"1")]
    assert port.body == b"done"


def test_an_answer_to_a_change_of_settings_leaves_once_it_is_saved(port: Port) -> None:
    assert port.request("PUT", "/bucket") == 200
    assert port.saving.changes == 1
    assert port.seen_at_start == [1]


def test_a_change_of_settings_that_cannot_be_saved_is_an_error(port: Port) -> None:
    port.saving.succeeds = False
    assert port.request("PUT", "/bucket") == 500
    assert b"the change cannot be saved" in port.body
    assert b"done" not in port.body


@pytest.mark.parametrize(("method", "path", "changes"), [("GET", "/bucket/key", 0), ("PUT", "/bucket/key", 1)])
def test_reading_and_objects_wait_for_no_save(port: Port, method: str, path: str, changes: int) -> None:
    assert port.request(method, path) == 200
    assert (port.saving.changes, port.saving.saves) == (changes, 0)


def test_the_action_in_a_form_decides_what_is_held(port: Port) -> None:
    form = {"content_type": "application/x-www-form-urlencoded"}
    port.request("POST", "/", "iam", b"Action=GetRole", **form)
    assert port.saving.saves == 0
    port.request("POST", "/", "iam", b"Action=CreateRole", **form)
    assert port.saving.saves == 1


def test_nobody_hears_that_a_deployment_has_ended_before_it_is_saved(port: Port) -> None:
    port.saving.stacks_changed = True
    form = {"content_type": "application/x-www-form-urlencoded"}
    assert port.request("POST", "/", "cloudformation", b"Action=DescribeStacks", **form) == 200
    assert port.seen_at_start == [1]


def test_an_object_that_cannot_be_saved_is_an_error_and_reported(port: Port) -> None:
    def fail() -> None:
        found = object_files.errors.get()
        assert found is not None
        found.append(OSError(errno.ENOSPC, "No space left on device"))

    port.on_call = fail
    assert port.request("PUT", "/bucket/key") == 500
    assert port.saving.problems == ["the object cannot be saved: No space left on device"]
    assert b"<Code>InternalError</Code>" in port.body


def test_a_full_disk_refuses_changes_and_allows_reading(port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stockctl.local.home.FREE_BYTES", 1 << 62)
    assert port.request("PUT", "/bucket/key") == 503
    assert port.reached == 0
    assert port.request("GET", "/bucket/key") == 200
    assert ["is full" in problem for problem in port.saving.problems] == [True]


def test_a_stack_can_be_removed_on_a_full_disk(port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    """That makes room."""
    monkeypatch.setattr("stockctl.local.home.FREE_BYTES", 1 << 62)
    form = {"content_type": "application/x-www-form-urlencoded"}
    assert port.request("POST", "/", "cloudformation", b"Action=DeleteStack", **form) == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"host": "localhost"}, 200),
        ({"host": "bucket.s3.localhost:4580"}, 200),
        ({"host": "notlocalhost"}, 403),
        ({"host": ""}, 403),
        ({"sec_fetch_site": "none"}, 200),
        ({"sec_fetch_site": "same-origin"}, 403),
        ({"origin": ""}, 403),
        ({"authorization": CREDENTIAL.format("AKIAOTHER", "s3")}, 403),
    ],
)
def test_who_is_let_in(port: Port, headers: dict[str, Any], status: int) -> None:
    assert port.request("GET", "/bucket/key", **headers) == status
    assert port.reached == (status == 200)


def test_an_http_api_authorises_its_callers_itself(port: Port) -> None:
    assert port.request("POST", "/_aws/execute-api/a/transactions", authorization="") == 200
    assert port.request("POST", "/_aws/lambda-url/a", authorization="") == 403


@pytest.mark.parametrize(
    ("service", "text"),
    [("s3", b"<Code>AccessDenied</Code>"), ("dynamodb", b'"__type": "AccessDenied"')],
)
def test_a_refusal_is_in_the_form_that_clients_of_the_service_read(port: Port, service: str, text: bytes) -> None:
    assert port.request("POST", "/", service, origin="https://elsewhere.example") == 403
    assert text in port.body
    length = dict(port.sent[0]["headers"])[b"content-length"]
    assert int(length) == len(port.body)


def test_the_identity_needs_no_key(port: Port) -> None:
    assert port.request("GET", "/_stockctl", authorization="") == 200
    assert json.loads(port.body) == {"pid": 1, "since": "2026-01-01T00:00:00Z"}
    assert port.reached == 0
