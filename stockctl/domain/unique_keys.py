"""JSON objects without repeated keys: which of two values is meant would be a guess."""

from __future__ import annotations

from collections import Counter


class RepeatedKey(ValueError):
    """A key appears twice in one object."""


def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object of these pairs, as `json.loads` calls its `object_pairs_hook`.

    Raises:
        RepeatedKey: a key appears twice.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        [(twice, _)] = Counter(key for key, _ in pairs).most_common(1)
        raise RepeatedKey(f"has the key {twice[:50]!r} more than once in one object")
    return found
