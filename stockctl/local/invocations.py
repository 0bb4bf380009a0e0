"""Queues asynchronous invocations: only a few of one function run at a time, as with reserved concurrency.

The emulator starts a process for each file dropped: two hundred at once are slower than two hundred in turn, and most
run into their timeout. Waiting does not count as an attempt, nor towards a function's timeout.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from contextvars import ContextVar
from functools import wraps
from typing import Any

from stockctl.local.emulator import Function, Replacement

FUNCTIONS = "ministack.services.lambda_svc"
AT_A_TIME = 4

_is_asynchronous = ContextVar("is_asynchronous", default=False)


def replacements() -> tuple[Replacement, ...]:
    """What to replace in the emulator."""
    running: defaultdict[str, threading.Semaphore] = defaultdict(lambda: threading.Semaphore(AT_A_TIME))

    def in_turn(original: Function) -> Function:
        @wraps(original)
        def execute(func: dict[str, Any], event: dict[str, Any]) -> Any:  # noqa: ANN401 - the emulator's result
            if not _is_asynchronous.get():
                return original(func, event)
            with running[(func.get("config") or func).get("FunctionName", "")]:
                return original(func, event)

        return execute

    return (
        Replacement(FUNCTIONS, "_execute_function", ("func", "event"), in_turn),
        Replacement(FUNCTIONS, "invoke_async_with_retry", ("func", "event"), _marking),
    )


def _marking(original: Function) -> Function:
    """Marks the context, which the emulator copies into the thread of the invocation."""

    @wraps(original)
    def invoke(func: dict[str, Any], event: dict[str, Any]) -> None:
        token = _is_asynchronous.set(True)
        try:
            original(func, event)
        finally:
            _is_asynchronous.reset(token)

    return invoke
