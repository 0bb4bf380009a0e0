"""How long an operation goes on trying: full jitter between attempts, until a deadline.

The jitter is AWS's "full jitter": each wait is drawn evenly from nothing up to a bound that doubles.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from stockctl.domain.errors import Busy


@dataclass(frozen=True)
class Patience:
    """Attempts with waits between them, for `seconds` at most. Clock, sleep and randomness are passed in by tests."""

    seconds: float = 5.0
    first_wait: float = 0.01
    longest_wait: float = 0.5
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = field(default=random.random)

    def attempts(self, what: str) -> Iterator[int]:
        """Numbers from 0 on, each after a wait; ends by raising once the next wait would outlast the deadline.

        Raises:
            Busy: the deadline has passed; `what` says what could not be done.
        """
        deadline = self.clock() + self.seconds
        attempt = 0
        while True:
            yield attempt
            wait = self.random() * min(self.longest_wait, self.first_wait * 2**attempt)
            if self.clock() + wait > deadline:
                raise Busy(f"{what}: others kept changing the same rows", "Try again in a moment.")
            self.sleep(wait)
            attempt += 1
