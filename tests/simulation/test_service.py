"""A run carries out its plan, and counts the answers."""

from __future__ import annotations

import json
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from stockctl.domain.errors import CredentialsError
from stockctl.domain.level_point import Point
from stockctl.simulation.kitchen import pizzeria, single
from stockctl.simulation.run_report import report_of
from stockctl.simulation.schedule import Schedule
from stockctl.simulation.service import PREFIX, Service
from stockctl.simulation.summary import Summary, summary_of
from tests.simulation.service import BEGAN, FakeClock, FakeStock


def served(stock: FakeStock, plan: Schedule, speed: float = 1) -> Service:
    service = Service(plan, stock, stock, speed, stock.clock.now, stock.clock.wait)
    service.serve()
    return service


def summary(stock: FakeStock, service: Service) -> Summary:
    return summary_of([], stock.levels(), service.tally)


@pytest.fixture
def stock() -> FakeStock:
    return FakeStock(FakeClock())


def test_a_service_adds_up(stock: FakeStock) -> None:
    service = served(stock, Schedule.of(pizzeria(), 600, 1))
    figures = summary(stock, service)
    assert figures.served > 100
    assert figures.adds_up, figures.faults


def test_chaos_adds_up_too(stock: FakeStock) -> None:
    service = served(stock, Schedule.of(pizzeria(), 600, 1, chaos=True))
    figures = summary(stock, service)
    assert service.tally.repeated > 0
    assert service.tally.redelivered > 0
    assert min(service.tally.cancelled, service.tally.dropped) > 0
    assert (figures.returned > 0, figures.discarded) == (True, service.tally.dropped)
    assert figures.adds_up, figures.faults


def test_answers_that_were_lost_are_asked_for_again_and_counted_once(stock: FakeStock) -> None:
    stock.lost_answers, stock.busy_answers = 5, 2
    service = served(stock, Schedule.of(single("ham"), 120, 1))
    figures = summary(stock, service)
    assert service.tally.unanswered == 0
    assert figures.adds_up, figures.faults


def test_a_service_that_accepts_a_repetition_anew_is_found_out(stock: FakeStock) -> None:
    stock.forgets = True
    service = served(stock, Schedule.of(pizzeria(), 600, 1, chaos=True))
    figures = summary(stock, service)
    assert not figures.adds_up
    assert any("accepted twice" in fault for fault in figures.faults)


def test_somebody_else_at_the_same_stock_is_found_out(stock: FakeStock) -> None:
    service = served(stock, Schedule.of(single("ham"), 120, 1))
    stock.use("somebody else's", {"ham": 1})
    figures = summary(stock, service)
    assert not figures.adds_up
    assert "this simulation took" in figures.faults[0]


def test_a_level_that_does_not_add_up_is_found_out(stock: FakeStock) -> None:
    service = served(stock, Schedule.of(single("ham"), 120, 1))
    stock.rows["ham"] = replace(stock.rows["ham"], expired=1)
    assert summary(stock, service).faults == ("the level of ham does not add up",)


def test_units_that_somebody_discards_or_returns_meanwhile_are_counted(stock: FakeStock) -> None:
    service = served(stock, Schedule.of(single("ham"), 30, 1))
    ham = stock.rows["ham"]
    stock.rows["ham"] = replace(ham, quantity=ham.quantity - 3, discarded=5, returned=2)
    figures = summary(stock, service)
    assert figures.adds_up, figures.faults
    assert (figures.discarded, figures.returned) == (5, 2)


def test_leftovers_of_an_earlier_run_are_not_counted_as_received(stock: FakeStock) -> None:
    stock.drop("earlier", b"ham,50,2099-01-01\n")
    before = stock.levels()
    service = served(stock, Schedule.of(single("ham"), 120, 1))
    figures = summary_of(before, stock.levels(), service.tally)
    assert figures.carried_over == 50
    assert figures.received == 170 * 2
    assert figures.adds_up


def test_refused_orders_are_counted_by_the_ingredient_they_lacked(stock: FakeStock) -> None:
    service = served(stock, Schedule.of(single("ham").at_rate(600), 60, 1))
    figures = summary(stock, service)
    assert figures.refused > 0
    assert figures.refused_for == {"ham": figures.refused}


def test_ten_times_the_speed_takes_a_tenth_of_the_time_and_keeps_a_tenth_as_long(stock: FakeStock) -> None:
    served(stock, Schedule.of(single("ham"), 300, 1), speed=10)
    assert 30 <= stock.clock.seconds - BEGAN < 32
    content = stock.dropped[min(stock.dropped)][0].decode()
    assert content.splitlines()[1] == "ham,170,2026-11-23T12:00:15+00:00"


def test_repeated_deliveries_are_the_same_file_under_the_same_key(stock: FakeStock) -> None:
    served(stock, Schedule.of(pizzeria(), 600, 1, chaos=True))
    again = [contents for contents in stock.dropped.values() if len(contents) > 1]
    assert again
    assert all(len(set(contents)) == 1 for contents in again)
    assert all(key.startswith(PREFIX) for key in stock.dropped)


def test_lost_permission_ends_the_service() -> None:
    class Closed(FakeStock):
        def use(self, *_: object) -> None:  # type: ignore[override]
            raise CredentialsError("the token has expired")

    with pytest.raises(CredentialsError):
        served(Closed(FakeClock()), Schedule.of(single("ham"), 300, 1))


def test_a_stopped_service_begins_nothing_more(stock: FakeStock) -> None:
    service = Service(Schedule.of(pizzeria(), 600, 1), stock, stock, 1, stock.clock.now, stock.clock.wait)
    service.stop()
    service.serve()
    assert not stock.dropped
    assert service.settle(5) == []


def test_a_delivery_without_a_receipt_is_named(stock: FakeStock) -> None:
    service = served(stock, Schedule.of(single("ham"), 30, 1))
    key = next(iter(stock.dropped))
    stock.dropped.clear()
    assert service.settle(5) == [key]


HISTORY = {
    "ham <&>": [
        Point(0, BEGAN, 0, 0, 0, 0, ""),
        Point(1, BEGAN + 5, 150, 150, 0, 0, "delivery simulation/1.csv"),
        Point(2, BEGAN + 9, 140, 150, 10, 0, "use order-1"),
        Point(3, BEGAN + 20, 0, 150, 10, 140, "expired"),
    ],
    "never delivered": [],
}


@pytest.mark.parametrize("kind", [".svg", ".html"])
def test_the_report_is_well_formed_and_has_the_figures(stock: FakeStock, kind: str) -> None:
    service = served(stock, Schedule.of(single("ham"), 30, 1))
    text = report_of(kind, service, summary(stock, service), HISTORY)
    svg = text[text.index("<svg") : text.index("</svg>") + 6]
    picture = ElementTree.fromstring(svg)  # noqa: S314 - it was written right here
    words = "".join(picture.itertext())
    assert "ham <&>" in words
    assert "170 received" in words
    assert "delivery simulation/1.csv +150" in words
    assert "expired -140" in words
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")  # a page that needs nobody


def test_the_report_marks_the_first_delivery_of_all_and_sums_up_its_table(stock: FakeStock) -> None:
    service = served(stock, Schedule.of(single("ham"), 30, 1))
    first = Point(1, service.began + 1, 170, 170, 0, 0, "delivery simulation/1.csv")
    history = {"ham": [first, *HISTORY["ham <&>"][2:]]}
    text = report_of(".html", service, summary(stock, service), history)
    assert "delivery simulation/1.csv +170" in text
    assert "<td>total<td>170" in text


def test_all_charts_of_a_report_have_the_same_times(stock: FakeStock) -> None:
    service = served(stock, Schedule.of(single("ham"), 30, 1))
    late = [
        Point(0, service.began, 0, 0, 0, 0, ""),
        Point(1, service.began + 35, 9, 9, 0, 0, "delivery simulation/2.csv"),
    ]
    text = report_of(".svg", service, summary(stock, service), {**HISTORY, "egg": late})
    assert (text.count(">0:35<"), text.count(">0:30<")) == (2, 0)


def test_the_json_report_repeats_the_run(stock: FakeStock) -> None:
    service = served(stock, Schedule.of(single("ham"), 30, 1))
    document = json.loads(report_of(".json", service, summary(stock, service), HISTORY))
    assert document["seed"] == 1
    assert document["summary"]["adds_up"] is True
    assert [step["quantity"] for step in document["levels"]["ham <&>"]] == [0, 150, 140, 0]


def test_opening_wakes_the_stack_and_leaves_its_stock_alone(stock: FakeStock) -> None:
    service = Service(Schedule.of(single("ham"), 60, 1), stock, stock, 60, stock.clock.now, stock.clock.wait)
    stock.clock.wait(30)
    service.open()
    assert service.began == BEGAN + 30
    assert (stock.levels(), stock.transactions) == ([], {})
    assert [key.split("/")[2] for key in stock.dropped] == ["0000 opening supplier.csv"]


def test_opening_wakes_as_many_workers_as_suppliers_come_at_once(stock: FakeStock) -> None:
    plan = Schedule.of(pizzeria(), 60, 1)
    Service(plan, stock, stock, 60, stock.clock.now, stock.clock.wait).open()
    assert len(stock.dropped) == len(plan.kitchen.suppliers) == 4
