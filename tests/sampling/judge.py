"""Runs the tests that cover an edit, in a forked process that has boto3 and moto loaded already."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

FAST = ["-q", "-n", "0", "-p", "no:cacheprovider", "-m", "not system", "--no-header", "--tb=no", "-W", "ignore"]
LOADED = ("boto3", "moto", "moto.dynamodb", "moto.s3", "moto.kinesis", "hypothesis", "rich.console", "typer", "pytest")
BUDGET = 10.0
"""Seconds of tests for one edit. Where there are more, those of the file of the same name go first, then those of the
same room, then the quickest."""
VERDICTS: dict[int, str] = {pytest.ExitCode.OK: "survived", pytest.ExitCode.NO_TESTS_COLLECTED: "no test"}
TEMPORARY = "temporary"
"""The folder of the tests' files."""
SLOWER = 4
"""An edit whose tests take this many times as long as without it hangs."""


def name_of(item: pytest.Item) -> str:
    """A test's name without its parameters."""
    return item.nodeid.partition("[")[0]


def room_of(path: str) -> str:
    """The folder with the tests of a file's room."""
    return f"tests/{path.partition('/')[0]}/"


def load() -> None:
    """Imports what every test needs, so that forked processes have it."""
    for name in LOADED:
        importlib.import_module(name)


def chosen(path: str, tests: dict[str, float]) -> list[str]:
    """The tests to run, in order, with about ten seconds of them."""
    file = f"{room_of(path)}test_{Path(path).name}"
    ordered = sorted(tests, key=lambda test: (file not in test, not test.startswith(room_of(path)), tests[test]))
    taken: list[str] = []
    spent = 0.0
    for test in ordered:
        spent += tests[test]
        if taken and spent > BUDGET:
            break
        taken.append(test)
    return taken


def verdict(folder: Path, tests: list[str], seconds: float) -> str:
    """What the tests say about the code in a folder: "noticed", "survived", "no test" or "hung"."""
    log = folder / "judge.log"
    child = _forked(lambda: _tested(folder, tests), log)
    deadline = time.monotonic() + 30 + SLOWER * seconds
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            _end_group(child)
            return VERDICTS.get(os.waitstatus_to_exitcode(status), "noticed")
        time.sleep(0.05)
    _end_group(child)
    os.waitpid(child, 0)
    _end_embedded_clouds(folder)
    return "hung"


def _end_group(child: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)


def _end_embedded_clouds(folder: Path) -> None:
    """Kills the processes that work in the folder: a supervisor is in no group of ours."""
    for process in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):
            if process.readlink().is_relative_to(folder / TEMPORARY):
                os.kill(int(process.parent.name), signal.SIGKILL)


def _forked(work: Callable[[], int], log: Path) -> int:
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        os.setsid()
        output = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        for number in (1, 2):
            os.dup2(output, number)
        code = work()
    finally:
        os._exit(code)


def _tested(folder: Path, tests: list[str]) -> int:
    os.chdir(folder)
    files = sorted({test.partition("::")[0] for test in tests})
    sys.path.insert(0, str(folder))
    return int(pytest.main([*FAST, "-x", "--basetemp", TEMPORARY, *files], plugins=[_Only(tests)]))


class _Only:
    """A pytest plugin: runs these tests alone, in this order."""

    def __init__(self, tests: list[str]) -> None:
        self._order = {test: position for position, test in enumerate(tests)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        wanted = [item for item in items if name_of(item) in self._order]
        items[:] = sorted(wanted, key=lambda item: self._order[name_of(item)])
