"""DynamoDB's published rule for what a write costs, and the price of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

DOLLARS_PER_MILLION_WRITES = 0.625
DOLLARS_PER_MILLION_READS = 0.125
PRICED = "DynamoDB on demand, us-east-1, since 1 November 2024"


def item_bytes(item: Mapping[str, Mapping[str, Any]]) -> int:
    """The size of an item: the names and the values of its attributes, in bytes."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def write_units(item: Mapping[str, Mapping[str, Any]], transactional: bool = False) -> int:
    """A write unit per started kilobyte of the whole item; twice that in a transaction."""
    return math.ceil(item_bytes(item) / 1024) * (2 if transactional else 1)


def dollars_per_million(write: float, read: float = 0.0) -> float:
    """What a million operations of so many units each cost."""
    return write * DOLLARS_PER_MILLION_WRITES + read * DOLLARS_PER_MILLION_READS


def _value_bytes(value: Mapping[str, Any]) -> int:
    kind, content = next(iter(value.items()))
    if kind == "S":
        return len(content.encode())
    if kind == "N":
        return math.ceil(len(content.lstrip("-").strip("0")) / 2) + 1
    if kind == "SS":
        return sum(len(text.encode()) for text in content)
    raise ValueError(f"the benchmarks write no {kind}")
