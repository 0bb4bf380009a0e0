"""When a watch is over, and whether that is a success."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from stockctl.domain.errors import StockctlError
from stockctl.domain.level_change import LevelChange
from stockctl.domain.level_condition import LevelCondition
from stockctl.terminal.durations import short

WAIT_LONGER = "Give a longer --duration, or none to wait without a limit."


@dataclass
class WatchEnd:
    """Ends a watch after a number of changes, after a duration, or when a level meets a condition."""

    count: int | None = None
    duration: timedelta | None = None
    until: LevelCondition | None = None
    monotonic: Callable[[], float] = time.monotonic
    seen: int = field(default=0, init=False)
    is_met: bool = field(default=False, init=False)
    _deadline: float | None = field(default=None, init=False)
    _known: Mapping[str, int] = field(default_factory=dict, init=False)

    def begin(self) -> None:
        """Starts the duration; connecting to the stream takes none of it."""
        if self.duration is not None:
            self._deadline = self.monotonic() + self.duration.total_seconds()

    def skip(self, versions: Mapping[str, int]) -> None:
        """Leaves out changes up to these versions of each ingredient: they are older than the watch."""
        self._known = versions

    def level(self, ingredient: str, quantity: int) -> None:
        """Notes a level."""
        if self.until is not None and ingredient == self.until.ingredient and self.until.holds(quantity):
            self.is_met = True

    def change(self, change: LevelChange) -> None:
        """Notes a change."""
        if change.version <= self._known.get(change.ingredient, 0):
            return
        self.seen += 1
        self.level(change.ingredient, change.quantity)

    @property
    def has_enough(self) -> bool:
        """Whether the condition holds, or enough changes came."""
        return self.is_met or (self.count is not None and self.seen >= self.count)

    @property
    def is_over(self) -> bool:
        """Whether the watch ends now."""
        return self.has_enough or (self._deadline is not None and self.monotonic() >= self._deadline)

    def raise_if_missed(self) -> None:
        """Checks a watch that has ended.

        Raises:
            StockctlError: the duration was over before the condition held or enough changes came.
        """
        if self.duration is None or self.has_enough or not self.is_over:
            return
        within = f"within {short(self.duration.total_seconds())}"
        if self.until is not None:
            raise StockctlError(f"{self.until} did not hold {within}", WAIT_LONGER)
        if self.count is not None:
            changes = "change" if self.count == 1 else "changes"
            raise StockctlError(f"{self.seen} of {self.count} {changes} came {within}", WAIT_LONGER)
