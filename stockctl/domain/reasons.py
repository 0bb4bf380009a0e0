"""Rejections and warnings by reason: each reason once, with the number of rows it stands for and a few examples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from stockctl.domain.rejection import Rejection

EXAMPLES = 3
MAX_REASONS = 100
"""Reasons that are kept apart; rows with others are counted together."""

MAX_VALUE = 200
"""Characters of a value that are kept."""

OTHER_REASONS = "cannot be recorded, for other reasons"


@dataclass
class SharedReason:
    """One reason: the column it is about, the number of rows, and the first of them."""

    column: str
    reason: str
    rows: int = 0
    examples: list[Rejection] = field(default_factory=list)


class Reasons:
    """Rows by reason, in the order in which the reasons came up. Memory does not grow with the rows."""

    def __init__(self, rejections: Iterable[Rejection] = ()) -> None:
        self._found: dict[tuple[str, str], SharedReason] = {}
        for rejection in rejections:
            self.add(rejection)

    def __iter__(self) -> Iterator[SharedReason]:
        return iter(self._found.values())

    def __len__(self) -> int:
        return sum(reason.rows for reason in self)

    def add(self, rejection: Rejection) -> None:
        """Counts a row, and keeps it as an example while there are few."""
        key = (rejection.column, rejection.reason)
        if key not in self._found and len(self._found) >= MAX_REASONS:
            key = ("", OTHER_REASONS)
        reason = self._found.setdefault(key, SharedReason(*key))
        reason.rows += 1
        if len(reason.examples) < EXAMPLES:
            reason.examples.append(shortened(rejection))


def shortened(rejection: Rejection) -> Rejection:
    """The same, with no more of its value than people want to see."""
    return replace(rejection, value=rejection.value[:MAX_VALUE])
