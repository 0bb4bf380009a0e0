"""Commits: one DynamoDB transaction that changes levels, and how its id finds them again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

ID_LENGTH = 12


@dataclass(frozen=True)
class Commit:
    """One transaction that changes levels: a short id, which every level it changes keeps, and its time.

    `at` is in seconds since the epoch. The id connects the records of transactions with the level changes in history.
    """

    commit_id: str
    at: float

    @classmethod
    def of(cls, names: Iterable[str], at: float) -> Commit:
        """The commit of these names (what it does, transaction ids, ingredients) at this time.

        The id follows from both, so it needs no random source, and an attempt that is repeated later has another one.
        """
        content = "\n".join([repr(at), *names])
        return cls(hashlib.sha256(content.encode()).hexdigest()[:ID_LENGTH], at)
