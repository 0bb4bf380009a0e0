"""Reads single keys without waiting: termios on POSIX, msvcrt on Windows, none without a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from stockctl.terminal.environment import Environment

_SEQUENCES = {
    "\x1b[A": "up",
    "\x1b[B": "down",
    "\x1b[C": "right",
    "\x1b[D": "left",
    "\x1bOA": "up",
    "\x1bOB": "down",
    "\x1bOC": "right",
    "\x1bOD": "left",
    "\x1b[5~": "page up",
    "\x1b[6~": "page down",
    "\x1b[H": "home",
    "\x1b[F": "end",
    "\x1bOH": "home",
    "\x1bOF": "end",
    "\x1b[1~": "home",
    "\x1b[4~": "end",
    "\x1b[7~": "home",
    "\x1b[8~": "end",
    "\r": "enter",
    "\n": "enter",
    "\x1b": "escape",
    "\x7f": "backspace",
    "\x08": "backspace",
    "\xe0H": "up",
    "\xe0P": "down",
    "\xe0M": "right",
    "\xe0K": "left",
    "\xe0I": "page up",
    "\xe0Q": "page down",
    "\xe0G": "home",
    "\xe0O": "end",
}


class Keys(Protocol):
    """A source of keys."""

    def pressed(self) -> list[str]:
        """The keys pressed since the last call: `up`, `down`, `left`, `right`, `page up`, `page down`, `home`, `end`,
        `enter`, `escape`, `backspace`, or the character."""
        ...


class NoKeys:
    """A stdin that is not a terminal."""

    def pressed(self) -> list[str]:
        """No keys."""
        return []


def decoded(text: str) -> list[str]:
    """The names of the keys in a terminal's input; unknown sequences are ignored."""
    keys: list[str] = []
    while text:
        length = next((size for size in (4, 3, 2, 1) if text[:size] in _SEQUENCES), 0)
        if length == 1 and text.startswith(("\x1b[", "\x1bO")):
            end = next((index for index, one in enumerate(text[2:], 2) if one.isalpha() or one == "~"), len(text) - 1)
            text = text[end + 1 :]
        elif length:
            keys.append(_SEQUENCES[text[:length]])
            text = text[length:]
        else:
            keys.append(text[0])
            text = text[1:]
    return keys


@contextmanager
def reading_keys(environment: Environment) -> Iterator[Keys]:
    """Reads the terminal's keys without echo while the context lasts, then restores the terminal."""
    if not environment.stdin_is_terminal:
        yield NoKeys()
    elif sys.platform == "win32":
        yield _WindowsKeys()
    else:
        with _posix_keys(environment.stdin.fileno()) as keys:
            yield keys


if sys.platform == "win32":
    import msvcrt

    class _WindowsKeys:
        def pressed(self) -> list[str]:
            text = ""
            while msvcrt.kbhit():
                text += msvcrt.getwch().replace("\x00", "\xe0")
            return decoded(text)

else:
    import select
    import termios
    import tty

    class _PosixKeys:
        def __init__(self, descriptor: int) -> None:
            self._descriptor = descriptor

        def pressed(self) -> list[str]:
            text = b""
            while select.select([self._descriptor], [], [], 0)[0]:
                part = os.read(self._descriptor, 1024)
                if not part:  # the terminal is gone
                    break
                text += part
            return decoded(text.decode(errors="replace"))

    @contextmanager
    def _posix_keys(descriptor: int) -> Iterator[Keys]:
        before = termios.tcgetattr(descriptor)
        tty.setcbreak(descriptor)
        try:
            yield _PosixKeys(descriptor)
        finally:
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
