"""Which fast test runs which line, measured once with coverage.py."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import coverage
import pytest

from tests.sampling.judge import FAST, name_of, room_of


@dataclass(frozen=True)
class Covering:
    """The seconds of each test that passes, and by file and line the tests that run it. Line 0 is the whole file."""

    seconds: dict[str, float] = field(default_factory=dict)
    tests: dict[str, dict[int, list[str]]] = field(default_factory=dict)

    def of(self, path: str, line: int) -> dict[str, float]:
        """The tests of a line.

        A line that runs at import, or in another process, as the embedded cloud's do, counts as run by all tests of
        its file and of its room.
        """
        lines = self.tests.get(path, {})
        of_room = [test for test in self.seconds if test.startswith(room_of(path))]
        tests = lines.get(line) or [*lines.get(0, []), *of_room]
        return {test: self.seconds[test] for test in tests if test in self.seconds}


def measured() -> Covering:
    """Runs the fast tests of this folder."""
    measuring = coverage.Coverage(data_file=None, source=["stockctl"], config_file=False)
    per_test = _PerTest(measuring)
    with measuring.collect():
        pytest.main([*FAST, "tests"], plugins=[per_test])
    found = Covering({test: seconds for test, seconds in per_test.seconds.items() if test not in per_test.failed})
    data = measuring.get_data()
    for file in data.measured_files():
        path = file.rpartition("/stockctl/")[2]
        lines = {line: [test for test in tests if test] for line, tests in data.contexts_by_lineno(file).items()}
        whole = sorted({test for tests in lines.values() for test in tests})
        found.tests[path] = {0: whole, **{line: tests for line, tests in lines.items() if tests}}
    return found


class _PerTest:
    """A pytest plugin: makes each test, whatever its parameters, a context, and measures it."""

    def __init__(self, measuring: coverage.Coverage) -> None:
        self._measuring = measuring
        self.seconds: dict[str, float] = {}
        self.failed: set[str] = set()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        test = name_of(item)
        self._measuring.switch_context(test)
        started = time.monotonic()
        try:
            return (yield)
        finally:
            self.seconds[test] = self.seconds.get(test, 0.0) + time.monotonic() - started
            self._measuring.switch_context("")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.add(report.nodeid.partition("[")[0])
