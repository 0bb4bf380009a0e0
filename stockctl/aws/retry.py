"""Retries with "full jitter" until a deadline: each wait is random between 0 and a bound that doubles."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from stockctl.domain.errors import Busy


@dataclass(frozen=True)
class Patience:
    """How long, and how often, an operation is retried. Tests pass their own clock, sleep and randomness."""

    seconds: float = 5.0
    first_wait: float = 0.01
    longest_wait: float = 0.5
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = field(default=random.random)

    def attempts(self, what: str) -> Iterator[int]:
        """Yields 0, 1, 2, … with a wait before each but the first.

        Raises:
            Busy: the next wait would end after the deadline. `what` names the operation in the message.
        """
        deadline = self.clock() + self.seconds
        attempt = 0
        while True:
            yield attempt
            wait = self.random() * min(self.longest_wait, self.first_wait * 2**attempt)
            if self.clock() + wait > deadline:
                raise Busy(f"{what}: too much contention for the same rows", "Try again in a moment.")
            self.sleep(wait)
            attempt += 1
