"""Names that look like other names: what a misspelt ingredient may have meant.

A slip is a letter or two. Names that share words, as two cuts of one meat do, or that differ in a number are no slips.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import islice

SHORT, MIDDLE = 3, 5
"""Letters up to which a slip is one letter too many or too few (ham and hamm, not jam), or one wrong (leak, leek)."""

MOST = 200
"""Names that are looked at: comparing takes a while, and where this many are new nothing is misspelt."""


@dataclass(frozen=True)
class _Name:
    """A name without accents; `letters` has a bit for each letter, so that most pairs are told apart at a glance."""

    text: str
    letters: int
    numbers: tuple[str, ...]

    @classmethod
    def of(cls, name: str) -> _Name:
        text = "".join(letter for letter in unicodedata.normalize("NFKD", name) if not unicodedata.combining(letter))
        letters = 0
        for letter in text:
            letters |= 1 << ord(letter) % 128
        return cls(text, letters, tuple(re.findall("[0-9]+", text)))


def lookalikes(names: Iterable[str], known: Collection[str]) -> dict[str, str]:
    """For each name that is not known but looks like one that is, the one it looks like most."""
    others = {other: _Name.of(other) for other in sorted(known)}
    found = {}
    for name in islice((name for name in names if name not in known), MOST):
        mine = _Name.of(name)
        slips = {other: slip for other, plain in others.items() if (slip := _slip(mine, plain)) is not None}
        if slips:
            found[name] = min(slips, key=lambda other: slips[other])
    return found


def _slip(name: _Name, other: _Name) -> int | None:
    """How many letters apart two names are, where that is so few that one may be meant by the other."""
    if (name.letters ^ other.letters).bit_count() > 4 or name.numbers != other.numbers:
        return None
    shorter, longer = sorted((len(name.text), len(other.text)))
    most = 1 if shorter <= MIDDLE else 2
    is_another = longer == shorter <= SHORT and name.text != other.text
    if longer < SHORT or longer - shorter > most or is_another:
        return None
    apart = _letters_apart(name.text, other.text)
    return apart if apart <= most else None


def _letters_apart(name: str, other: str) -> int:
    """Letters to add, leave out, replace or swap with their neighbour (Damerau and Levenshtein's distance)."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(name, start=1):
        row, before, earlier = [i], row, before
        for j, there in enumerate(other, start=1):
            best = min(row[-1] + 1, before[j] + 1, before[j - 1] + (letter != there))
            if i > 1 and j > 1 and letter == other[j - 2] and name[i - 2] == there:
                best = min(best, earlier[j - 2] + 1)
            row.append(best)
    return row[-1]
