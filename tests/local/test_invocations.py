"""Invocations that nobody waits for run a few at a time; those that somebody waits for are not held back."""

from __future__ import annotations

import contextvars
import threading
from typing import Any

import pytest
from ministack.services import lambda_svc

from stockctl.local import invocations
from stockctl.local.emulator import replace

FUNCTION = {"config": {"FunctionName": "received"}}


class Running:
    """Stands in for running functions: each goes on until it may end."""

    def __init__(self) -> None:
        self.may_end = threading.Event()
        self.started = threading.Semaphore(0)
        self.now = self.most = self.done = 0
        self._lock = threading.Lock()

    def execute(self, func: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
        assert func
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        self.started.release()
        assert event["waits"] is False or self.may_end.wait(20)
        with self._lock:
            self.now -= 1
            self.done += 1
        return {}


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> tuple[Running, list[threading.Thread]]:
    """Running functions, and the threads that the emulator would start."""
    running, threads = Running(), []

    def execute(func: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
        return running.execute(func, event)

    def invoke(func: dict[str, Any], event: dict[str, Any]) -> None:
        context = contextvars.copy_context()
        threads.append(threading.Thread(target=context.run, args=(lambda: lambda_svc._execute_function(func, event),)))
        threads[-1].start()

    monkeypatch.setattr(lambda_svc, "_execute_function", execute)
    monkeypatch.setattr(lambda_svc, "invoke_async_with_retry", invoke)
    assert replace(invocations.replacements()) == []
    return running, threads


def test_a_few_run_at_a_time_and_all_run(running: tuple[Running, list[threading.Thread]]) -> None:
    functions, threads = running
    for _ in range(40):
        lambda_svc.invoke_async_with_retry(FUNCTION, {"waits": True})
    for _ in range(invocations.AT_A_TIME):
        assert functions.started.acquire(timeout=20)
    assert not functions.started.acquire(timeout=0.2)
    functions.may_end.set()
    for thread in threads:
        thread.join(20)
    assert (functions.most, functions.done) == (invocations.AT_A_TIME, 40)


def test_a_call_that_is_waited_for_runs_at_once(running: tuple[Running, list[threading.Thread]]) -> None:
    functions, threads = running
    for _ in range(10):
        lambda_svc.invoke_async_with_retry(FUNCTION, {"waits": True})
    lambda_svc._execute_function(FUNCTION, {"waits": False})
    assert functions.done == 1
    functions.may_end.set()
    for thread in threads:
        thread.join(20)


def test_the_installed_release_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    for each in invocations.replacements():
        monkeypatch.setattr(lambda_svc, each.name, getattr(lambda_svc, each.name))
    assert replace(invocations.replacements()) == []
