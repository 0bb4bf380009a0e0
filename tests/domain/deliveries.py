"""Reading a supplier's file in a test."""

from __future__ import annotations

import io
from zoneinfo import ZoneInfo

from stockctl.domain.best_before import DateOrder, DateReading
from stockctl.domain.delivery import DeliveryFile, Row
from stockctl.domain.rejection import Rejection

UTC = ZoneInfo("UTC")
NOW = 1_795_400_000  # 2026-11-23


def delivery(content: str | bytes, order: DateOrder = DateOrder.YMD, now: float = NOW) -> DeliveryFile:
    body = content.encode() if isinstance(content, str) else content
    return DeliveryFile(io.BytesIO(body), DateReading(UTC, order), now)


def rows_of(content: str | bytes, now: float = NOW) -> list[Row | Rejection]:
    return list(delivery(content, now=now).rows())


def good(content: str | bytes) -> list[tuple[str, int, str]]:
    """The rows of a file without a bad one."""
    rows = rows_of(content)
    assert all(isinstance(row, Row) for row in rows), rows
    return [(row.ingredient, row.quantity, row.best_before) for row in rows if isinstance(row, Row)]


def rejected(content: str | bytes) -> Rejection:
    """The one row of a file that is rejected."""
    (row,) = (row for row in rows_of(content) if isinstance(row, Rejection))
    return row
