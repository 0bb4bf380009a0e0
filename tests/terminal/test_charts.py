"""Charts are right at any size and with any characters."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone

import pytest

from stockctl.terminal.charts import (
    LevelPlot,
    Mark,
    MarkKind,
    bar,
    level_chart,
    quantity_ticks,
    sampled,
    sparkline,
    time_ticks,
)

PLOT = LevelPlot(
    [(0.0, 100), (60.0, 40), (120.0, 240), (200.0, 180)],
    start=0,
    end=300,
    marks=[Mark(MarkKind.DELIVERY, 120, 240), Mark(MarkKind.WRITE_OFF, 200, 180)],
    threshold=50,
)


@pytest.mark.parametrize(("width", "height"), [(58, 5), (78, 16), (158, 40), (20, 4)])
@pytest.mark.parametrize("plain", [True, False])
def test_a_chart_fills_the_space_it_is_given_and_no_more(width: int, height: int, plain: bool) -> None:
    lines = level_chart(PLOT, width, height, UTC, plain=plain).split("\n")
    assert len(lines) == height
    assert max(line.cell_len for line in lines) <= width


def test_deliveries_and_write_offs_are_marked_by_shape_not_colour_alone() -> None:
    chart = level_chart(PLOT, 78, 16, UTC).plain
    assert "▲" in chart
    assert "▼" in chart


def test_a_plain_chart_is_ascii_and_still_marks_them() -> None:
    chart = level_chart(PLOT, 78, 16, UTC, plain=True).plain
    assert chart.isascii()
    assert "^" in chart
    assert "x" in chart


def test_a_level_that_never_changed_is_a_line_all_the_way() -> None:
    chart = level_chart(LevelPlot([(-500.0, 7)], 0, 60), 60, 8, UTC, plain=True).plain
    assert max(line.count("#") for line in chart.splitlines()) >= 50


def test_an_empty_level_is_a_chart_too() -> None:
    assert level_chart(LevelPlot([], 0, 60), 60, 8, UTC).plain.count("\n") == 7


def test_thousands_of_changes_are_reduced_to_what_is_visible() -> None:
    points = [(step / 100, 1000 if step == 5000 else step % 10) for step in range(10_000)]
    chart = level_chart(LevelPlot(points, 0, 100), 78, 16, UTC).plain
    assert "1,000┤" in chart
    assert "⡇" in chart or "⢸" in chart  # the one high value has not been thinned away


def test_times_are_round_and_local() -> None:
    east = timezone(timedelta(hours=5, minutes=30))
    ticks = time_ticks(0, 4 * 3600, east, most=5)
    assert [name for _, name in ticks] == ["06:00", "07:00", "08:00", "09:00"]
    assert ticks[0][0] == 1800


@pytest.mark.parametrize("span", [10, 300, 3600, 86_400, 30 * 86_400])
def test_there_are_never_more_times_than_room(span: int) -> None:
    assert 1 <= len(time_ticks(1_795_435_217, 1_795_435_217 + span, UTC, most=6)) <= 7


@pytest.mark.parametrize("highest", [1, 7, 99, 1_000_000_000])
def test_quantities_are_round_and_begin_at_nothing(highest: int) -> None:
    ticks = quantity_ticks(highest, most=5)
    assert ticks[0] == 0
    assert len(ticks) <= 5
    assert ticks[-1] <= highest


def test_a_sparkline_rises_and_falls_with_its_values() -> None:
    assert sparkline([0, 5, 10, 5, 0], 5) == "▁▅█▅▁"
    assert sparkline([0, 10], 5, plain=True) == "_@"
    assert sparkline([0, 0, 0], 2) == "▁▁"
    assert sparkline([], 5) == ""


def test_samples_are_the_level_at_each_moment() -> None:
    assert sampled([(0, 5), (10, 8)], 0, 20, 4) == [5, 8, 8, 8]
    assert sampled([(15, 5)], 0, 20, 4) == [5, 5]


def test_a_bar_shows_anything_above_nothing() -> None:
    assert bar(0, 4) == "░░░░"
    assert bar(0.001, 4) == "▏░░░"
    assert bar(0.5, 4) == "██░░"
    assert bar(7, 4) == "████"
    assert bar(0.5, 4, plain=True) == "##.."
