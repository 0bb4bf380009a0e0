"""Suppliers' files: what is read, and why the rest is rejected."""

from __future__ import annotations

import pytest

from stockctl.domain.best_before import FAR_AHEAD
from stockctl.domain.decoding import MAX_LINE
from stockctl.domain.delivery import Row, added_up, delivery_key, file_of, is_delivery
from stockctl.domain.instants import iso
from stockctl.domain.rejection import Rejection, UnreadableFile
from tests.domain.deliveries import NOW, delivery, good, rejected, rows_of

ARTICLE = """ingredient,quantity,best_before
pepperoni,2000,2019-03-15
mushroom,1000,2018-11-30
pineapple,500,2018-03-15
ham,3000,2018-12-31
"""
HEADER = "ingredient,quantity,best_before\n"


def test_the_articles_example_has_expired_and_every_row_is_rejected_for_that() -> None:
    for content in (ARTICLE, ARTICLE.partition("\n")[2]):
        rows = rows_of(content)
        assert len(rows) == 4
        assert all(isinstance(row, Rejection) and "expired" in row.reason for row in rows)


def test_the_articles_example_with_dates_to_come_is_recorded_row_by_row() -> None:
    content = ARTICLE.replace("2018", "2028").replace("2019", "2029")
    assert good(content)[0] == ("pepperoni", 2000, "2029-03-15")
    assert len(good(content)) == 4


@pytest.mark.parametrize(
    "content",
    [
        "ham,30,2028-12-31\n",
        "ham,30,2028-12-31",
        HEADER + "ham,30,2028-12-31\n",
        "ingredient,quantity,best_before\r\nham,30,2028-12-31\r\n",
        "ingredient,quantity,best_before\rham,30,2028-12-31\r",
        "Best_Before , QUANTITY,Ingredient\n2028-12-31,30,ham\n",
        "ingredient,supplier,quantity,best_before\nham,Acme,30,2028-12-31\n",
        '"ham","30","2028-12-31"\n',
        "\n\n  ,  ,  \nham,30,2028-12-31\n\n",
        " Ham ,  30 ,2028-12-31 \n",
        HEADER + "ham,30,2028-12-31,,\n",
        "ham,30,2028-12-31,,,\n",
        "ham;30,0;31.12.2028\n",
    ],
)
def test_every_way_to_write_a_row_reads_the_same(content: str) -> None:
    assert good(content) == [("ham", 30, "2028-12-31")]


def test_names_are_trimmed_folded_and_composed() -> None:
    assert good("  Cre\u0301me   FRAI\u0302CHE ,1,2028-01-01")[0][0] == "cr\u00e9me fra\u00eeche"


@pytest.mark.parametrize("unseen", ["\u2800", "\u3164", "\u034f", "\ufe0f", "\U000e0100", "\u200b", "\u115f"])
def test_a_name_with_characters_that_cannot_be_seen_is_rejected(unseen: str) -> None:
    assert "cannot be seen" in rejected(f"{HEADER}ha{unseen}m,1,2028-01-01").reason


def test_a_quoted_name_may_hold_commas_and_line_breaks_count_as_space() -> None:
    assert good('"cheese,\nblue",1,2028-01-01\nham,1,2028-01-01')[0][0] == "cheese, blue"


def test_a_line_number_is_that_of_the_rows_first_line() -> None:
    rows = rows_of('"cheese,\nblue",1,2028-01-01\nham,0,2028-01-01')
    assert [row.line for row in rows] == [1, 3]


def test_a_missing_value_is_named() -> None:
    assert rejected(HEADER + "ham,1").column == "best_before"
    assert rejected(HEADER + "ham,,2028-01-01").column == "quantity"
    assert rejected(HEADER + ",1,2028-01-01").column == "ingredient"


def test_a_row_with_too_many_fields_is_rejected_and_a_thousands_comma_explained() -> None:
    rejection = rejected(HEADER + "rice,1,000,2028-01-01\nham,1,2028-01-01")
    assert "4 fields where 3" in rejection.reason
    assert rejection.advice == "write 1000"
    assert rejected(HEADER + "ham,1,2028-01-01,extra").advice == "put quotes around a value with ',' in it"


def test_an_invalid_row_does_not_reject_the_valid_ones() -> None:
    rows = rows_of("ham,1,2028-01-01\nham,0,2028-01-01\nham,2,2028-01-02\n")
    assert [type(row) for row in rows] == [Row, Rejection, Row]


def test_text_after_a_closing_quote_costs_only_its_row() -> None:
    rows = rows_of('ham,1,2028-01-01\n"ham"x,1,2028-01-01\negg,1,2028-01-01\n')
    assert [type(row) for row in rows] == [Row, Rejection, Row]
    assert rows[1].line == 2


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        ("", 1, "the file is empty"),
        ("\n \n", 1, "the file is empty"),
        ("\ufeff", 1, "the file is empty"),
        ("sep=;\n", 2, "the file is empty"),
        ("sep=,\n,,\n", 2, "the file is empty"),
        ("\n" * 100_000, 1, "the file is empty"),
        (HEADER, 2, "a header and no rows"),
        (HEADER + ",,\n\n", 2, "a header and no rows"),
        ('ham,1,2028-01-01\n"ham,1,2028-01-01\n', 2, "never closed"),
        (HEADER + '"ham,1,2028-01-01\n' + "egg,1,2028-01-01\n" * 20_000, 2, "never closed"),
        ('"ham', 1, "never closed"),
        ('ham,"', 1, "never closed"),
        (f"{HEADER}{'x' * 70_000},1,2028-01-01\n", 2, "longer than 64 KB"),
        ("," * 200_000, 1, "longer than 64 KB"),
    ],
)
def test_a_file_that_cannot_be_read_as_a_whole_says_why(content: str, line: int, reason: str) -> None:
    with pytest.raises(UnreadableFile, match=reason) as raised:
        rows_of(content)
    assert raised.value.rejection.line == line


def test_a_row_below_many_blank_lines_is_found_with_its_line() -> None:
    assert [row.line for row in rows_of("\n" * 25 + "ham,1,2028-01-01\n")] == [26]


def test_rows_with_the_same_ingredient_and_best_before_are_added_up() -> None:
    rows = [row for row in rows_of("ham,1,2028-01-01\nHAM,2,01.01.2028\nham,4,2028-01-02") if isinstance(row, Row)]
    assert [(row.quantity, row.line) for row in added_up(rows)] == [(3, 1), (4, 3)]


def test_a_best_before_decades_ahead_is_recorded_with_a_warning() -> None:
    file = delivery("ham,1,2047-01-01\nham,1,2046-01-01\nsalt,1,never\n")
    assert all(isinstance(row, Row) for row in file.rows())
    (warning,) = file.warnings
    assert (warning.rows, warning.examples[0].line) == (1, 1)
    assert "20 years" in warning.reason


def test_a_row_has_expired_from_the_second_of_its_best_before_on() -> None:
    for seconds, kind in ((0, Rejection), (1, Row)):
        (row,) = rows_of(f"ham,1,{iso(NOW + seconds)}\n")
        assert type(row) is kind


@pytest.mark.parametrize(("seconds", "warnings"), [(0, 0), (1, 1)])
def test_a_warning_begins_just_beyond_twenty_years(seconds: int, warnings: int) -> None:
    file = delivery(f"ham,1,{iso(NOW + FAR_AHEAD + seconds)}\n")
    assert len(list(file.rows())) == 1
    assert len(file.warnings) == warnings


def test_a_line_may_have_exactly_64_kb() -> None:
    """With its line end."""
    longest = '"leek",40,2031-05-01'.rjust(MAX_LINE - 1) + "\n"
    assert good(longest.replace('"', "")) == [("leek", 40, "2031-05-01")]
    with pytest.raises(UnreadableFile, match="longer than 64 KB"):
        rows_of(" " + longest)


def test_each_row_comes_with_the_lines_it_stands_on() -> None:
    content = 'sep=;\n\ningredient;quantity;best_before\n\nham;ten;2028-01-01;\n"cheese\nblue";1;2028-01-01\negg;1;x'
    texts = [(row.line, text) for row, text in delivery(content).rows_with_text()]
    assert texts == [(5, "ham;ten;2028-01-01;"), (6, '"cheese\nblue";1;2028-01-01'), (8, "egg;1;x")]


def test_the_same_file_makes_the_same_delivery_and_another_file_another() -> None:
    assert delivery_key("monday.csv", "a" * 64) == "monday-aaaaaaaaaaaa.csv"
    assert delivery_key("MONDAY.CSV", "a" * 64) == "MONDAY-aaaaaaaaaaaa.CSV"
    assert delivery_key("Monday.Csv", "a" * 64) == "Monday-aaaaaaaaaaaa.csv"
    assert delivery_key("monday", "b" * 64) == "monday-bbbbbbbbbbbb.csv"


@pytest.mark.parametrize(
    ("delivery_name", "name", "digest"),
    [
        ("monday.csv", "monday", ""),
        ("acme/monday-0123456789ab.csv", "acme/monday", "-0123456789ab"),
        ("monday-0123456789ab.part-1-of-3.csv", "monday", "-0123456789ab"),
        ("notes.txt", "notes.txt", ""),
    ],
)
def test_a_delivery_knows_the_file_it_was_made_from(delivery_name: str, name: str, digest: str) -> None:
    assert file_of(delivery_name) == (name, digest)


@pytest.mark.parametrize(
    ("delivery", "name", "is_meant"),
    [
        ("monday-0123456789ab.csv", "monday.csv", True),
        ("monday-0123456789ab.csv", "monday", True),
        ("monday-0123456789ab.csv", "monday-0123456789ab.csv", True),
        ("monday-0123456789ab.csv", "monday-ba9876543210.csv", False),
        ("monday-0123456789ab.part-1-of-2.csv", "monday-0123456789ab.csv", True),
        ("monday.csv", "monday.csv", True),
        ("monday.csv", "monday-0123456789ab.csv", False),
        ("monday.csv", "tuesday.csv", False),
        ("deliveries/monday.txt", "deliveries/monday.txt", True),
    ],
)
def test_a_delivery_is_named_by_its_key_or_by_its_file(delivery: str, name: str, is_meant: bool) -> None:
    assert is_delivery(delivery, name) is is_meant
