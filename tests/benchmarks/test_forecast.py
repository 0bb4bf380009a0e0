"""How far forecasts are from what then happens, over many simulated months."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean
from typing import TYPE_CHECKING

from tests.benchmarks.month import DAY_SECONDS, Month, Outlived

if TYPE_CHECKING:
    from tests.benchmarks.report import Report

MONTHS = 40
COLUMNS = (
    "ingredient",
    "on hand",
    "gone after, days",
    "error, days",
    "on a day in the range",
    "expired unused",
    "error, units",
    "bias, units",
    "in the range",
)


def test_forecasts_at_the_half_of_a_month_come_true(report: Report) -> None:
    """A range is meant to hold in 80 % of cases, and forecasts are neither too high nor too low on average.

    Only cases whose end was open count: stock that lasts until its best-before for sure proves nothing.
    """
    found = [one for seed in range(MONTHS) for one in Month(seed).run()]
    names = list(dict.fromkeys(one.forecast.ingredient for one in found))
    rows = [_row(name, [one for one in found if one.forecast.ingredient == name]) for name in names]
    report.table(f"Forecasts at the half of {MONTHS} months", COLUMNS, [*rows, _row("all", found)])
    assert fmean(_lasts_in_range(one) for one in found if _may_run_out(one)) > 0.7
    wasting = [one for one in found if _may_expire(one)]
    assert fmean(_waste_in_range(one) for one in wasting) > 0.7
    assert abs(sum(map(_excess, wasting))) < sum(one.unused for one in wasting) / 10


def _row(name: str, found: list[Outlived]) -> list[object]:
    running_out, wasting = ([one for one in found if is_open(one)] for is_open in (_may_run_out, _may_expire))
    return [
        name,
        round(fmean(one.forecast.on_hand for one in found)),
        _mean([_gone_at(one) - one.made_at for one in running_out], ".1f", DAY_SECONDS),
        _mean([abs(_gone_at(one) - _lasts_until(one)) for one in running_out], ".1f", DAY_SECONDS),
        _mean([_lasts_in_range(one) for one in running_out], ".0%"),
        _mean([one.unused for one in wasting], ".0f"),
        _mean([abs(_excess(one)) for one in wasting], ".0f"),
        _mean([_excess(one) for one in wasting], "+.0f"),
        _mean([_waste_in_range(one) for one in wasting], ".0%"),
    ]


def _mean(values: Sequence[float], shape: str, unit: int = 1) -> str:
    return format(fmean(values) / unit, shape) if values else "-"


def _may_run_out(one: Outlived) -> bool:
    return one.forecast.lasts_until.low != one.forecast.lasts_until.high


def _may_expire(one: Outlived) -> bool:
    return bool(one.forecast.waste.high or one.unused)


def _gone_at(one: Outlived) -> float:
    assert one.gone_at is not None, "the month is long enough for all that was there at its half"
    return one.gone_at


def _lasts_until(one: Outlived) -> float:
    assert one.forecast.lasts_until.likely is not None
    return one.forecast.lasts_until.likely


def _excess(one: Outlived) -> int:
    """Units by which the forecast was too high."""
    return one.forecast.waste.likely - one.unused


def _lasts_in_range(one: Outlived) -> bool:
    lasts = one.forecast.lasts_until
    return _day(lasts.low) <= _day(_gone_at(one)) <= _day(lasts.high)


def _day(instant: float | None) -> float:
    """The day of an instant, as the command shows it: midnight is the end of a day. None is beyond a year."""
    return math.inf if instant is None else (instant - 1) // DAY_SECONDS


def _waste_in_range(one: Outlived) -> bool:
    return one.forecast.waste.low <= one.unused <= one.forecast.waste.high
