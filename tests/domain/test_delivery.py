"""Suppliers' files: what is read of them, and what is said about the rest."""

from __future__ import annotations

import contextlib
import csv
import io
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockctl.domain.delivery import (
    Rejection,
    Row,
    UnreadableFile,
    added_up,
    delivery_key,
    read_rows,
    records_at,
    text_lines,
)

UTC = ZoneInfo("UTC")
NOW = 1_795_400_000  # 2026-11-23


def rows_of(content: bytes, zone: ZoneInfo = UTC, now: int = NOW) -> list[Row | Rejection]:
    return list(read_rows(text_lines(io.BytesIO(content)), zone, now))


def good(content: bytes) -> list[tuple[str, int, str]]:
    rows = rows_of(content)
    assert all(isinstance(row, Row) for row in rows), rows
    return [(row.ingredient, row.quantity, row.best_before) for row in rows if isinstance(row, Row)]


def rejected(line: bytes) -> Rejection:
    (row,) = rows_of(line)
    assert isinstance(row, Rejection)
    return row


ARTICLE = b"""ingredient,quantity,best_before
pepperoni,2000,2019-03-15
mushroom,1000,2018-11-30
pineapple,500,2018-03-15
ham,3000,2018-12-31
"""


def test_the_articles_example_is_long_past_its_best_and_every_row_says_so() -> None:
    rows = rows_of(ARTICLE)
    assert [row.line for row in rows] == [2, 3, 4, 5]
    assert all(isinstance(row, Rejection) and "expired" in row.reason for row in rows)


def test_the_articles_example_with_dates_to_come_is_recorded_row_by_row() -> None:
    content = ARTICLE.replace(b"2018", b"2028").replace(b"2019", b"2029")
    assert good(content)[0] == ("pepperoni", 2000, "2029-03-15")
    assert len(good(content)) == 4


@pytest.mark.parametrize(
    "content",
    [
        b"ham,30,2028-12-31\n",
        b"ham,30,2028-12-31",
        b"ingredient,quantity,best_before\nham,30,2028-12-31\n",
        b"ingredient,quantity,best_before\r\nham,30,2028-12-31\r\n",
        b"\xef\xbb\xbfingredient,quantity,best_before\nham,30,2028-12-31\n",
        b"\xef\xbb\xbfham,30,2028-12-31\n",
        b"Best_Before , QUANTITY,Ingredient\n2028-12-31,30,ham\n",
        b"ingredient,supplier,quantity,best_before\nham,Acme,30,2028-12-31\n",
        b'"ham","30","2028-12-31"\n',
        b"\n\n  ,  ,  \nham,30,2028-12-31\n\n",
        b" Ham ,  30 ,2028-12-31 \n",
    ],
)
def test_every_way_to_write_a_row_reads_the_same(content: bytes) -> None:
    assert good(content) == [("ham", 30, "2028-12-31")]


def test_names_are_trimmed_folded_and_composed() -> None:
    assert good("  Cre\u0301me   FRAI\u0302CHE ,1,2028-01-01".encode())[0][0] == "cr\u00e9me fra\u00eeche"


def test_a_quoted_name_may_hold_commas_and_line_breaks_count_as_space() -> None:
    assert good(b'"cheese,\nblue",1,2028-01-01\nham,1,2028-01-01')[0][0] == "cheese, blue"


def test_a_line_number_is_that_of_the_rows_first_line() -> None:
    rows = rows_of(b'"cheese,\nblue",1,2028-01-01\nham,0,2028-01-01')
    assert [row.line for row in rows] == [1, 3]


@pytest.mark.parametrize("quantity", ["0", "-1", "1.5", "1e3", "ten", "1000000000000", "1_000", "+1", "٣", "9" * 40])
def test_a_quantity_that_is_not_a_whole_number_in_range_is_rejected_by_line_and_value(quantity: str) -> None:
    rejection = rejected(f"ham,{quantity},2028-12-31".encode())
    assert (rejection.line, rejection.column, rejection.value) == (1, "quantity", quantity)
    assert "whole number from 1 to 1,000,000,000" in rejection.reason


@pytest.mark.parametrize("quantity", [1, 1_000_000_000])
def test_the_bounds_of_a_quantity_are_good(quantity: int) -> None:
    assert good(f"ham,{quantity},2028-12-31".encode())[0][1] == quantity


@pytest.mark.parametrize(
    "best_before",
    ["2028-02-30", "31.12.2028", "20281231", "2028-12-31T10:00", "soon", "2028-12-31T25:00:00Z", "9999-12-31"],
)
def test_an_impossible_date_is_rejected(best_before: str) -> None:
    assert rejected(f"ham,1,{best_before}".encode()).column == "best_before"


def test_a_missing_column_is_named() -> None:
    assert rejected(b"ham,1").column == "best_before"
    assert rejected(b"ham,,2028-01-01").column == "quantity"
    assert rejected(b",1,2028-01-01").column == "ingredient"


def test_a_row_with_too_many_fields_is_not_guessed_at() -> None:
    assert "4 fields where 3" in rejected(b"ham,1,000,2028-01-01").reason


def test_a_bad_row_does_not_cost_the_good_ones() -> None:
    rows = rows_of(b"ham,1,2028-01-01\nham,0,2028-01-01\nham,2,2028-01-02\n")
    assert [type(row) for row in rows] == [Row, Rejection, Row]


def test_text_after_a_closing_quote_costs_only_its_row() -> None:
    rows = rows_of(b'ham,1,2028-01-01\n"ham"x,1,2028-01-01\negg,1,2028-01-01\n')
    assert [type(row) for row in rows] == [Row, Rejection, Row]
    assert rows[1].line == 2


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"\n \n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        ("ham,1,2028-01-01".encode("utf-16"), "UTF-8"),
        (b"ham,1,2028-01-01\nham\xff,1,2028-01-01\n", "UTF-8"),
        (b'ham,1,2028-01-01\n"ham,1,2028-01-01\n', "never closed"),
        (b"ingredient,qty,best_before\nham,1,2028-01-01\n", "lacks the column quantity"),
        (b"ingredient,quantity,quantity,best_before\n", "repeats the column quantity"),
    ],
)
def test_a_file_that_cannot_be_read_as_a_whole_says_why(content: bytes, reason: str) -> None:
    with pytest.raises(UnreadableFile, match=reason):
        rows_of(content)


def test_a_header_alone_has_no_rows() -> None:
    assert rows_of(b"ingredient,quantity,best_before\n") == []


def test_rows_with_the_same_ingredient_and_best_before_are_added_up() -> None:
    rows = [row for row in rows_of(b"ham,1,2028-01-01\nHAM,2,2028-01-01\nham,4,2028-01-02") if isinstance(row, Row)]
    assert [(row.quantity, row.line) for row in added_up(rows)] == [(3, 1), (4, 3)]


def test_rejected_records_can_be_written_out_to_be_mended() -> None:
    content = b"quantity,ingredient,best_before\n0,ham,2028-01-01\n5,egg,2028-01-01\n"
    assert list(records_at(io.BytesIO(content), {2})) == [["ham", "0", "2028-01-01"]]


def test_the_same_file_makes_the_same_delivery_and_another_file_another() -> None:
    assert delivery_key("monday.csv", "a" * 64) == "monday-aaaaaaaaaaaa.csv"
    assert delivery_key("MONDAY.CSV", "a" * 64) == "MONDAY-aaaaaaaaaaaa.CSV"
    assert delivery_key("Monday.Csv", "a" * 64) == "Monday-aaaaaaaaaaaa.csv"  # the bucket tells of .csv and .CSV alone
    assert delivery_key("monday", "b" * 64) == "monday-bbbbbbbbbbbb.csv"


@given(st.binary(max_size=300))
def test_no_file_whatever_it_holds_breaks_the_reader(content: bytes) -> None:
    lines = []
    with contextlib.suppress(UnreadableFile):
        lines = [row.line for row in rows_of(content)]
    assert lines == sorted(lines)


@given(st.lists(st.tuples(st.text(min_size=1, max_size=20), st.integers(-5, 5), st.sampled_from(["2028-01-01", "x"]))))
def test_every_row_is_either_recorded_or_rejected_and_none_is_lost(lines: list[tuple[str, int, str]]) -> None:
    out = io.StringIO()
    csv.writer(out).writerow(["ingredient", "quantity", "best_before"])
    csv.writer(out).writerows(lines)
    assert len(rows_of(out.getvalue().encode())) == len(lines)
