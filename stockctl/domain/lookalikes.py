"""What a misspelt ingredient may have meant: the known names that it resembles.

A misspelling is one or two wrong letters. Names that share words, such as two cuts of one meat, or that differ in a
number, are different ingredients.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import islice

SHORT, MIDDLE = 3, 5
"""Names of up to `SHORT` letters may lack a letter, have one too many or two swapped (hamm, hma for ham, but not jam);
those of up to `MIDDLE` letters may have one wrong letter (leak for leek)."""

SUGGESTED = 3
"""The most suggestions for one name."""

MOST = 200
"""Names that are compared, since that takes time: where more are new, few of them are misspelt."""


@dataclass(frozen=True)
class _Name:
    """A name without accents; `letters` has a bit for each letter, so that most pairs are ruled out fast."""

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


def lookalikes(
    names: Iterable[str], known: Collection[str], *, certainly_wrong: bool = False
) -> dict[str, tuple[str, ...]]:
    """For each unknown name that resembles known ones: those, the most similar first.

    Of names that are `certainly_wrong`, since only known ones can be meant, short ones may have a wrong letter too (han
    for ham).
    """
    others = {other: _Name.of(other) for other in sorted(known)}
    found = {}
    for name in islice((name for name in names if name not in known), MOST):
        mine = _Name.of(name)
        all_slips = {other: _slip(mine, plain, certainly_wrong=certainly_wrong) for other, plain in others.items()}
        slips = {other: slip for other, slip in all_slips.items() if slip is not None}
        if slips:
            found[name] = tuple(sorted(slips, key=lambda other: slips[other])[:SUGGESTED])
    return found


def _slip(name: _Name, other: _Name, *, certainly_wrong: bool) -> int | None:
    """The number of wrong letters if one name may be a misspelling of the other, else None."""
    if (name.letters ^ other.letters).bit_count() > 4 or name.numbers != other.numbers:
        return None
    shorter, longer = sorted((len(name.text), len(other.text)))
    most = 1 if shorter <= MIDDLE else 2
    is_another = not certainly_wrong and longer == shorter <= SHORT and sorted(name.text) != sorted(other.text)
    if longer < SHORT or longer - shorter > most or is_another:
        return None
    apart = _letters_apart(name.text, other.text)
    return apart if apart <= most else None


def _letters_apart(name: str, other: str) -> int:
    """The number of letters to add, remove, replace or swap with their neighbour (Damerau-Levenshtein distance)."""
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
