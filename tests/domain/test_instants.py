"""Best-before dates: when stock expires."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from stockctl.domain.instants import expiry_of, iso, iso_seconds, time_zone


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def test_a_date_is_good_through_the_end_of_that_day_in_the_stacks_time_zone() -> None:
    assert expiry_of("2026-12-31", ZoneInfo("UTC")) == at("2027-01-01T00:00:00+00:00")
    assert expiry_of("2026-12-31", ZoneInfo("America/New_York")) == at("2027-01-01T05:00:00+00:00")


def test_a_day_that_summer_time_shortens_ends_when_its_clocks_say() -> None:
    assert expiry_of("2026-03-28", ZoneInfo("Europe/London")) == at("2026-03-29T00:00:00+00:00")
    assert expiry_of("2026-03-29", ZoneInfo("Europe/London")) == at("2026-03-30T00:00:00+01:00")


@pytest.mark.parametrize("text", ["2026-12-31T18:00:00Z", "2026-12-31T19:00:00+01:00", "2026-12-31 18:00:00+00:00"])
def test_a_time_with_an_offset_is_exact(text: str) -> None:
    assert expiry_of(text, ZoneInfo("Asia/Tokyo")) == at("2026-12-31T18:00:00+00:00")


def test_a_fraction_of_a_second_never_makes_stock_last_longer() -> None:
    assert expiry_of("2026-12-31T18:00:00.999Z", ZoneInfo("UTC")) == at("2026-12-31T18:00:00+00:00")


@pytest.mark.parametrize(
    "text",
    [
        *("", "2026", "2026-12", "20261231", "2026-12-31T18:00:00", "2026-W01-1"),
        *("9999-12-31", "9999-12-31T23:59:59-05:00"),  # in year 10,000, which no answer could tell of
        f"2026-12-31T18:00:00.{'0' * 1_000}Z",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a date"):
        expiry_of(text, ZoneInfo("UTC"))


def test_an_unknown_time_zone_says_what_to_write() -> None:
    with pytest.raises(ValueError, match="Europe/London"):
        time_zone("Mars/Olympus")
    with pytest.raises(ValueError, match="not a known time zone"):
        time_zone("../etc/passwd")


def test_instants_are_printed_in_utc() -> None:
    moment = datetime(2026, 11, 23, 12, 0, 0, 250_000, tzinfo=UTC).timestamp()
    assert iso(moment) == "2026-11-23T12:00:00.250Z"
    assert iso_seconds(int(moment)) == "2026-11-23T12:00:00Z"
