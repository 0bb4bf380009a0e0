"""A count's sheet on moto."""

from __future__ import annotations

import time

import pytest

from stockctl.domain.count import MAX_LINES, sheets_of
from stockctl.operations.count import Agreed, agree, compared
from stockctl.operations.use import Tables
from tests.service import TRANSACTIONS, Service


@pytest.mark.parametrize("when", [None, "2040-01-01T00:00:00Z"])
def test_a_full_sheet_fits_into_one_transaction(service: Service, when: str | None) -> None:
    """DynamoDB takes at most 100 actions: a condition check for each ingredient, and the record."""
    first, second = sheets_of("c", {f"i{number:03}": 0 for number in range(MAX_LINES + 1)}, when)
    assert (len(first.counted), len(second.counted)) == (MAX_LINES, 1)
    tables = Tables(service.stock, TRANSACTIONS, time.time, service.stock.patience)
    lines = compared(tables, first)
    assert agree(tables, first, lines) == Agreed(lines)
    assert agree(tables, first, lines) == Agreed(lines, replayed=True)
