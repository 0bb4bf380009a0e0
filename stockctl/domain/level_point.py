"""A level over time, as charts show it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Point:
    """The level of an ingredient from `at` (seconds since the epoch) until the next point, and its cause."""

    version: int
    at: float
    quantity: int
    received: int
    used: int
    expired: int
    cause: str
    discarded: int = 0
    returned: int = 0
