"""Whether the embedded cloud runs: its lock is held, and its own process answers on its port."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import IO

import pytest

from stockctl.local.cloud import EmbeddedCloud, _bind
from stockctl.local.home import Run
from tests.local.conftest import free_port


class Identity(BaseHTTPRequestHandler):
    """Answers as the process with the id that the server has."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"pid": self.server.pid}).encode())  # type: ignore[attr-defined]

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Tests are quiet."""


@pytest.fixture
def serve() -> Iterator[Callable[[int], int]]:
    """Starts a server that answers as a process; returns its port."""
    servers: list[HTTPServer] = []

    def start(pid: int) -> int:
        server = HTTPServer(("127.0.0.1", 0), Identity)
        server.pid = pid  # type: ignore[attr-defined]
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return server.server_port

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def cloud(tmp_path: Path) -> EmbeddedCloud:
    cloud = EmbeddedCloud({"STOCKCTL_HOME": str(tmp_path / "home")})
    cloud.home.make()
    return cloud


def record(cloud: EmbeddedCloud, port: int) -> Run:
    run = Run(os.getpid(), port, "2026-01-01T00:00:00Z", cloud.home.key())
    cloud.home.record_run(run)
    return run


def held(cloud: EmbeddedCloud) -> IO[bytes]:
    """The lock of a supervisor."""
    lock = cloud.home.hold()
    assert lock is not None
    return lock


def test_it_runs_while_its_lock_is_held_and_its_process_answers(
    cloud: EmbeddedCloud, serve: Callable[[int], int]
) -> None:
    run = record(cloud, serve(os.getpid()))
    assert cloud.running() is None
    with held(cloud):
        assert cloud.running() == run


def test_nobody_else_on_its_port_is_taken_for_it(cloud: EmbeddedCloud, serve: Callable[[int], int]) -> None:
    """A command would send its requests, signed, to a stranger."""
    with held(cloud):
        for port in (serve(1), free_port()):
            record(cloud, port)
            assert cloud.running() is None


def test_a_port_that_another_program_has_is_not_free(serve: Callable[[int], int]) -> None:
    with pytest.raises(OSError, match="in use"):
        _bind(serve(1))
    assert _bind(port := free_port()) == port
