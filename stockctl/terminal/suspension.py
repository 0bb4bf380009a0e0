"""Ctrl-Z on a live screen: the terminal is put back first, and the screen is drawn anew when the job goes on."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Suspension:
    """Whether the operator has asked to stop for now. `take` does so, and returns when the job goes on."""

    def __init__(self) -> None:
        self.is_wanted = False

    def take(self) -> None:
        """Stops this process as Ctrl-Z does, if that is wanted; the terminal must have been put back before."""
        if sys.platform != "win32" and self.is_wanted:
            self.is_wanted = False
            handler = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
            signal.raise_signal(signal.SIGTSTP)
            signal.signal(signal.SIGTSTP, handler)

    def want(self, *_: object) -> None:
        """The handler of the signal."""
        self.is_wanted = True


@contextmanager
def suspending() -> Iterator[Suspension]:
    """Takes note of Ctrl-Z while the context lasts; where there is no such thing, it never happens."""
    suspension = Suspension()
    if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
        yield suspension
        return
    before = signal.signal(signal.SIGTSTP, suspension.want)
    try:
        yield suspension
    finally:
        signal.signal(signal.SIGTSTP, before)
