"""The lines that a simulation adds to the screen fit into sixty columns, verdict and waste included."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pytest

from stockctl.cli.kitchen_lines import kitchen_lines, most_lacking
from stockctl.domain.level_point import Point
from stockctl.simulation.kitchen import single
from stockctl.simulation.schedule import Schedule
from stockctl.simulation.service import Service, Tally
from stockctl.terminal.glyphs import ASCII, FINE, Glyphs
from stockctl.terminal.watch_model import Watched
from tests.simulation.service import FakeClock, FakeStock


def running(refused_for: Mapping[str, int], deliveries: int = 8) -> Service:
    """A service of three minutes at twenty times the speed, after 157 of its seconds."""
    clock = FakeClock()
    stock = FakeStock(clock)
    service = Service(Schedule(single("ham"), 180, 1, False, ()), stock, stock, 20, clock.now, clock.wait)
    refused = Counter(refused_for)
    service.tally = Tally(served=61, refused=refused.total(), deliveries=deliveries, refused_for=refused)
    clock.wait(157.5 / 20)
    return service


def lines(
    on_hand: int = 1_137,
    glyphs: Glyphs = FINE,
    refused_for: Mapping[str, int] | None = None,
    before: Watched | None = None,
    deliveries: int = 8,
) -> list[str]:
    kitchen = Watched(["ham"])
    kitchen["ham"].add(Point(9, 0.0, on_hand, 1_846, 436, 273, "use a"))
    return [
        line.plain
        for line in kitchen_lines(running(refused_for or {}, deliveries), kitchen, before or Watched(), glyphs)
    ]


@pytest.mark.parametrize("glyphs", [FINE, ASCII])
def test_sixty_columns_hold_time_orders_equation_and_waste(glyphs: Glyphs) -> None:
    shown = lines(glyphs=glyphs, refused_for={"ham": 2})
    assert max(map(len, shown)) <= 60
    orders, equation, waste = shown
    assert orders.startswith("2:37 of 3:00 at ")
    assert orders.endswith("61 served, 2 refused (ham 2)")
    assert equation == f"{glyphs.yes} 1,846 received = 1,137 on hand + 436 used + 273 expired"
    assert waste == f"8 deliveries {glyphs.dot} waste 39%"


def test_a_sum_that_does_not_add_up_is_reported() -> None:
    assert lines(1_000)[1].startswith("✗ does not add up: 1,846 received <> 1,000 on hand")


def test_leftovers_of_an_earlier_run_are_not_received_again() -> None:
    before = Watched(["ham"])
    before["ham"].add(Point(1, 0.0, 100, 400, 300, 0, "use a"))
    assert lines(before=before)[1].startswith("✓ 100 before + 1,446 received = ")


def test_one_delivery_is_one() -> None:
    assert lines(deliveries=1)[2].startswith("1 delivery ")


def test_refusals_name_what_most_orders_lacked() -> None:
    assert most_lacking({"basil": 1, "ham": 3, "egg": 2, "oil": 1}) == "ham 3, egg 2, basil 1 and 1 more"


def test_discarded_and_returned_units_are_part_of_the_sum() -> None:
    kitchen = Watched(["ham"])
    kitchen["ham"].add(Point(9, 0.0, 1_130, 1_846, 436, 273, "discard a", discarded=12, returned=5))
    equation = kitchen_lines(running({}), kitchen, Watched(), FINE)[1].plain
    assert equation == "✓ 1,846 received + 5 returned = 1,130 on hand + 436 used + 273 expired + 12 discarded"
