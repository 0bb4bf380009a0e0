"""Parts of a large file: nothing lost, nothing twice, and every line known."""

from __future__ import annotations

import csv
import io
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from stockctl.domain.delivery import Row, UnreadableFile, added_up, read_rows, text_lines
from stockctl.domain.parts import parts_of

UTC = ZoneInfo("UTC")
FIELDS = st.sampled_from(["ham", "Ham ", "egg", "two\nlines", "", "1", "12", "2099-01-01", "2099-01-02", "never"])
RECORDS = st.lists(st.lists(FIELDS, min_size=1, max_size=4), min_size=1, max_size=40)


def written(records: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(records)
    return text.getvalue().encode()


def rows_in(content: bytes) -> list[Row]:
    """The good rows; none of an empty file."""
    try:
        return [row for row in read_rows(text_lines(io.BytesIO(content)), UTC, 0) if isinstance(row, Row)]
    except UnreadableFile:
        return []


def test_a_file_of_few_rows_is_its_only_part() -> None:
    content = b"ham,1,2099-01-01\n"
    assert [part.content for part in parts_of("d.csv", content)] == [content]


def test_every_part_has_the_header_and_a_name_of_its_own() -> None:
    content = written([["Best_Before", "ingredient", "quantity"], *([["2099-01-01", "ham", "1"]] * 12)])
    parts = parts_of("d.csv", content, 5)
    assert [part.key for part in parts] == ["d.part-1-of-3.csv", "d.part-2-of-3.csv", "d.part-3-of-3.csv"]
    assert [len(rows_in(part.content)) for part in parts] == [5, 5, 2]


def test_the_rows_of_an_ingredient_go_into_one_part() -> None:
    content = written([[f"i{number % 3}", "1", "2099-01-01"] for number in range(30)])
    assert [{row.ingredient for row in rows_in(part.content)} for part in parts_of("d.csv", content, 10)] == [
        {"i0"},
        {"i1"},
        {"i2"},
    ]


@given(RECORDS, st.booleans(), st.integers(1, 10))
def test_the_parts_hold_every_row_once_and_know_its_line(records: list[list[str]], has_header: bool, most: int) -> None:
    titles = [["ingredient", "quantity", "best_before"]] if has_header else []
    content = written([*titles, *records])
    parts = parts_of("d.csv", content, most)
    by_line = {row.line: row for row in rows_in(content)}
    found = {part.line_in_file(row.line): row for part in parts for row in rows_in(part.content)}
    assert set(found) == set(by_line)
    assert {(line, row.ingredient, row.quantity) for line, row in found.items()} == {
        (line, row.ingredient, row.quantity) for line, row in by_line.items()
    }
    assert len(added_up(found.values())) == len(added_up(by_line.values()))
