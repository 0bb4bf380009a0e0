"""Rejections: what cannot be recorded of a delivery, where it stands, why, and what to write instead."""

from __future__ import annotations

from dataclasses import dataclass


class Unusable(ValueError):
    """A value that cannot be used: the reason, which other values may share, and what to write instead."""

    def __init__(self, reason: str, advice: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.advice = advice


@dataclass(frozen=True)
class Rejection:
    """Something that cannot be recorded. `column` is empty where the whole row or file is meant.

    Rows rejected for one cause have the same `reason`; `advice` is about this `value` alone.
    """

    line: int
    column: str
    value: str
    reason: str
    advice: str = ""

    @property
    def message(self) -> str:
        """Reason and advice in one sentence."""
        return f"{self.reason}: {self.advice}" if self.advice else self.reason


class UnreadableFile(Exception):
    """The file as a whole cannot be read, so nothing of it is recorded."""

    def __init__(self, rejection: Rejection) -> None:
        super().__init__(rejection.message)
        self.rejection = rejection
