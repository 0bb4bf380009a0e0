"""The plan of a simulation: every order and delivery, determined by a seed.

All times are simulated seconds since the start. The same kitchen, seed, duration and chaos give the same plan.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from random import Random

from stockctl.simulation.kitchen import Kitchen, Recipe, Supplier, Supply


@dataclass(frozen=True)
class CustomerOrder:
    """A customer's order, by its number; a repeat is the same transaction sent again."""

    at: float
    number: int
    dish: Recipe
    is_repeat: bool = False


@dataclass(frozen=True)
class Delivery:
    """A supplier's delivery, by its number; a repeat is the same file dropped again.

    `sent` is when it was packed: shelf life counts from then, however late it is dropped.
    """

    at: float
    sent: float
    number: int
    supplier: str
    supplies: tuple[Supply, ...]
    is_repeat: bool = False


@dataclass(frozen=True)
class Cancellation:
    """An order that is cancelled, by its number: what was taken for it comes back."""

    at: float
    number: int


@dataclass(frozen=True)
class Slip:
    """Units of an ingredient that the clumsy cook drops, by the number of the slip."""

    at: float
    number: int
    ingredient: str
    units: int


Event = CustomerOrder | Delivery | Cancellation | Slip
_SLIP_EVERY = 40.0
"""Seconds between two slips of the cook, on average."""

_QUIETEST = 0.5
"""Customers at the beginning and the end of a rush, as a part of those at its height."""
_MEAN_CROWD = _QUIETEST + (1 - _QUIETEST) * 2 / math.pi


@dataclass(frozen=True)
class Schedule:
    """Everything that will happen in a kitchen, in order of time."""

    kitchen: Kitchen
    duration: float
    seed: int
    chaos: bool
    events: tuple[Event, ...]

    @classmethod
    def of(cls, kitchen: Kitchen, duration: float, seed: int, *, chaos: bool = False) -> Schedule:
        """Creates the plan.

        Chaos delays and repeats deliveries, repeats transactions, and brings a clumsy cook, who cancels orders and
        drops food.
        """
        events: list[Event] = [*_orders(kitchen, duration, Random(f"orders {seed}"))]  # noqa: S311 - a repeatable plan
        events += _deliveries(kitchen, duration)
        if chaos:
            slips = _slips(kitchen, events, duration, Random(f"cook {seed}"))  # noqa: S311
            events = [*_disturbed(events, Random(f"chaos {seed}")), *slips]  # noqa: S311
        inside = [event for event in events if event.at <= duration]
        return cls(kitchen, duration, seed, chaos, tuple(sorted(inside, key=_place)))


def _place(event: Event) -> tuple[float, bool, int, bool]:
    """Deliveries before orders at the same time, originals before repeats."""
    is_repeat = isinstance(event, CustomerOrder | Delivery) and event.is_repeat
    return event.at, not isinstance(event, Delivery), event.number, is_repeat


def _orders(kitchen: Kitchen, duration: float, random: Random) -> Iterator[CustomerOrder]:
    """Customers arrive as a Poisson process, thinned to the rush."""
    most = kitchen.customers_per_minute / 60 * (1 / _MEAN_CROWD if kitchen.rush else 1.0)
    weights = [recipe.weight for recipe in kitchen.recipes]
    at, number = 0.0, 0
    while most > 0:
        at += random.expovariate(most)
        if at > duration:
            return
        if not kitchen.rush or random.random() < _crowd(at / duration):
            number += 1
            yield CustomerOrder(at, number, random.choices(kitchen.recipes, weights)[0])


def _crowd(part: float) -> float:
    """How busy a moment is, compared with the busiest; `part` is 0 at the beginning of the service and 1 at its end."""
    return _QUIETEST + (1 - _QUIETEST) * math.sin(math.pi * part)


def _deliveries(kitchen: Kitchen, duration: float) -> Iterator[Delivery]:
    moments: dict[tuple[float, int], list[Supply]] = {}
    for index, supplier in enumerate(kitchen.suppliers):
        for at, supply in _due(supplier, duration):
            moments.setdefault((at, index), []).append(supply)
    for number, ((at, index), supplies) in enumerate(sorted(moments.items()), 1):
        yield Delivery(at, at, number, kitchen.suppliers[index].name, tuple(supplies))


def _due(supplier: Supplier, duration: float) -> Iterator[tuple[float, Supply]]:
    for supply in supplier.supplies:
        at = supply.first
        while at < duration:
            yield at, supply
            at += supply.every


def _disturbed(events: list[Event], random: Random) -> Iterator[Event]:
    """A third of the deliveries are late, a third are repeated, and one order in five is repeated."""
    for event in events:
        if isinstance(event, CustomerOrder):
            yield event
            if random.random() < 1 / 5:
                yield replace(event, at=event.at + random.uniform(0.2, 20), is_repeat=True)
        elif isinstance(event, Delivery):
            keeps = min(supply.keeps for supply in event.supplies)
            late = random.uniform(0, 0.3) * keeps if random.random() < 1 / 3 else 0.0
            yield replace(event, at=event.at + late)
            if random.random() < 1 / 3:
                yield replace(event, at=event.at + late + random.uniform(0.2, 0.5) * keeps, is_repeat=True)


def _slips(kitchen: Kitchen, events: Iterable[Event], duration: float, random: Random) -> Iterator[Event]:
    """One order in twelve is cancelled some seconds later; now and then a few units are dropped."""
    for event in events:
        if isinstance(event, CustomerOrder) and random.random() < 1 / 12:
            yield Cancellation(event.at + random.uniform(5, 60), event.number)
    at, number = random.expovariate(1 / _SLIP_EVERY), 1
    while at < duration:
        yield Slip(at, number, random.choice(kitchen.ingredients), random.randint(1, 3))
        at, number = at + random.expovariate(1 / _SLIP_EVERY), number + 1
