"""Quantities: whole units, and nothing that could be read in two ways."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockctl.domain.quantities import quantity_of
from stockctl.domain.rejection import Unusable


@pytest.mark.parametrize(("text", "units"), [("1", 1), ("40", 40), ("40.0", 40), ("40.00", 40), ("1000000000", 10**9)])
def test_whole_units_are_read(text: str, units: int) -> None:
    assert quantity_of(text) == units


@pytest.mark.parametrize("text", ["40,0", "40,00"])
def test_a_decimal_comma_is_read_where_commas_separate_no_columns(text: str) -> None:
    assert quantity_of(text, decimal_comma=True) == 40
    with pytest.raises(Unusable, match="has decimals") as raised:
        quantity_of(text)
    assert raised.value.advice == "write 40"


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("2.5", "whole units: write 2500 and count in grams"),
        ("2,5", "whole units: write 2500 and count in grams"),
        ("0.0001", "whole units: count in smaller ones"),
        ("10 kg", "write 10 alone, or whole units: write 10000 and count in grams"),
        ("2.5kg", "whole units: write 2500 and count in grams"),
        ("1 000", "write 1000"),
        ("1\u00a0000", "write 1000"),
        ("1'000", "write 1000"),
        ("1_000", "write 1000"),
        ("12,345,678", "write 12345678"),
        ("1.000.000", "write 1000000"),
        ("1,234", "write 1234"),
        ("1,000", "write 1000, or 1 if it means that"),
        ("1.000", "write 1000, or 1 if it means that"),
    ],
)
@pytest.mark.parametrize("decimal_comma", [True, False])
def test_what_is_no_whole_number_says_what_to_write(text: str, advice: str, decimal_comma: bool) -> None:
    with pytest.raises(Unusable) as raised:
        quantity_of(text, decimal_comma=decimal_comma)
    assert raised.value.advice == advice


@pytest.mark.parametrize(
    "text", ["0", "-1", "1e3", "ten", "1000000000000", "+1", "٣", "²", "9" * 40, "1\x00", "NaN", "0.0"]
)
def test_anything_else_is_no_whole_number(text: str) -> None:
    with pytest.raises(Unusable, match="whole number from 1 to 1,000,000,000"):
        quantity_of(text)


@given(st.text(alphabet="0123456789., '_kgx-+e\u00a0", max_size=12), st.booleans())
def test_a_number_is_never_read_as_another(text: str, decimal_comma: bool) -> None:
    """What is read is what stands before the decimal sign, if any, and after that there is nothing but zeros."""
    try:
        units = quantity_of(text, decimal_comma=decimal_comma)
    except Unusable:
        return
    digits, _, zeros = text.replace(",", ".").partition(".")
    assert int(digits) == units
    assert set(zeros) <= {"0"}
    assert len(zeros) != 3
