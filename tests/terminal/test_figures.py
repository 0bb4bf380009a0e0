"""Times near and far are rounded as people round them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockctl.terminal.figures import is_within_a_day, relative

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("away", "shown"),
    [
        (timedelta(0), "now"),
        (timedelta(seconds=59.4), "in 59 s"),
        (timedelta(seconds=59.6), "in 1 min"),
        (timedelta(seconds=0.4), "now"),
        (timedelta(minutes=59, seconds=40), "in 1 h"),
        (timedelta(hours=23, minutes=40), "in 24 h"),
        (timedelta(hours=46, minutes=50), "in 47 h"),
        (timedelta(hours=47, minutes=40), "in 2 d"),
        (timedelta(days=2, hours=11), "in 2 d"),
        (timedelta(days=2, hours=13), "in 3 d"),
        (timedelta(days=400), "in 400 d"),
        (timedelta(days=800), "in 2 y"),
        (-timedelta(hours=30), "30 h ago"),
    ],
)
def test_a_moment_is_shown_in_its_largest_unit_that_says_enough(away: timedelta, shown: str) -> None:
    assert relative(NOW + away, NOW) == shown


@given(st.timedeltas(timedelta(0), timedelta(days=4)))
def test_what_is_within_a_day_is_never_shown_as_further_away_and_the_other_way_round(away: timedelta) -> None:
    shown = relative(NOW + away, NOW)
    is_near = shown == "now" or shown.split()[2] in {"s", "min"} or shown in {f"in {hours} h" for hours in range(25)}
    assert is_within_a_day(NOW + away, NOW) == is_near


@given(st.timedeltas(timedelta(seconds=1), timedelta(days=3000)))
def test_what_is_shown_is_at_most_half_a_unit_from_the_truth(away: timedelta) -> None:
    _, count, unit = relative(NOW + away, NOW).split()
    span = {"s": 1, "min": 60, "h": 3600, "d": 86_400, "y": 86_400 * 365}[unit]
    assert abs(int(count) * span - away.total_seconds()) <= span / 2 + 1e-3
