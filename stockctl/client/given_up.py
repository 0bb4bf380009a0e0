"""Whether Lambda gave up on a delivery, so that waiting for its receipt can end."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

from botocore.exceptions import BotoCoreError, ClientError

from stockctl.client.failure_queues import FailureQueues
from stockctl.client.failures import Failure

EVERY_SECONDS = 3.0
"""How often the queue is read; the first time after as long, when most deliveries have their receipts."""


class GivenUp:
    """Reads the failure queue at most every `EVERY_SECONDS`. Thread-safe."""

    def __init__(self, queues: FailureQueues, clock: Callable[[], float] = time.monotonic) -> None:
        self._queues = queues
        self._clock = clock
        self._lock = Lock()
        self._due = clock() + EVERY_SECONDS
        self._failures: list[Failure] = []

    def failure_of(self, key: str, version: str) -> Failure | None:
        """Why this version of a delivery was given up; None if it was not, or nobody may read that."""
        with self._lock:
            if self._clock() >= self._due:
                self._failures = self._read()
                self._due = self._clock() + EVERY_SECONDS
            return next((failure for failure in self._failures if failure.versions.get(key) == version), None)

    def _read(self) -> list[Failure]:
        try:
            return self._queues.failed_deliveries()
        except (ClientError, BotoCoreError):  # a supplier may not read the queue, and waits as before
            return []
