"""How a handler works through a batch of events: every part is tried, and one failure fails the batch afterwards.

The batch then comes again, whole or bisected; all of it is safe to repeat, so nothing is lost and nothing blocks for
ever.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)


class SomeFailed(Exception):
    """Some of a batch of events could not be worked; the first fault is the cause."""


@contextmanager
def all_tried() -> Iterator[Callable[[str, Callable[[], object]], None]]:
    """Gives a function that does one named part of the work and keeps its fault, if any, for the end.

    Raises:
        SomeFailed: at the end, where at least one part failed; each fault has been logged.
    """
    faults: list[Exception] = []

    def attempt(what: str, do: Callable[[], object]) -> None:
        try:
            do()
        except Exception as fault:
            log.exception("could not work %s", what)
            faults.append(fault)

    yield attempt
    if faults:
        raise SomeFailed(f"{len(faults)} failed; the first: {faults[0]!r}") from faults[0]
