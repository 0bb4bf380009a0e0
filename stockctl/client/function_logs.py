"""The logs of the functions, all of them together, in the order of time.

A failed invocation is one line. Its traceback, which Lambda logs as JSON and the embedded cloud as lines of text, is
the line's detail.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from stockctl.aws.errors import code_of

if TYPE_CHECKING:
    from mypy_boto3_logs.type_defs import FilteredLogEventTypeDef

    from stockctl.aws.clients import Clients

POLL_SECONDS = 2.0
OVERLAP_SECONDS = 30.0
"""CloudWatch may show a line later than a younger one: each reading looks back this far again."""

PLATFORM = ("START RequestId", "END RequestId", "REPORT RequestId", "INIT_START")
TRACEBACK = "Traceback (most recent call last):"
_RAISED = re.compile(r"(?:[\w.]*\.)?(?P<error>[A-Za-z]\w*)(?:: (?P<message>.*))?")
_NESTED_SUMMARY = re.compile(r"(?:\d+ failed; the first: SomeFailed: )+")
SUMMARY = "SomeFailed"
"""The exception of a function some of whose work failed: its message names the cause itself."""


@dataclass(frozen=True)
class LogLine:
    """One line of a log. Routine lines are the platform's own, metrics, and errors that a later line repeats.

    `detail` is the traceback of an error. `request_id` is empty if the log does not show it. `event_id` is that of its
    (first) event.
    """

    function: str
    at: datetime
    level: str
    message: str
    is_routine: bool
    detail: str = ""
    request_id: str = ""
    event_id: str = field(default="", compare=False)

    @property
    def whole(self) -> str:
        """The message with its traceback."""
        return f"{self.message}\n{self.detail}" if self.detail else self.message

    @property
    def is_error(self) -> bool:
        """Whether this is the line of a failed invocation, or an error that a function logged."""
        return self.level in {"ERROR", "CRITICAL", "FATAL"} and not self.is_routine

    @property
    def ends_a_call(self) -> bool:
        """Whether the platform reports the end of an invocation."""
        return self.message.startswith("REPORT RequestId")


class FunctionLogs:
    """The logs of these functions: name in the template to name in Lambda."""

    def __init__(self, clients: Clients, functions: Mapping[str, str]) -> None:
        self._clients = clients
        self._functions = functions

    def since(self, start: float) -> list[LogLine]:
        """All lines since `start` (s since the epoch)."""
        lines: list[LogLine] = []
        for name, function in self._functions.items():
            lines += lines_of(name, self._events(f"/aws/lambda/{function}", start))
        return sorted(lines, key=lambda line: line.at)

    def following(self, start: float, sleep: Callable[[float], None] = time.sleep) -> Iterator[LogLine]:
        """All lines since `start`, and then each new one, for ever."""
        seen: set[str] = set()
        while True:
            found = self.since(start)
            yield from (line for line in found if line.event_id not in seen)
            seen = {line.event_id for line in found}
            start = max(start, time.time() - OVERLAP_SECONDS)
            sleep(POLL_SECONDS)

    def _events(self, group: str, start: float) -> Iterable[FilteredLogEventTypeDef]:
        pages = self._clients.logs.get_paginator("filter_log_events")
        try:
            for page in pages.paginate(logGroupName=group, startTime=int(start * 1000)):
                yield from page["events"]
        except self._clients.logs.exceptions.ClientError as error:
            if code_of(error) != "ResourceNotFoundException":  # a deleted log group has no lines
                raise


def lines_of(function: str, events: Iterable[FilteredLogEventTypeDef]) -> list[LogLine]:
    """The lines of one function's log."""
    found: list[LogLine] = []
    call: list[LogLine] = []
    for event in events:
        line = replace(_line_of(function, event), event_id=event.get("eventId", ""))
        if line.message.startswith(PLATFORM):
            found += [*_with_tracebacks_folded(call), line]
            call = []
        else:
            call.append(line)
    return _with_repeats_as_routine(found + _with_tracebacks_folded(call))


def _line_of(function: str, event: FilteredLogEventTypeDef) -> LogLine:
    """A log event as a line: the message of Lambda's JSON."""
    text = event.get("message", "").rstrip("\n")
    at = datetime.fromtimestamp(event.get("timestamp", 0) / 1000, UTC)
    try:
        logged = json.loads(text)
    except ValueError:
        logged = None
    if not isinstance(logged, dict):
        return LogLine(function, at, "", text, text.startswith(PLATFORM))
    if "message" not in logged and "errorMessage" not in logged:
        return LogLine(function, at, "", text, is_routine=True)
    return _json_line(function, at, logged)


def _json_line(function: str, at: datetime, logged: Mapping[str, Any]) -> LogLine:
    message, raised = str(logged.get("message", "")), str(logged.get("errorMessage", ""))
    if raised:
        error = _raised(str(logged.get("errorType", "error")), raised)
        message = f"{message} ({error})" if message and message not in raised else error
    detail = "\n".join(str(frame).rstrip("\n") for frame in logged.get("stackTrace", []))
    level, request_id = str(logged.get("level", "ERROR" if raised else "")), str(logged.get("requestId", ""))
    return LogLine(function, at, level, message, is_routine=False, detail=detail, request_id=request_id)


def _with_tracebacks_folded(call: list[LogLine]) -> list[LogLine]:
    """The lines of one invocation. If it has a traceback as text, all lines from the one
    before it on, but for Lambda's own, become one line."""
    first = next((index for index, line in enumerate(call) if line.message == TRACEBACK), None)
    if first is None:
        return call
    start = max(0, first - 1) if first and not call[first - 1].is_routine else first
    block = [line.message for line in call[start:] if not line.is_routine]
    raised = next((text for text in reversed(block) if text[:1].strip() and _RAISED.fullmatch(text)), TRACEBACK)
    folded = replace(call[start], level="ERROR", message=_short(raised), detail="\n".join(block))
    return [*call[:start], folded, *[line for line in call[start:] if line.is_routine]]


def _short(raised: str) -> str:
    """`package.module.Error: message` without the module; of `SomeFailed`, the message alone."""
    found = _RAISED.fullmatch(raised)
    return _raised(found["error"], found["message"] or "") if found else raised


def _raised(error: str, message: str) -> str:
    if error != SUMMARY:
        return f"{error}: {message}".removesuffix(": ")
    return _NESTED_SUMMARY.sub("", message)


def _with_repeats_as_routine(lines: Sequence[LogLine]) -> list[LogLine]:
    """Of the errors with a traceback that one invocation logged, the last says all that matters."""
    last = {line.request_id: line for line in lines if line.request_id and line.detail}
    return [
        replace(line, is_routine=True) if line.detail and last.get(line.request_id, line) != line else line
        for line in lines
    ]
