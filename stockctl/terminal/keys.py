"""Reads single keys without waiting: termios on POSIX, msvcrt on Windows, none without a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from stockctl.terminal.environment import Environment

_SINGLE = {"\r": "enter", "\n": "enter", "\x1b": "escape", "\x7f": "backspace", "\x08": "backspace"}
_LETTERS = {"A": "up", "B": "down", "C": "right", "D": "left", "H": "home", "F": "end"}
"""What ends a sequence that begins with `ESC [`, or with `ESC O` in application mode."""
_NUMBERS = {"1": "home", "4": "end", "5": "page up", "6": "page down", "7": "home", "8": "end"}
"""What stands between `ESC [` and `~`."""
_MSVCRT = {"H": "up", "P": "down", "M": "right", "K": "left", "I": "page up", "Q": "page down", "G": "home", "O": "end"}
"""What follows the code 0xE0 on Windows."""
_SEQUENCES = {
    **_SINGLE,
    **{f"\x1b[{letter}": key for letter, key in _LETTERS.items()},
    **{f"\x1bO{letter}": key for letter, key in _LETTERS.items()},
    **{f"\x1b[{number}~": key for number, key in _NUMBERS.items()},
    **{f"\xe0{letter}": key for letter, key in _MSVCRT.items()},
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
