"""How a handler processes a batch of events: it tries every part, then fails if one part failed.

The batch then comes again, whole or bisected. Repeating it is safe, so nothing is lost and nothing blocks the stream
for ever.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

from stockctl.operations.workers import workers_for

log = logging.getLogger(__name__)


class SomeFailed(Exception):
    """Part of a batch of events failed; the first error is the cause."""


@contextmanager
def all_tried() -> Iterator[Callable[[str, Callable[[], object]], None]]:
    """Yields a function that runs one named part of the work and keeps its error for the end.

    Raises:
        SomeFailed: at the end, where at least one part failed; each fault has been logged.
    """
    faults: list[Exception] = []

    def attempt(what: str, do: Callable[[], object]) -> None:
        try:
            do()
        except Exception as fault:
            log.exception("could not process %s", what)
            faults.append(fault)

    yield attempt
    if faults:
        raise SomeFailed(f"{len(faults)} failed; the first: {type(faults[0]).__name__}: {faults[0]}") from faults[0]


def each_tried(subjects: Collection[str], work: Callable[[str], object]) -> None:
    """Does the work for each subject, several at a time if there are many.

    Raises:
        SomeFailed: at the end, where at least one failed; each fault has been logged.
    """
    with all_tried() as attempt, ThreadPoolExecutor(workers_for(len(subjects))) as threads:
        for subject in subjects:
            threads.submit(attempt, subject, partial(work, subject))
