"""Durations are read as people write them."""

from __future__ import annotations

import pytest

from stockctl.domain.errors import UsageError
from stockctl.terminal.durations import duration_of, short


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("5m", 300), ("1h30m", 5400), ("2d", 172_800), ("1.5h", 5400), ("1h 30m", 5400), ("250ms", 0.25)],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert duration_of(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "5", "m", "5x", "-5m", "0s", "5m3", "٣m", "9999999w", "1e3s"])
def test_anything_else_is_an_error_that_names_the_option(text: str) -> None:
    with pytest.raises(UsageError, match="--since"):
        duration_of(text, "--since")


def test_a_number_without_unit_is_an_error_that_names_units() -> None:
    with pytest.raises(UsageError) as caught:
        duration_of("10")
    assert "did you mean 10s or 10m" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (125, "2 min 05 s"),
        (12_000, "3 h 20 min"),
        (353_000, "4 d 2 h"),
        (10**9, "31 y 259 d"),
    ],
)
def test_lengths_of_time_are_shown_in_two_units(seconds: float, shown: str) -> None:
    assert short(seconds) == shown
