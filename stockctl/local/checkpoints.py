"""Saves the emulator's state while it runs, so that a kill -9 loses seconds and not everything.

MiniStack writes its state on a graceful shutdown only. This calls the same functions of it every few seconds, when
something has changed. They are not part of its published interface: a release without them is run all the same, and
then saves at shutdown alone.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from stockctl.local.home import Home, Saved, now_text

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS_BETWEEN = 5.0
REST_FACTOR = 20
"""A save stops the emulator while it lasts: at most one part in so many of the time goes there."""

logger = logging.getLogger("stockctl.local")


class Checkpoints:
    """Knows whether there is something to save, and saves it."""

    def __init__(self, home: Home, save: Callable[[], None] | None) -> None:
        self._home = home
        self._save = save
        self._unsaved_since: str | None = None
        self._going_on = 0
        self._last: str | None = home.saved().at
        home.record_saved(Saved(at=self._last, clean=False))

    def changed(self) -> None:
        """Something may have changed in the emulator."""
        if self._unsaved_since is None:
            self._unsaved_since = now_text(datetime.now(UTC))
            self._home.record_saved(Saved(self._last, self._unsaved_since, clean=False))

    @contextmanager
    def change(self) -> Iterator[None]:
        """Something may change in the emulator while this lasts, and is not in a save made meanwhile."""
        self._going_on += 1
        self.changed()  # before the caller has an answer: what it was told of is never lost without a word
        try:
            yield
        finally:
            self._going_on -= 1

    def save(self) -> float:
        """Saves if there is something to save; the seconds it took."""
        if self._save is None or self._unsaved_since is None:
            return 0.0
        started = time.monotonic()
        self._unsaved_since = None
        self._save()
        self._last = now_text(datetime.now(UTC))
        self._home.record_saved(Saved(at=self._last, clean=False))
        if self._going_on:
            self.changed()
        return time.monotonic() - started

    def closed(self) -> None:
        """The emulator has shut down, and saved its state as it did."""
        self._home.record_saved(Saved(at=now_text(datetime.now(UTC))))

    async def keep(self) -> None:
        """Saves for as long as the task lives. Runs in the emulator's own loop, so that its handlers stand still."""
        rest = SECONDS_BETWEEN
        while True:
            await asyncio.sleep(rest)
            rest = max(SECONDS_BETWEEN, REST_FACTOR * self.save())


def ministack_save() -> Callable[[], None] | None:
    """What saves MiniStack's state, or None where this release has no such thing."""
    try:
        states = importlib.import_module("ministack.app")._build_persistence_save_dict
        save_all = importlib.import_module("ministack.core.persistence").save_all
    except (ImportError, AttributeError):
        logger.warning("this release of MiniStack cannot save while it runs: state is saved at shutdown only")
        return None
    return lambda: save_all(states())
