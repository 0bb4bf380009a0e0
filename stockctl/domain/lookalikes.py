"""Names that look like other names: what a misspelt ingredient may have meant."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from difflib import get_close_matches
from itertools import islice

LIKENESS = 0.7
"""How alike two names are, from 0 to 1, that one may be taken for the other: leak and leek, not ham and jam."""

MOST = 500
"""Names that are looked at: comparing takes a while, and where this many are new nothing is misspelt."""


def lookalikes(names: Iterable[str], known: Collection[str]) -> dict[str, str]:
    """For each name that is not known but looks like one that is, the one it looks like most."""
    absent = (name for name in names if name not in known)
    matches = {name: get_close_matches(name, known, n=1, cutoff=LIKENESS) for name in islice(absent, MOST)}
    return {name: match[0] for name, match in matches.items() if match}
