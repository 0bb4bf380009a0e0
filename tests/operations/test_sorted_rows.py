"""Staged rows: added up, grouped, and bounded in memory."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from stockctl.domain.delivery import Row
from stockctl.operations.sorted_rows import StagedRows

FLAT = """
import resource, io
from zoneinfo import ZoneInfo
from stockctl.operations.sorted_rows import StagedRows
from stockctl.domain.best_before import DateReading
from stockctl.domain.delivery import DeliveryFile
ROWS = {rows}

class File(io.RawIOBase):
    def __init__(self): self.left = ROWS
    def readable(self): return True
    def readinto(self, into):
        line = b"" if not self.left else b"ingredient %d,%d,2099-01-%02d\\n" % (self.left % 5000, 1, 1 + self.left % 28)
        self.left -= bool(self.left)
        into[:len(line)] = line
        return len(line)

with StagedRows() as staged:
    staged.add(DeliveryFile(io.BufferedReader(File(), 1 << 16), DateReading(ZoneInfo("UTC")), 3e9).rows())
    rows = sum(len(group) for group in staged.groups(970))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, rows)
"""


@pytest.fixture
def staged() -> Iterator[StagedRows]:
    with StagedRows() as rows:
        yield rows


def row(line: int, ingredient: str = "ham", quantity: int = 1, best_before: str = "2099-01-01") -> Row:
    return Row(line, ingredient, quantity, best_before, 4_000_000_000 + line)


def test_rows_of_one_ingredient_and_best_before_are_added_up(staged: StagedRows) -> None:
    staged.add([row(1, quantity=2), row(2, "egg"), row(3, quantity=3)])
    assert list(staged.groups(10)) == [[row(2, "egg")], [row(1, quantity=5)]]


def test_groups_hold_one_ingredient_and_no_more_than_asked(staged: StagedRows) -> None:
    staged.add(row(day, best_before=f"2099-01-{day:02}") for day in range(1, 8))
    assert [len(group) for group in staged.groups(3)] == [3, 3, 1]


def test_rows_that_could_not_be_recorded_are_not_among_those_that_were(staged: StagedRows) -> None:
    staged.add([row(1), row(2, "egg"), row(3, "oil")])
    for group in staged.groups(10):  # marked while the rows are being read, as a recording does
        staged.mark_unrecorded(one for one in group if one.ingredient == "egg")
    assert staged.recorded(10) == [row(1), row(3, "oil")]
    assert staged.recorded(1) == [row(1)]
    assert staged.recorded_count() == 2


def test_an_empty_delivery_has_no_expiry(staged: StagedRows) -> None:
    assert staged.last_expiry() is None
    assert not list(staged.groups(10))


def test_ten_times_the_rows_take_no_more_memory() -> None:
    peaks = {rows: _peak_megabytes(rows) for rows in (20_000, 200_000)}
    assert peaks[200_000] < peaks[20_000] + 24


def _peak_megabytes(rows: int) -> int:
    ended = subprocess.run([sys.executable, "-c", FLAT.format(rows=rows)], capture_output=True, text=True, check=True)
    megabytes, staged_rows = ended.stdout.split()
    assert int(staged_rows) == min(rows, 35_000)
    return int(megabytes)
