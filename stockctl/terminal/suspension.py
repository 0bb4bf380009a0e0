"""Ctrl-Z on a live screen: restores the terminal first, and redraws when the job continues."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Suspension:
    """Whether Ctrl-Z was pressed; `take` suspends, and returns when the job continues."""

    def __init__(self) -> None:
        self.is_wanted = False

    def take(self) -> None:
        """Suspends this process if Ctrl-Z was pressed; the terminal must have been restored before."""
        if sys.platform != "win32" and self.is_wanted:
            self.is_wanted = False
            handler = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
            signal.raise_signal(signal.SIGTSTP)
            signal.signal(signal.SIGTSTP, handler)

    def want(self, *_: object) -> None:
        """The signal handler."""
        self.is_wanted = True


@contextmanager
def suspending() -> Iterator[Suspension]:
    """Notes Ctrl-Z while the context lasts, where the system has it."""
    suspension = Suspension()
    if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
        yield suspension
        return
    before = signal.signal(signal.SIGTSTP, suspension.want)
    try:
        yield suspension
    finally:
        signal.signal(signal.SIGTSTP, before)
