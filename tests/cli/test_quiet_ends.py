"""A closed pipe and Ctrl-C end every command quietly: no traceback, no message from the interpreter."""

from __future__ import annotations

import errno
import io
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import pytest

from stockctl.cli.main import run
from stockctl.domain.errors import ExitCode
from stockctl.terminal.environment import Environment
from tests.cli.conftest import Stockctl
from tests.service import STACK, Service

PRINTING = [
    ["stock"],
    ["stock", "--batches"],
    ["stock", "-o", "json"],
    ["use", "ham=1"],
    ["use", "ham=1", "--dry-run"],
    ["use", "ham=100000"],
    ["threshold", "ham=5"],
    ["reconcile", "--check"],
    ["doctor"],
    ["ingest", "--dry-run", "DELIVERY"],
    ["ingest", "DELIVERY", "--no-wait"],
    ["watch", "--since", "1h", "--count", "1", "--duration", "20s"],
    ["simulate", "--duration", "1s", "--rate", "0", "--allow-other-data"],
    ["local", "status"],
]


class ClosedPipe(io.StringIO):
    """A closed reader."""

    def write(self, _text: str, /) -> int:
        raise BrokenPipeError(32, "Broken pipe")


@pytest.fixture
def delivery(kitchen: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("stockctl.simulation.service.WAKING_SECONDS", 0.1)  # nobody here takes in what is dropped
    monkeypatch.setattr("stockctl.cli.simulation_run.SETTLE_SECONDS", 0.1)
    kitchen.drop("monday.csv", "ham,100,2099-12-31\n")
    kitchen.process_stream("ham")
    path = tmp_path / "tuesday.csv"
    path.write_text("ham,1,2099-12-31\n")
    return path


@pytest.mark.parametrize("words", PRINTING, ids=" ".join)
@pytest.mark.usefixtures("stockctl")
def test_a_closed_pipe_is_no_error_of_any_command(words: list[str], delivery: Path) -> None:
    said = io.StringIO()
    environment = Environment(stdin=io.StringIO(), stdout=ClosedPipe(), stderr=said)
    where = [] if words[0] == "local" else ["--aws", "--stack", STACK]
    before = sys.stdout
    try:
        code = run([str(delivery) if word == "DELIVERY" else word for word in words] + where, environment)
    finally:
        sys.stdout = before
    assert code in {ExitCode.DONE, ExitCode.REFUSED, ExitCode.FAILED}
    assert "error" not in said.getvalue().replace("error: not enough stock", "")
    assert "Traceback" not in said.getvalue()


@pytest.mark.parametrize("words", PRINTING[:-1], ids=" ".join)
def test_ctrl_c_is_a_code_and_not_a_word_in_any_command(
    words: list[str], stockctl: Stockctl, delivery: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pressed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    targets = ("stockctl.cli.target.resolve", "stockctl.cli.target.undeployed", "stockctl.cli.target.existing")
    for place in (*targets, "stockctl.cli.ingest._checked"):
        monkeypatch.setattr(place, pressed)
    done = stockctl(*(str(delivery) if word == "DELIVERY" else word for word in words))
    assert done.code == ExitCode.INTERRUPTED
    assert (done.out, done.err) == ("", "")


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
def test_a_closed_pipe_is_not_an_error() -> None:
    words = [sys.executable, "-m", "stockctl", "stock", "--help"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert process.returncode == ExitCode.DONE


HEARS_CTRL_C = (
    "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "runpy.run_module('stockctl', run_name='__main__')"
)
"""Runs the program as in a terminal: in the background of a script, processes are started with Ctrl-C ignored."""


@pytest.mark.skipif(shutil.which("ps") is None, reason="needs POSIX signals, and ps to see when the command waits")
def test_a_real_ctrl_c_is_quiet(tmp_path: Path) -> None:
    file = tmp_path / "monday.csv"
    os.mkfifo(file)
    words = [sys.executable, "-c", HEARS_CTRL_C, "ingest", str(file), "--dry-run"]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=os.environ)
    with process, _opened_once_read(file, process):
        _wait_until_asleep(process)  # a signal just before a read begins would not interrupt it
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == ExitCode.INTERRUPTED
    assert said == ""


def _wait_until_asleep(process: subprocess.Popen[str]) -> None:
    """Until the process waits for input."""
    asked = ["ps", "-o", "state=", "-p", str(process.pid)]
    while not subprocess.run(asked, capture_output=True, text=True, check=True).stdout.startswith("S"):
        time.sleep(0.01)


def _opened_once_read(fifo: Path, process: subprocess.Popen[str]) -> IO[bytes]:
    """The writing end of a FIFO, once the process has opened it for reading and so is at work."""
    while process.poll() is None:
        try:
            return os.fdopen(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK), "wb")
        except OSError as error:
            if error.errno != errno.ENXIO:  # nobody reads yet
                raise
            time.sleep(0.01)
    raise AssertionError("it ended before it read its file")
