"""A forecast: pace from daily figures, stock used soonest best-before first, and what is left of each batch."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stockctl.domain.forecast import DailyUse, Forecast, Pace, demand, forecast, outlook, to_order
from stockctl.domain.instants import NEVER
from stockctl.domain.stock import Batch, Holding, Level, Roster

START = datetime(2026, 11, 23, tzinfo=UTC)  # a Monday, at midnight
NOW = int(START.timestamp())
DAY = 86_400


def batch(units: int, days: float, name: str = "") -> Batch:
    """A batch that expires after this number of days."""
    key = name or f"{units}-{days}.csv"
    return Batch("ham", f"{key}@x", key, units, units, "", NOW + int(days * DAY), "", "")


def holding(*batches: Batch, level: int | None = None, threshold: int | None = None) -> Holding:
    units = sum(one.quantity for one in batches)
    found = Level("ham", units if level is None else level, units, 0, 0, None, 1, 1, "", "", threshold)
    return Holding(found, Roster(frozenset(one.batch_id for one in batches), 1, units), batches)


def days_of(*units: int) -> list[DailyUse]:
    """Whole days, the last of them yesterday."""
    return [DailyUse(START.date() - timedelta(days=len(units) - place), each) for place, each in enumerate(units)]


def steady(units: int, days: int = 14) -> Pace:
    return Pace.of(days_of(*[units] * days))


def expected(*batches: Batch, pace: Pace, days: float = 7) -> Forecast:
    return forecast(holding(*batches), pace, START, days)


def unused_of(found: Forecast) -> dict[str, int]:
    return {stock.batch.delivery: stock.units.likely for stock in found.unused}


def test_stock_lasts_as_long_as_the_pace_leaves_some() -> None:
    found = expected(batch(25, 30), pace=steady(10))
    assert found.lasts_until.likely == NOW + 2.5 * DAY
    assert found.runs_out_by(NOW + 3 * DAY)
    assert not found.runs_out_by(NOW + 2 * DAY)


def test_what_is_not_used_by_its_best_before_is_unused() -> None:
    assert unused_of(expected(batch(35, 2, "soon"), batch(100, 5, "late"), pace=steady(10))) == {"soon": 15, "late": 70}


def test_only_what_expires_within_the_time_asked_for_is_listed() -> None:
    assert unused_of(expected(batch(35, 2, "soon"), batch(100, 5, "late"), pace=steady(10), days=3)) == {"soon": 15}


def test_stock_that_nobody_uses_never_runs_out_or_expires_whole() -> None:
    assert expected(batch(5, 400), pace=steady(0)).lasts_until.likely is None
    idle = expected(batch(5, 2), pace=steady(0))
    assert (idle.waste.likely, idle.lasts_until.likely) == (5, NOW + 2 * DAY)
    never = Batch("ham", "salt@never", "salt", 5, 5, "never", NEVER, "", "")
    assert expected(never, pace=steady(0)).lasts_until.likely is None


def test_an_ingredient_without_stock_has_run_out() -> None:
    assert expected(pace=steady(3)).runs_out_by(NOW)


def test_the_pace_is_by_weekday_where_each_is_there_twice() -> None:
    weekend = [2, 2, 2, 2, 2, 30, 30] * 2
    assert Pace.of(days_of(*weekend)).by_weekday == (2, 2, 2, 2, 2, 30, 30)
    assert not Pace.of(days_of(*weekend[1:])).knows_weekdays
    # Monday to Friday need 10, and half of Saturday the other 15
    found = expected(batch(25, 30), pace=Pace.of(days_of(*weekend)))
    assert found.lasts_until.likely == NOW + 5.5 * DAY


def test_less_than_two_days_are_used_as_they_are_and_said_to_be_short() -> None:
    part = Pace.of([DailyUse(START.date(), 6, 0.25)])
    assert (part.is_short, part.days, part.per_day.likely) == (True, 0.25, 24)
    assert not Pace.of([*days_of(4, 6), DailyUse(START.date(), 600, 0.25)]).is_short
    assert Pace.of([*days_of(4, 6), DailyUse(START.date(), 600, 0.25)]).per_day.likely == 5
    assert Pace.of([]).per_day.high == 0


def test_the_range_is_wider_the_more_days_differ_and_has_no_width_where_they_do_not() -> None:
    calm = expected(batch(100, 30), pace=Pace.of(days_of(9, 11, 10, 10, 9, 11)))
    wild = expected(batch(100, 30), pace=Pace.of(days_of(0, 20, 10, 10, 0, 20)))
    assert calm.lasts_until.likely == wild.lasts_until.likely

    def width(found: Forecast) -> float:
        return (found.lasts_until.high or 1e12) - (found.lasts_until.low or 1e12)

    assert width(expected(batch(100, 30), pace=steady(10))) == 0
    assert 0 < width(calm) < width(wild)


def test_the_range_is_wider_the_fewer_days_the_pace_is_learned_from() -> None:
    few, many = Pace.of(days_of(5, 15, 5, 15)), Pace.of(days_of(*[5, 15] * 20))
    assert few.per_day.likely == many.per_day.likely
    assert few.margin(10) / few.spread > 1.5 * many.margin(10) / many.spread


def test_usage_that_waits_to_be_charged_is_taken_from_the_soonest_batches() -> None:
    held = holding(batch(10, 1, "a"), batch(10, 2, "b"), level=7)
    assert [(one.delivery, one.quantity) for one in held.unspent] == [("b", 7)]
    assert unused_of(forecast(held, steady(2), START, 7)) == {"b": 3}


def test_stock_that_has_expired_is_not_counted() -> None:
    found = expected(batch(10, 0), batch(4, 2), pace=steady(1))
    assert (found.on_hand, found.waste.likely) == (4, 2)


def test_a_day_begins_where_the_kitchen_is() -> None:
    zone = ZoneInfo("America/New_York")
    evening = datetime(2026, 11, 22, 19, tzinfo=zone)  # Sunday evening there, Monday 00:00 in UTC
    weekend = Pace.of(days_of(0, 0, 0, 0, 0, 0, 24, *[0] * 6, 24))
    assert demand(weekend, evening).likely.by((evening + timedelta(days=3)).timestamp()) == pytest.approx(5)


def test_an_order_does_not_depend_on_the_second_it_is_asked_for() -> None:
    """The pace moves a little with the clock: 10.0001 are 10."""
    paces = (replace(steady(2), by_weekday=(2 + drift,) * 7) for drift in (-0.0001, 0.0, 0.0001))
    assert {to_order(expected(batch(5, 30), pace=pace), START, 5) for pace in paces} == {5}


def test_an_order_covers_the_days_or_the_threshold_and_does_not_count_what_will_expire() -> None:
    pace = steady(10)
    assert to_order(expected(batch(20, 30), pace=pace), START, 5) == 30
    assert to_order(expected(batch(20, 1), pace=pace), START, 5) == 40
    assert to_order(expected(batch(80, 30), pace=pace), START, 5) == 0
    low = forecast(holding(batch(20, 30), threshold=90), pace, START, 5)
    assert to_order(low, START, 5) == 70


stocks = st.lists(st.tuples(st.integers(1, 60), st.integers(1, 240)), max_size=6)
figures = st.lists(st.integers(-5, 60), max_size=20)


def batches_of(stock: list[tuple[int, int]]) -> list[Batch]:
    found = [batch(units, hours / 24, f"{place}") for place, (units, hours) in enumerate(stock)]
    return sorted(found, key=lambda one: one.expires_at)


@given(stocks, figures, st.integers(1, 20))
def test_nothing_is_forecast_below_zero_and_no_batch_loses_more_than_it_has(
    stock: list[tuple[int, int]], units: list[int], days: int
) -> None:
    found = forecast(holding(*batches_of(stock)), Pace.of(days_of(*units)), START, days)
    assert found.on_hand == sum(size for size, _ in stock)
    assert found.pace.per_day.low >= 0
    for each in found.unused:
        assert 0 <= each.units.low <= each.units.likely <= each.units.high <= each.batch.quantity
    ends = [found.lasts_until.low, found.lasts_until.likely, found.lasts_until.high]
    known = [end for end in ends if end is not None]
    assert known == sorted(known)
    assert ends == known + [None] * (3 - len(known))
    assert all(end >= NOW for end in known)
    assert to_order(found, START, days) >= 0


@given(stocks, figures, st.integers(0, 5), st.integers(1, 30))
def test_more_stock_never_lasts_shorter(stock: list[tuple[int, int]], units: list[int], place: int, more: int) -> None:
    curves = demand(Pace.of(days_of(*units)), START)
    larger = [(size + more, hours) if number == place else (size, hours) for number, (size, hours) in enumerate(stock)]
    for curve in (curves.low, curves.likely, curves.high):
        before, after = (outlook(batches_of(each), curve).lasts_until for each in (stock, larger))
        assert after is None or (before is not None and after >= before)
        added = outlook(batches_of([*stock, (more, 100)]), curve).lasts_until
        assert added is None or (before is not None and added >= before)


@settings(deadline=None)
@given(stocks, figures)
def test_no_other_order_of_the_batches_wastes_less(stock: list[tuple[int, int]], units: list[int]) -> None:
    """Soonest first never wastes a unit that another order would have used."""
    curve = demand(Pace.of(days_of(*units)), START).likely
    batches = batches_of(stock)[:3]
    fewest = sum(outlook(batches, curve).unused)
    hourly = [curve.by(NOW + (hour + 1) * 3600) - curve.by(NOW + hour * 3600) for hour in range(241)]
    assert all(fewest <= wasted_in_order(order, hourly) + 1e-6 for order in permutations(batches))


def wasted_in_order(order: tuple[Batch, ...], hourly: list[float]) -> float:
    """Serves hour by hour from the first batch in this order that is still good."""
    left = {one.batch_id: float(one.quantity) for one in order}
    for hour, asked in enumerate(hourly):
        wanted = asked
        for one in order:
            if one.expires_at >= NOW + (hour + 1) * 3600:
                taken = min(wanted, left[one.batch_id])
                left[one.batch_id] -= taken
                wanted -= taken
    return sum(left.values())


@given(figures)
def test_demand_never_decreases_and_low_is_below_high(units: list[int]) -> None:
    curves = demand(Pace.of(days_of(*units)), START)
    for curve in (curves.low, curves.likely, curves.high):
        assert list(curve.units) == sorted(curve.units)
    for low, likely, high in zip(curves.low.units, curves.likely.units, curves.high.units, strict=True):
        assert low <= likely <= high


def so_far(units: int, hours: float) -> DailyUse:
    """Today, observed for this number of hours."""
    return DailyUse(START.date(), units, hours / 24)


@pytest.mark.parametrize(
    ("used", "left"),
    [
        (0, 10),  # before the kitchen opens, all of the day's usage is still to come
        (10, 0),  # after it has closed, none is
        (4, 6),
        (13, 0),  # a busy day
        (-2, 10),  # more came back than was used
    ],
)
def test_what_has_not_been_used_of_a_usual_day_is_still_to_come_today(used: int, left: int) -> None:
    nine = START + timedelta(hours=9)
    curve = demand(Pace.of([*days_of(*[10] * 14), so_far(used, 9)]), nine).likely
    assert curve.by(NOW + DAY) == pytest.approx(left)
    assert curve.by(NOW + 2 * DAY) == pytest.approx(left + 10)


def test_what_is_still_to_come_today_becomes_less_as_the_day_passes() -> None:
    """A pace is learned once, and may be used for hours."""
    pace = Pace.of([*days_of(*[10] * 14), so_far(4, 9)])
    left = [demand(pace, START + timedelta(hours=hours)).likely.by(NOW + DAY) for hours in (9, 14, 19)]
    assert left == pytest.approx([6, 4, 2])
    tomorrow = START + timedelta(days=1, hours=12)
    assert demand(pace, tomorrow).likely.by(NOW + 2 * DAY) == pytest.approx(5)


def test_a_first_day_is_expected_to_go_on_as_it_began() -> None:
    """It was not observed from midnight on."""
    began_at_six = Pace.of([so_far(5, 6)])
    assert demand(began_at_six, START + timedelta(hours=12)).likely.by(NOW + DAY) == pytest.approx(10)


@given(figures, st.integers(-50, 100), st.floats(0.01, 23.99))
def test_what_was_used_today_never_makes_demand_fall(units: list[int], used: int, hours: float) -> None:
    curves = demand(Pace.of([*days_of(*units), so_far(used, hours)]), START + timedelta(hours=hours))
    for curve in (curves.low, curves.likely, curves.high):
        assert list(curve.units) == sorted(curve.units)
        assert curve.units[0] == 0


def test_a_few_minutes_of_history_can_count_as_a_day() -> None:
    """Ninety units in five seconds are no million a day."""
    figures = [DailyUse(date(2026, 11, 25), 90, 5 / 86_400)]
    assert Pace.of(figures, 1.0).per_day.likely == pytest.approx(90)
    assert Pace.of(figures).per_day.likely > 1_000_000
