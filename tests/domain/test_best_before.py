"""Best-before dates: each is read in one way, or not at all."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from stockctl.domain.best_before import DateOrder, DateReading
from stockctl.domain.instants import NEVER
from stockctl.domain.rejection import Unusable

UTC = ZoneInfo("UTC")
YMD, DMY, MDY = (DateReading(UTC, order) for order in DateOrder)
END_OF_2031 = int(datetime.fromisoformat("2032-01-01T00:00:00+00:00").timestamp())


@pytest.mark.parametrize(
    "text",
    [
        *("2031-12-31", "2031/12/31", "2031.12.31", "20311231", "2031-12-31 00:00:00", "2031-12-31T00:00:00.000"),
        *("31.12.2031", "31-Dec-2031", "31-december-2031", "31 DEC 2031", "31/12/2031", "12/31/2031", "31-12-2031"),
    ],
)
def test_the_same_day_in_many_spellings_is_one_best_before(text: str) -> None:
    assert YMD.best_before(text) == ("2031-12-31", END_OF_2031)


@pytest.mark.parametrize("text", ["5/5/2031", "05/05/2031"])
def test_a_date_that_reads_the_same_in_both_orders_needs_none(text: str) -> None:
    assert YMD.best_before(text).text == "2031-05-05"


def test_a_date_with_slashes_goes_by_the_stacks_order() -> None:
    assert DMY.best_before("03/04/2031").text == "2031-04-03"
    assert MDY.best_before("03/04/2031").text == "2031-03-04"
    with pytest.raises(Unusable, match="day first or month first") as raised:
        YMD.best_before("03/04/2031")
    assert "DateOrder" in raised.value.advice


@pytest.mark.parametrize(("reading", "text"), [(DMY, "12/31/2031"), (MDY, "31/12/2031")])
def test_a_date_against_the_stacks_order_is_not_turned_round(reading: DateReading, text: str) -> None:
    with pytest.raises(Unusable, match="is not a date in the order"):
        reading.best_before(text)


@pytest.mark.parametrize("reading", [YMD, DMY, MDY])
def test_dates_with_dots_are_day_first_whatever_the_order(reading: DateReading) -> None:
    assert reading.best_before("3.4.2031").text == "2031-04-03"


@pytest.mark.parametrize("text", ["never", "NEVER", "Never"])
def test_what_never_expires_comes_after_everything_else(text: str) -> None:
    assert YMD.best_before(text) == ("never", NEVER)
    assert YMD.best_before("9999-12-30").expires_at < NEVER


@pytest.mark.parametrize(
    "text", ["", "N/A", "na", "n.a.", "-", "--", "nil", "None", "null", "TBC", "tbd", "unknown", "?"]
)
def test_no_date_at_all_is_rejected_with_what_to_write(text: str) -> None:
    with pytest.raises(Unusable, match="is missing") as raised:
        YMD.best_before(text)
    assert "never" in raised.value.advice


@pytest.mark.parametrize(
    "text",
    [
        *("2028-02-30", "30.02.2028", "30/02/2028", "30-Feb-2028", "20280230", "31122031", "31.12.31", "31/12/31"),
        *("31-Dec-31", "31-Dez-2031", "31-ec-2031", "2028-12-31T25:00:00Z", "2028-12-31 25:00", "soon", "46387"),
        *("2028", "2028-12", "9999-12-31", "1/2/3/2031", "31.12/2031", "2028-W01-1", "2031-12-31Z", "٣١.12.2031"),
    ],
)
@pytest.mark.parametrize("reading", [YMD, DMY, MDY])
def test_anything_else_is_no_date(reading: DateReading, text: str) -> None:
    with pytest.raises(Unusable):
        reading.best_before(text)


def test_a_time_without_an_offset_is_in_the_stacks_zone() -> None:
    reading = DateReading(ZoneInfo("Europe/Berlin"))
    read = reading.best_before("2031-12-31 18:00")
    assert read == ("2031-12-31T18:00:00+01:00", END_OF_2031 - 7 * 3600)


@pytest.mark.parametrize("text", ["2031-12-31T18:00:00+01:00", "2031-12-31 18:00:00Z", "2031-12-31"])
def test_iso_dates_and_times_are_recorded_as_they_were_written(text: str) -> None:
    """Batch ids are made of them, so a file of an earlier version makes the same batches."""
    assert YMD.best_before(text).text == text


@pytest.mark.parametrize(("digits", "is_read"), [("123456789", True), ("1234567890", False)])
def test_a_time_has_at_most_nanoseconds(digits: str, is_read: bool) -> None:
    """A best-before is part of a key, and a key has no room for more."""
    text = f"2031-12-31T18:00:00.{digits}+01:00:00"
    if is_read:
        assert YMD.best_before(text).text == text
    else:
        with pytest.raises(Unusable):
            YMD.best_before(text)
