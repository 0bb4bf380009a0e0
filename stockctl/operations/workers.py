"""How many threads process ingredients: each thread mostly waits for DynamoDB."""

from __future__ import annotations

WORKERS = 8

WORTH_A_WORKER = 10
"""Ingredients that one thread finishes before starting another one pays off."""


def workers_for(ingredients: int) -> int:
    """The number of threads for this many ingredients."""
    return min(WORKERS, 1 + ingredients // WORTH_A_WORKER)
