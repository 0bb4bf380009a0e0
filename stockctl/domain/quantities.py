"""Quantities: whole units, as people and spreadsheets write them. What could be read two ways is refused."""

from __future__ import annotations

import re
from decimal import Decimal

from stockctl.domain.rejection import Unusable
from stockctl.domain.stock import MAX_QUANTITY

_MOST_DIGITS = 30
_WHOLE = re.compile(r"([0-9]{1,30})([.,])(0{1,30})")
_GROUPS = re.compile(r"([0-9]{1,3}(?:[ ,.'\u2019_\u00a0\u202f\u2009][0-9]{3}){1,9})(?:[.,]0{1,2})?")
_FRACTION = re.compile(r"([0-9]{1,20})[.,]([0-9]{1,20})")
_WITH_UNIT = re.compile(r"([0-9]{1,20}(?:[.,][0-9]{1,20})?)[ \u00a0\u202f]?([^\W\d_]{1,12}\.?)")


def quantity_of(text: str, *, decimal_comma: bool = False, least: int = 1) -> int:
    """The units that were written: a whole number from `least` to 1,000,000,000, in digits.

    `40.0` is 40, and so is `40,0` with `decimal_comma`: there the comma is not what separates the columns.

    Raises:
        Unusable: it is not that, with what to write instead.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        text = _whole_part(text, decimal_comma=decimal_comma, least=least)
    units = int(text)
    if not least <= units <= MAX_QUANTITY:
        raise _not_whole(least)
    return units


def thousands_in(first: str, second: str) -> str | None:
    """The number that a comma for thousands has cut into two neighbouring fields: 1 and 000 are 1000."""
    first, second = first.strip(), second.strip()
    is_cut = re.fullmatch("[0-9]{1,3}", first) and re.fullmatch("[0-9]{3}", second)
    return first + second if is_cut else None


def _whole_part(text: str, *, decimal_comma: bool, least: int) -> str:
    """The digits of a number with nothing but zeros after the decimal sign.

    Raises:
        Unusable: it is another number, or none.
    """
    if whole := _WHOLE.fullmatch(text):
        digits, sign, zeros = whole.groups()
        if len(zeros) == 3:  # a thousand in one country, one in another
            raise Unusable(
                "has a thousands separator or decimals", f"write {digits}{zeros}, or {digits} if it means that"
            )
        if sign == "." or decimal_comma:
            return digits
        raise Unusable("has decimals", f"write {digits}")
    if groups := _GROUPS.fullmatch(text):
        raise Unusable("has a thousands separator", f"write {re.sub('[^0-9]', '', groups[1])}")
    if fraction := _FRACTION.fullmatch(text):
        raise Unusable("is not a whole number", _in_grams(f"{fraction[1]}.{fraction[2]}"))
    if with_unit := _WITH_UNIT.fullmatch(text):
        number = with_unit[1].replace(",", ".")
        alone = f"write {number} alone, or " if "." not in number else ""
        raise Unusable("has a unit", alone + _in_grams(number))
    raise _not_whole(least)


def _not_whole(least: int) -> Unusable:
    return Unusable(f"is not a whole number from {least} to {MAX_QUANTITY:,}")


def _in_grams(number: str) -> str:
    thousandfold = Decimal(number) * 1000
    if thousandfold != int(thousandfold):
        return "whole units: count in smaller ones"
    return f"whole units: write {int(thousandfold)} and count in grams"
