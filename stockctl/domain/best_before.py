"""Best-before dates as suppliers write them, each read in one way only.

What is recorded is the date as ISO 8601, so that the same day written in two ways is one batch. ISO dates, and times
with an offset, are recorded as they were written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from stockctl.domain.instants import NEVER, expiry_of
from stockctl.domain.rejection import Unusable

NEVER_WRITTEN = "never"
"""The best-before of what does not expire."""

FAR_AHEAD = int(timedelta(days=20 * 365.25).total_seconds())
"""A best-before further away than this (s) is recorded with a warning: it is more often a slip than meant."""

NO_DATE = "write a date such as 2031-12-31, or `never` if it does not expire"
_NONE = {"", "-", "--", "n/a", "na", "n.a.", "nil", "none", "null", "tbc", "tbd", "unknown", "?"}
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_YEAR_FIRST = re.compile(r"([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})")
_COMPACT = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_LOCAL = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?)")
_DAY_FIRST = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})")
_BY_ORDER = re.compile(r"([0-9]{1,2})([/-])([0-9]{1,2})\2([0-9]{4})")
_NAMED_MONTH = re.compile(r"([0-9]{1,2})[- ]([A-Za-z]{3,9})\.?[- ]([0-9]{4})")
_SHORT_YEAR = re.compile(r"[0-9]{1,2}[-/. ](?:[0-9]{1,2}|[A-Za-z]{3,9})[-/. ][0-9]{2}")
_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)


class DateOrder(StrEnum):
    """The order of day, month and year in dates with slashes whose year comes last; YMD leaves it open."""

    YMD = "YMD"
    DMY = "DMY"
    MDY = "MDY"


class BestBefore(NamedTuple):
    """A best-before as it is recorded, and when it passes (s since the epoch; NEVER where it does not)."""

    text: str
    expires_at: int


@dataclass(frozen=True)
class DateReading:
    """How a stack reads what a date leaves open: the time zone that a day ends in, and the order of its parts."""

    zone: ZoneInfo
    date_order: DateOrder = DateOrder.YMD

    def best_before(self, text: str) -> BestBefore:
        """The best-before that was written.

        Raises:
            Unusable: it is none, or could be read in two ways.
        """
        if text.casefold() == NEVER_WRITTEN:
            return BestBefore(NEVER_WRITTEN, NEVER)
        if text.casefold() in _NONE:
            raise Unusable("is missing", NO_DATE)
        written = text if _ISO.fullmatch(text) else _iso_of(text, self)
        return BestBefore(written, expiry_of(written, self.zone))


def _iso_of(text: str, reading: DateReading) -> str:
    """The same best-before as ISO 8601; what is not a known spelling is returned as it is."""
    if found := _YEAR_FIRST.fullmatch(text) or _COMPACT.fullmatch(text):
        year, *_, month, day = found.groups()
        return _day(year, month, day)
    if found := _LOCAL.fullmatch(text):
        return _local(found[1], found[2], reading.zone)
    if found := _DAY_FIRST.fullmatch(text):
        return _day(found[3], found[2], found[1])
    if found := _BY_ORDER.fullmatch(text):
        return _in_order(found[1], found[3], found[4], reading.date_order)
    if found := _NAMED_MONTH.fullmatch(text):
        return _day(found[3], _month(found[2]), found[1])
    if _SHORT_YEAR.fullmatch(text):
        raise Unusable("has a year of two digits", "write all four, as in 2031-12-31")
    return text


def _local(day: str, time: str, zone: ZoneInfo) -> str:
    """A date and time without an offset, in the stack's zone. Midnight sharp is how spreadsheets write a date alone."""
    if not time.strip("0:."):
        return _day(*day.split("-"))
    try:
        return datetime.fromisoformat(f"{day} {time}").replace(tzinfo=zone).isoformat()
    except ValueError:
        return f"{day} {time}"


def _in_order(first: str, second: str, year: str, order: DateOrder) -> str:
    day_first, month_first = _possible(year, second, first), _possible(year, first, second)
    if order is not DateOrder.YMD:
        chosen = day_first if order is DateOrder.DMY else month_first
        if chosen is None:
            raise Unusable(f"is not a date in the order {order.value}", "write it as in 2031-12-31")
        return chosen
    readings = {reading for reading in (day_first, month_first) if reading}
    if len(readings) > 1:
        raise Unusable(
            "could be read as day first or month first",
            "write it as in 2031-12-31, or set the stack's parameter DateOrder to DMY or MDY",
        )
    return readings.pop() if readings else _day(year, second, first)


def _possible(year: str, month: str, day: str) -> str | None:
    try:
        return _day(year, month, day)
    except Unusable:
        return None


def _day(year: str, month: str, day: str) -> str:
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError as error:
        raise Unusable("is not a date that exists", "write it as in 2031-12-31") from error


def _month(name: str) -> str:
    name = "sep" if name.casefold() == "sept" else name.casefold()
    return str(next((number for number, month in enumerate(_MONTHS, start=1) if name in {month, month[:3]}), 0))
