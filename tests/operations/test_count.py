"""A count's sheet on moto."""

from __future__ import annotations

import time

import pytest

from stockctl.domain.count import MAX_LINES, BookedLine, sheets_of
from stockctl.operations.count import Agreed, agree, book, compared
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


def test_no_more_is_taken_out_than_is_left_when_the_difference_is_booked(service: Service) -> None:
    """Some was used meanwhile; a repeat takes out nothing more."""
    service.drop("monday.csv", "ham,5,2099-12-31\n")
    tables = Tables(service.stock, TRANSACTIONS, time.time, service.stock.patience)
    (sheet,) = sheets_of("c", {"ham": 3}, None)
    (line,) = compared(tables, sheet)
    assert agree(tables, sheet, (line,)) == Agreed((line,))
    service.post("t", ham=4)
    assert book(tables, sheet, line) == BookedLine(line, -1)
    assert book(tables, sheet, line) == BookedLine(line, -1)
    level = service.stock.level("ham")
    assert level is not None
    assert (level.quantity, level.discarded) == (0, 1)


def test_of_units_that_are_all_used_none_is_taken_out(service: Service) -> None:
    service.drop("monday.csv", "ham,5,2099-12-31\n")
    tables = Tables(service.stock, TRANSACTIONS, time.time, service.stock.patience)
    (sheet,) = sheets_of("c", {"ham": 3}, None)
    (line,) = compared(tables, sheet)
    assert agree(tables, sheet, (line,)) == Agreed((line,))
    service.post("t", ham=5)
    assert book(tables, sheet, line) == BookedLine(line, 0)
