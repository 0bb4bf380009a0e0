"""Separators and headers: which column is which."""

from __future__ import annotations

import pytest

from stockctl.domain.delivery import Row
from stockctl.domain.rejection import UnreadableFile
from tests.domain.deliveries import delivery, good, rows_of

LEEK = [("leek", 40, "2031-05-01")]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("header", ["ingredient,quantity,best_before\n", ""])
def test_columns_may_be_separated_by_comma_semicolon_tab_or_pipe(separator: str, header: str) -> None:
    assert good((header + "leek,40,2031-05-01\n").replace(",", separator)) == LEEK


@pytest.mark.parametrize(
    ("line", "separator"),
    [
        ("sep=;", ";"),
        ("SEP=,", ","),
        ('"sep=|"', "|"),
        ("sep=\t", "\t"),
        ("sep=;;;", ";"),
        ("sep=^", "^"),
        ("sep=", ","),
    ],
)
@pytest.mark.parametrize("header", ["ingredient,quantity,best_before\n", ""])
def test_a_line_that_names_the_separator_is_obeyed_and_no_data(line: str, separator: str, header: str) -> None:
    assert good(f"{line}\r\n" + (header + "leek,40,2031-05-01\n").replace(",", separator)) == LEEK


def test_a_header_decides_the_separator_whatever_stands_in_the_rows() -> None:
    assert good("ingredient;quantity;best_before\nsalt, sea;1;2031-05-01\n") == [("salt, sea", 1, "2031-05-01")]


@pytest.mark.parametrize("ingredient", ["item", "Product", "ARTICLE", "name", "sku", "Ingredient"])
@pytest.mark.parametrize("quantity", ["qty", "Amount", "units", "count", "pieces"])
@pytest.mark.parametrize(
    "best_before",
    [
        *("expiry", "Expiry Date", "expiration-date", "expires", "use by", "USE_BY", "bbe", "BBD", "best by"),
        *("Best Before", "best-before", "BestBefore"),
    ],
)
def test_the_usual_words_for_a_column_are_known(ingredient: str, quantity: str, best_before: str) -> None:
    assert good(f"{best_before},{ingredient},{quantity}\n2031-05-01,leek,40\n") == LEEK


@pytest.mark.parametrize(
    "above",
    [
        "Delivery note 4711\n\n",
        "# made by hand\n",
        "Acme Ltd;;;\nMonday;;;\n\n",
        "Title\n" * 9,
        '"A title,\nof two lines"\n',
    ],
)
def test_titles_comments_and_blank_lines_above_a_header_are_skipped(above: str) -> None:
    assert good(f"{above}ingredient;quantity;best_before\nleek;40;2031-05-01\n") == LEEK


def test_a_header_below_the_tenth_line_is_not_looked_for() -> None:
    with pytest.raises(UnreadableFile, match="neither a header nor a row"):
        rows_of("Title\n" * 10 + "ingredient,quantity,best_before\nleek,40,2031-05-01\n")


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("Zutat,Menge,Haltbar bis\n40,10045,2031-05-01\n", 1),
        ("\nham,ten,2031-05-01\nleek,40,2031-05-01\n", 2),
        ("rice,1,000,2031-05-01\nleek,40,2031-05-01\n", 1),
        ("Notes\nleek,40,2031-05-01\n", 1),
        ('{"transactionId":"b1"}\n', 1),
        ('\ufeff{"transactionId":"b1","items":[{"typeId":"kale","quantity":1}]}\n', 1),
    ],
)
def test_without_a_header_a_file_whose_first_line_is_no_row_is_rejected_whole(content: str, line: int) -> None:
    with pytest.raises(UnreadableFile) as raised:
        rows_of(content)
    rejection = raised.value.rejection
    assert (rejection.line, rejection.value) == (line, content.strip("\n\ufeff").splitlines()[0])
    assert "ingredient, quantity and best_before" in rejection.message


def test_a_row_above_a_header_is_not_passed_over_as_a_title() -> None:
    with pytest.raises(UnreadableFile, match="neither a header nor a row"):
        rows_of("Title\nham,5,2031-05-01\ningredient,quantity,best_before\nleek,40,2031-05-01\n")


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("ingredient,number,best_before", "lacks the column quantity"),
        ("item,qty", "lacks the column best_before"),
        ("ingredient,quantity,quantity,best_before", "repeats the column quantity"),
        ("sku,name,qty,expiry", "repeats the column ingredient: it has sku and name"),
    ],
)
def test_a_header_that_lacks_or_repeats_a_column_is_rejected(header: str, reason: str) -> None:
    with pytest.raises(UnreadableFile, match=reason):
        rows_of(f"{header}\nleek,40,2031-05-01,x\n")


def test_the_columns_own_name_goes_before_other_words_for_it() -> None:
    file = delivery("name,ingredient,units,quantity,best_before\nLeek of Acme,leek,kg,40,2031-05-01\n")
    assert [row.ingredient for row in file.rows() if isinstance(row, Row)] == ["leek"]
    assert file.layout.ignored == ("name", "units")


def test_columns_that_are_not_read_are_named_but_not_those_of_a_rejects_file() -> None:
    file = delivery("line,reason,ingredient,quantity,,price,best_before,,\n2,bad,leek,40,,1.20,2031-05-01,,\n")
    assert file.layout.ignored == ("price",)
    assert len(list(file.rows())) == 1


def test_a_comma_in_a_number_is_a_decimal_sign_only_where_it_separates_no_columns() -> None:
    assert good("ingredient;quantity;best_before\nleek;40,00;2031-05-01\n") == LEEK
    assert good("ingredient;quantity;best_before\nleek;40.0;2031-05-01\n") == LEEK
    (row,) = rows_of('ingredient,quantity,best_before\nleek,"40,00",2031-05-01\n')
    assert not isinstance(row, Row)
    assert row.advice == "write 40"


def test_a_first_line_whose_quote_is_never_closed_is_rejected_for_that() -> None:
    """It explains more than that the line is neither a header nor a row."""
    with pytest.raises(UnreadableFile) as raised:
        list(rows_of('"ham,10,2099-01-01\n' + "egg,1,2099-01-01\n" * 3))
    assert "quote" in raised.value.rejection.reason
    assert raised.value.rejection.line == 1


def test_why_the_first_line_is_no_row_is_said_with_its_column() -> None:
    with pytest.raises(UnreadableFile) as raised:
        list(rows_of("ham,lots,2099-01-01\n"))
    assert "and as a row its quantity" in raised.value.rejection.advice


def test_a_quote_in_a_title_does_not_hide_the_header_below_it() -> None:
    """For a comma it opens a field that is never closed; the header shows that the separator is another one."""
    assert good('Delivery,"Monday\ningredient;quantity;best_before\nleek;40;2031-05-01\n') == LEEK
