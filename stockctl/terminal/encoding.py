"""Output streams with limited encodings: a terminal shows the nearest character, a pipe an escape sequence."""

from __future__ import annotations

import codecs
import io
from collections.abc import Mapping

from stockctl.terminal.glyphs import is_ascii_locale

NEAREST = {
    "\N{MINUS SIGN}": "-",
    "\N{MULTIPLICATION SIGN}": "x",
    "\N{HORIZONTAL ELLIPSIS}": "...",
    "\N{EM DASH}": "-",
    "\N{RIGHTWARDS ARROW}": "->",
}
"""The program's own characters beyond ASCII, and their replacements."""
HANDLER = "stockctl"


def write_what_can_be(stream: io.TextIOWrapper, variables: Mapping[str, str]) -> None:
    """Makes every write succeed, without losing data in a pipe to question marks.

    A terminal in the C locale gets ASCII, as it asks for; Python would send UTF-8.
    """
    if not stream.isatty():
        stream.reconfigure(errors="backslashreplace")
    elif is_ascii_locale(variables):
        stream.reconfigure(encoding="ascii", errors=HANDLER)
    else:
        stream.reconfigure(errors=HANDLER)


def _nearest(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(NEAREST.get(letter, "?") for letter in error.object[error.start : error.end]), error.end


codecs.register_error(HANDLER, _nearest)
