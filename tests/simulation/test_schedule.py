"""A plan is reproducible and plausible."""

from __future__ import annotations

from collections import Counter

import pytest

from stockctl.simulation.kitchen import pizzeria, single
from stockctl.simulation.schedule import CustomerOrder, Delivery, Schedule


@pytest.mark.parametrize("chaos", [True, False])
def test_a_seed_repeats_the_plan_exactly(chaos: bool) -> None:
    assert Schedule.of(pizzeria(), 600, 7, chaos=chaos) == Schedule.of(pizzeria(), 600, 7, chaos=chaos)


def test_another_seed_is_another_day() -> None:
    assert Schedule.of(pizzeria(), 600, 7).events != Schedule.of(pizzeria(), 600, 8).events


def test_events_are_in_order_of_time_and_within_the_service() -> None:
    events = Schedule.of(pizzeria(), 600, 1, chaos=True).events
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert all(0 <= event.at <= 600 for event in events)


def test_about_as_many_customers_come_as_were_asked_for() -> None:
    orders = [
        event for event in Schedule.of(pizzeria().at_rate(30), 6000, 1).events if isinstance(event, CustomerOrder)
    ]
    assert 0.85 * 3000 < len(orders) < 1.15 * 3000


def test_most_customers_come_in_the_middle_of_the_service() -> None:
    orders = [event for event in Schedule.of(pizzeria(), 6000, 1).events if isinstance(event, CustomerOrder)]
    thirds = Counter(int(order.at // 2000) for order in orders)
    assert thirds[1] > thirds[0]
    assert thirds[1] > thirds[2]


@pytest.mark.parametrize("seed", range(20))
def test_the_first_customers_come_within_seconds(seed: int) -> None:
    orders = [event.at for event in Schedule.of(pizzeria(), 300, seed).events if isinstance(event, CustomerOrder)]
    assert orders[0] < 20
    assert sum(at < 30 for at in orders) >= 3


def test_no_customers_are_no_orders() -> None:
    assert not [
        event for event in Schedule.of(pizzeria().at_rate(0), 600, 1).events if isinstance(event, CustomerOrder)
    ]


def test_one_ingredient_is_delivered_at_once_and_every_minute() -> None:
    deliveries = [event for event in Schedule.of(single("ham"), 300, 1).events if isinstance(event, Delivery)]
    assert [delivery.at for delivery in deliveries] == [0, 60, 120, 180, 240]


def test_chaos_delays_and_repeats_deliveries_and_repeats_orders() -> None:
    calm = Schedule.of(pizzeria(), 600, 1).events
    chaos = Schedule.of(pizzeria(), 600, 1, chaos=True).events
    deliveries = [event for event in chaos if isinstance(event, Delivery)]
    assert any(delivery.is_repeat for delivery in deliveries)
    assert any(delivery.at > delivery.sent for delivery in deliveries if not delivery.is_repeat)
    assert any(event.is_repeat for event in chaos if isinstance(event, CustomerOrder))
    orders = [event for event in chaos if isinstance(event, CustomerOrder) and not event.is_repeat]
    assert orders == [event for event in calm if isinstance(event, CustomerOrder)]


def test_every_dish_can_be_cooked_from_what_is_delivered() -> None:
    kitchen = pizzeria()
    delivered = {supply.ingredient for supplier in kitchen.suppliers for supply in supplier.supplies}
    assert {ingredient for recipe in kitchen.recipes for ingredient in recipe.items} <= delivered
