"""What the functions have logged, all of them together in the order of time."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from stockctl.aws.errors import code_of

if TYPE_CHECKING:
    from mypy_boto3_logs.type_defs import FilteredLogEventTypeDef

    from stockctl.aws.clients import Clients

POLL_SECONDS = 2.0
OVERLAP_SECONDS = 30.0
"""CloudWatch may show a line later than one that is younger: so far back each reading looks again."""

PLATFORM = ("START RequestId", "END RequestId", "REPORT RequestId", "INIT_START")


@dataclass(frozen=True)
class LogLine:
    """One line of one function's log. A routine line is of the platform's own, or a metric."""

    function: str
    at: datetime
    level: str
    message: str
    is_routine: bool


class FunctionLogs:
    """The logs of these functions: the name that users know, and the function's own."""

    def __init__(self, clients: Clients, functions: Mapping[str, str]) -> None:
        self._clients = clients
        self._functions = functions

    def since(self, start: float) -> list[LogLine]:
        """All lines since `start` (s since the epoch)."""
        return [line for _, line in self._read(start)]

    def following(self, start: float, sleep: Callable[[float], None] = time.sleep) -> Iterator[LogLine]:
        """All lines since `start`, and then each as it comes, for ever."""
        seen: set[str] = set()
        while True:
            found = self._read(start)
            yield from (line for event_id, line in found if event_id not in seen)
            seen = {event_id for event_id, _ in found}
            start = max(start, time.time() - OVERLAP_SECONDS)
            sleep(POLL_SECONDS)

    def _read(self, start: float) -> list[tuple[str, LogLine]]:
        found = [
            (event.get("eventId", ""), line_of(name, event))
            for name, function in self._functions.items()
            for event in self._events(f"/aws/lambda/{function}", start)
        ]
        return sorted(found, key=lambda each: each[1].at)

    def _events(self, group: str, start: float) -> Iterable[FilteredLogEventTypeDef]:
        pages = self._clients.logs.get_paginator("filter_log_events")
        try:
            for page in pages.paginate(logGroupName=group, startTime=int(start * 1000)):
                yield from page["events"]
        except self._clients.logs.exceptions.ClientError as error:
            if code_of(error) != "ResourceNotFoundException":  # a log group that somebody deleted has no lines
                raise


def line_of(function: str, event: FilteredLogEventTypeDef) -> LogLine:
    """A log event as a line; of Lambda's JSON what was said is taken out."""
    text = event.get("message", "").rstrip("\n")
    at = datetime.fromtimestamp(event.get("timestamp", 0) / 1000, UTC)
    try:
        said = json.loads(text)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        return LogLine(function, at, "", text, text.startswith(PLATFORM))
    if "message" not in said:
        return LogLine(function, at, "", text, is_routine=True)
    trace = "".join(f"\n{line}" for line in said.get("stackTrace", []))
    error = ": ".join(str(said[key]) for key in ("errorType", "errorMessage") if said.get(key))
    message = f"{said['message']}{f' ({error})' if error else ''}{trace}"
    return LogLine(function, at, str(said.get("level", "")), message, is_routine=False)
