"""Parts of a large file: no row lost or repeated, and every line number kept."""

from __future__ import annotations

import csv
import io

from hypothesis import example, given
from hypothesis import strategies as st

from stockctl.domain.best_before import DateReading
from stockctl.domain.delivery import Row, added_up
from stockctl.domain.parts import Part, parts_of
from stockctl.domain.rejection import UnreadableFile
from tests.domain.deliveries import UTC, rows_of

FIELDS = st.sampled_from(
    [
        *("ham", "Ham ", "egg", "two\nlines", "two\rlines", "two\r\nlines"),
        *("", "1", "12", "2,0", "2099-01-01", "31.12.2099", "never"),
    ]
)
RECORDS = st.lists(st.lists(FIELDS, min_size=1, max_size=4), min_size=1, max_size=40)


def written(records: list[list[str]], separator: str = ",") -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=separator).writerows(records)
    return text.getvalue().encode()


def in_parts(content: bytes, most: int = 5_000) -> list[Part]:
    return parts_of("d.csv", content, DateReading(UTC), most)


def rows_in(content: bytes) -> list[Row]:
    """The good rows; none of a file that cannot be read."""
    try:
        return [row for row in rows_of(content) if isinstance(row, Row)]
    except UnreadableFile:
        return []


def test_a_file_of_few_rows_is_its_only_part() -> None:
    content = b"ham,1,2099-01-01\n"
    assert [part.content for part in in_parts(content)] == [content]


def test_every_part_has_the_header_and_a_name_of_its_own() -> None:
    content = written([["Best_Before", "ingredient", "quantity"], *([["2099-01-01", "ham", "1"]] * 12)])
    parts = in_parts(content, 5)
    assert [part.key for part in parts] == ["d.part-1-of-3.csv", "d.part-2-of-3.csv", "d.part-3-of-3.csv"]
    assert [len(rows_in(part.content)) for part in parts] == [5, 5, 2]


def test_the_rows_of_an_ingredient_go_into_one_part() -> None:
    content = written([[f"i{number % 3}", "1", "2099-01-01"] for number in range(30)])
    assert [{row.ingredient for row in rows_in(part.content)} for part in in_parts(content, 10)] == [
        {"i0"},
        {"i1"},
        {"i2"},
    ]


def test_parts_of_a_file_with_a_separator_of_its_own_name_it() -> None:
    content = b"sep=^\n" + written([["ham", "1", "2099-01-01"]] * 4, "^")
    assert [len(rows_in(part.content)) for part in in_parts(content, 2)] == [2, 2]


def test_parts_of_a_plain_file_are_the_bytes_that_earlier_versions_made() -> None:
    """The same file sent again after an update is the same delivery."""
    content = written([["ham", "1", "2099-01-01"], ["egg", "2", "2099-01-01"], ["ham", "3", "2099-01-02"]])
    assert [part.content for part in in_parts(content, 2)] == [
        b"egg,2,2099-01-01\nham,1,2099-01-01\n",
        b"ham,3,2099-01-02\n",
    ]


@given(RECORDS, st.booleans(), st.sampled_from(",;|"), st.integers(1, 10))
@example([["two\rlines", "1", "2099-01-01"]], False, ",", 1)
def test_the_parts_hold_every_row_once_and_know_its_line(
    records: list[list[str]], has_header: bool, separator: str, most: int
) -> None:
    titles = [["ingredient", "quantity", "best_before"] if has_header else ["ham", "1", "2099-01-01"]]
    content = written([*titles, *records], separator)
    by_line = {row.line: row for row in rows_in(content)}
    try:
        parts = in_parts(content, most)
    except UnreadableFile:
        assert not by_line
        return
    found = {part.line_in_file(row.line): row for part in parts for row in rows_in(part.content)}
    assert {line: row._replace(line=0) for line, row in found.items()} == {
        line: row._replace(line=0) for line, row in by_line.items()
    }
    assert len(added_up(found.values())) == len(added_up(by_line.values()))
