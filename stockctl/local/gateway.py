"""Stands between the port and the emulator: refuses foreign requests, and delays responses until changes are saved.

A web page in the user's browser and other users of this machine reach the port as well. So a request must be signed
with a key that the emulator knows, come from no web page, and be sent to this machine by name. HTTP APIs authorise
their callers themselves. The emulator's own paths, which reset and configure it, are closed.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any
from xml.sax.saxutils import escape

from stockctl.local import object_files, root_user
from stockctl.local.checkpoints import Checkpoints
from stockctl.local.home import Home, Run
from stockctl.local.requests import API_PATHS, Change, Request, Scope

IDENTITY_PATH = "/_stockctl"
OWN_PATHS = ("/_ministack", "/_localstack", "/health", "/_aws/", "/_stockctl")
JSON = b"application/json"
XML_SERVICES = frozenset({"s3", "cloudformation", "iam", "sts", "sns", "ec2"})
HOSTS = ("127.0.0.1", "localhost")

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class Gateway:
    """The emulator's application for its owner's requests alone, with an added path that identifies it."""

    def __init__(self, application: Application, run: Run, checkpoints: Checkpoints, home: Home) -> None:
        self._application = application
        self._run = run
        self._checkpoints = checkpoints
        self._home = home

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close", "code": 1008})
        if scope["type"] != "http":
            return await self._application(scope, receive, send)
        request = Request.of(scope)
        if reason := refusal(request):
            return await _refuse(send, request, 403, "AccessDenied", reason)
        if request.path == IDENTITY_PATH:
            return await _answer(send, 200, JSON, json.dumps({"pid": self._run.pid, "since": self._run.since}))
        return await self._pass(request, scope, receive, send)

    async def _pass(self, request: Request, scope: Scope, receive: Receive, send: Send) -> None:
        if request.service == "cloudformation" and self._checkpoints.stacks_changed:
            await self._checkpoints.saved()  # before anybody hears that a deployment has ended
        exchange = _Exchange(request, receive, send, self._checkpoints)
        if exchange.is_change() and (problem := self._home.full_disk()):
            self._checkpoints.report(problem)
            return await _refuse(send, request, 503, "ServiceUnavailable", problem)
        object_files.errors.set(exchange.errors)
        return await self._application(scope, exchange.receive, exchange.send)


class _Exchange:
    """One request and its answer, which is held until what it changed is saved."""

    def __init__(self, request: Request, receive: Receive, send: Send, checkpoints: Checkpoints) -> None:
        self._request = request
        self._receive = receive
        self._send = send
        self._checkpoints = checkpoints
        self._start_of_body = b""
        self._is_refused = False
        self.errors: list[OSError] = []

    def is_change(self) -> bool:
        """Whether it may change something, as far as its head says."""
        return self._request.change(b"") is not Change.NOTHING and self._request.service != "cloudformation"

    async def receive(self) -> Any:  # noqa: ANN401 - an ASGI message
        """Passes a message on; the start of a form tells what it asks for."""
        message = await self._receive()
        if not self._start_of_body:
            self._start_of_body = message.get("body", b"")[:4096]
        return message

    async def send(self, message: dict[str, Any]) -> None:
        """Passes an answer on once it is true."""
        if message["type"] == "http.response.start":
            error = await self._error()
            if error:
                self._is_refused = True
                await _refuse(self._send, self._request, 500, "InternalError", error)
            else:
                await self._send({**message, "headers": _closed(message.get("headers", []))})
        elif not self._is_refused:
            await self._send(message)

    async def _error(self) -> str | None:
        change = self._request.change(self._start_of_body)
        if self.errors:
            self._checkpoints.report(reason := f"the object cannot be saved: {self.errors[0].strerror}")
            return reason
        if change in {Change.RECORDS, Change.SETTINGS}:
            self._checkpoints.changed()
        if change is Change.SETTINGS and not await self._checkpoints.saved():
            return "the change cannot be saved"
        return None


def refusal(request: Request) -> str | None:
    """Why a request is refused; None if it is accepted."""
    if request.host not in HOSTS and not request.host.endswith(".localhost"):
        return "this is not the host that it was sent to"
    if "origin" in request.headers or request.headers.get("sec-fetch-site", "none") != "none":
        return "web pages have no access"
    if request.path == IDENTITY_PATH:
        return None
    if request.path.startswith(OWN_PATHS) and not request.path.startswith(API_PATHS):
        return "there is nothing here"
    is_allowed = request.is_for_an_api or root_user.is_known(request.access_key_id)
    return None if is_allowed else "sign the request with this embedded cloud's key: `stockctl local env` shows it"


def _closed(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Without the headers that open an answer to web pages."""
    return [(name, value) for name, value in headers if not name.lower().startswith(b"access-control-")]


async def _refuse(send: Send, request: Request, status: int, code: str, reason: str) -> None:
    """Answers with an error, in the form that the client of the service reads."""
    if request.service in XML_SERVICES:
        error = f"<Error><Code>{code}</Code><Message>{escape(reason)}</Message></Error>"
        return await _answer(send, status, b"text/xml", f"<ErrorResponse>{error}</ErrorResponse>")
    return await _answer(send, status, JSON, json.dumps({"__type": code, "message": reason}))


async def _answer(send: Send, status: int, kind: bytes, text: str) -> None:
    body = text.encode()
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
