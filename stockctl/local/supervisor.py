"""The process behind `stockctl local up`: the emulator, the TTL stand-in and the saving of state, in one.

Started by `cloud.py` as `python -m stockctl.local.supervisor`, with everything it needs in its environment. Ends on
SIGTERM or SIGINT, after the emulator has saved its state.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Any, cast

from hypercorn.asyncio import serve
from hypercorn.config import Config

from stockctl.aws.clients import Clients
from stockctl.local import emulator_cache
from stockctl.local.checkpoints import Checkpoints, ministack_save
from stockctl.local.expiry import ExpiryService
from stockctl.local.home import Home, Run, now_text
from stockctl.local.streams import forget_positions

if TYPE_CHECKING:
    from hypercorn.typing import Framework

ADDRESS = "127.0.0.1"
IDENTITY_PATH = "/_stockctl"
SECONDS_FOR_THE_LOCK = 3.0
EXPIRY_MARK = "x-stockctl-expiry"
READS = (".Get", ".Describe", ".List", ".Query", ".Scan", ".BatchGet")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class Gateway:
    """The emulator's application, with one path of our own that says whose it is, and an eye on what changes state."""

    def __init__(self, application: Application, run: Run, checkpoints: Checkpoints) -> None:
        self._application = application
        self._run = run
        self._checkpoints = checkpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == IDENTITY_PATH:
            return await self._identify(send)
        changes = scope["type"] == "http" and may_change(scope)
        with self._checkpoints.change() if changes else nullcontext():
            return await self._application(scope, receive, send)

    async def _identify(self, send: Send) -> None:
        body = json.dumps({"pid": self._run.pid, "since": self._run.since}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def may_change(scope: Scope) -> bool:
    """Whether a request may have changed the emulator's state. In doubt it has."""
    headers = dict(scope["headers"])
    action = headers.get(b"x-amz-target", b"").decode()
    watching = EXPIRY_MARK.encode() in headers and not action.endswith(".DeleteItem")
    return not (watching or scope["method"] in {"GET", "HEAD", "OPTIONS"} or any(read in action for read in READS))


async def _serve(run: Run, home: Home) -> None:
    emulator_cache.apply()
    application = importlib.import_module("ministack.app").app
    checkpoints = Checkpoints(home, ministack_save())
    expiry = ExpiryService(_clients(run))
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    saving = asyncio.create_task(checkpoints.keep())
    expiry.start()
    try:
        watched = cast("Framework", Gateway(application, run, checkpoints))
        await serve(watched, _config(run), shutdown_trigger=stopping.wait)
    finally:
        saving.cancel()
        await asyncio.to_thread(expiry.stop)
    checkpoints.closed()


def _config(run: Run) -> Config:
    config = Config()
    config.bind = [f"{ADDRESS}:{run.port}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1
    config.loglevel = "WARNING"
    return config


def _clients(run: Run) -> Clients:
    clients = Clients.of_target(run.target())
    clients.session.events.register("before-call", _mark)
    return clients


def _mark(params: dict[str, Any], **_: object) -> None:
    """Watching for due rows, every second, must not count as a change of state."""
    params["headers"][EXPIRY_MARK] = "yes"


def _lock(home: Home) -> IO[bytes]:
    deadline = time.monotonic() + SECONDS_FOR_THE_LOCK
    while (lock := home.hold()) is None:
        if time.monotonic() > deadline:
            sys.exit("another embedded cloud runs in this folder")
        time.sleep(0.05)  # a command that only asks whether we run holds it for a moment
    return lock


def main() -> None:
    """Runs until it is told to stop."""
    home = Home.of(os.environ)
    with _lock(home):
        run = Run(os.getpid(), int(os.environ["GATEWAY_PORT"]), now_text(datetime.now(UTC)))
        home.record_run(run)
        forget_positions(home)
        asyncio.run(_serve(run, home))


if __name__ == "__main__":
    main()
