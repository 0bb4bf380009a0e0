"""Control characters in names and other data: a terminal must not get them, as they could rewrite the screen."""

from __future__ import annotations


def printable(text: str) -> str:
    """The text with escape sequences and other control characters replaced by `?`."""
    return text if text.isprintable() else "".join(letter if letter.isprintable() else "?" for letter in text)
