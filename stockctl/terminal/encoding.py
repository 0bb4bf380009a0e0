"""Streams that lack letters: a terminal shows the nearest it has, a pipe is told the letter by its number."""

from __future__ import annotations

import codecs
import io

NEAREST = {
    "\N{MINUS SIGN}": "-",
    "\N{MULTIPLICATION SIGN}": "x",
    "\N{HORIZONTAL ELLIPSIS}": "...",
    "\N{EM DASH}": "-",
    "\N{RIGHTWARDS ARROW}": "->",
}
"""What this program writes of its own accord beside ASCII, and what stands for it."""
HANDLER = "stockctl"


def write_what_can_be(stream: io.TextIOWrapper) -> None:
    """Sees to it that no letter makes a write fail, and that data in a pipe is not lost to a question mark."""
    stream.reconfigure(errors=HANDLER if stream.isatty() else "backslashreplace")


def _nearest(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(NEAREST.get(letter, "?") for letter in error.object[error.start : error.end]), error.end


codecs.register_error(HANDLER, _nearest)
