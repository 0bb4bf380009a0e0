"""The lines that a simulation adds to the watch screen: orders, deliveries, time, and the sum of units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rich.text import Text

from stockctl.domain.level_point import Point
from stockctl.domain.report import waste_share
from stockctl.terminal.figures import counts
from stockctl.terminal.glyphs import Glyphs
from stockctl.terminal.watch_model import Watched

_COUNTERS = ("received", "used", "expired", "discarded", "returned")
_LACKING = 3
"""Ingredients that are named as lacking; the others are counted."""


@dataclass(frozen=True)
class KitchenFigures:
    """The progress of a simulation: orders, deliveries, and times in simulated seconds.

    `refused_for` has the number of refused orders that lacked each ingredient.
    """

    served: int
    refused: int
    refused_for: Mapping[str, int]
    deliveries: int
    elapsed: float
    duration: float
    speed: float


def kitchen_lines(figures: KitchenFigures, watched: Watched, before: Watched, glyphs: Glyphs) -> list[Text]:
    """Three lines, each within 60 cells in a usual run: time and orders; the equation of all units; waste.

    A screen folds the longer ones.
    """
    return [_orders(figures, glyphs), *_units(figures, watched, before, glyphs)]


def most_lacking(refused_for: Mapping[str, int]) -> str:
    """The ingredients that most refused orders lacked: `mozzarella 3, basil 1`."""
    most = sorted(refused_for.items(), key=lambda one: (-one[1], one[0]))
    named = [f"{name} {count:,}" for name, count in most[:_LACKING]]
    return ", ".join(named) + (f" and {len(most) - _LACKING} more" if len(most) > _LACKING else "")


def _orders(figures: KitchenFigures, glyphs: Glyphs) -> Text:
    speed = f" at {glyphs.times}{figures.speed:g}" if figures.speed != 1 else ""
    lacking = f" ({glyphs.shown(most_lacking(figures.refused_for))})" if figures.refused_for else ""
    return Text.assemble(
        f"{_clock(figures.elapsed)} of {_clock(figures.duration)}{speed} {glyphs.dot} ",
        (f"{figures.served:,} served", "bold"),
        ", ",
        (f"{figures.refused:,} refused", "bold yellow" if figures.refused else ""),
        lacking,
    )


def _units(figures: KitchenFigures, watched: Watched, before: Watched, glyphs: Glyphs) -> list[Text]:
    now = [one.latest for one in watched.ingredients if one.latest]
    then = [one.latest for one in before.ingredients if one.latest]
    carried = sum(point.quantity for point in then)
    received, used, expired, discarded, returned = (_total(now, count) - _total(then, count) for count in _COUNTERS)
    on_hand = sum(point.quantity for point in now)
    adds_up = carried + received + returned == on_hand + used + expired + discarded
    verdict = (f"{glyphs.yes} ", "bold green") if adds_up else (f"{glyphs.no} does not add up: ", "bold red")
    had = (
        (f"{carried:,} before + " if carried else "")
        + f"{received:,} received"
        + (f" + {returned:,} returned" if returned else "")
    )
    equation = f"{had} {'=' if adds_up else '<>'} {on_hand:,} on hand + {used:,} used + {expired:,} expired"
    equation += f" + {discarded:,} discarded" if discarded else ""
    share = waste_share(expired + discarded, used, returned) or 0.0
    waste = f"{counts(figures.deliveries, 'delivery')} {glyphs.dot} waste {share:.0%}"
    return [Text.assemble(verdict, equation), Text(waste)]


def _total(points: list[Point], count: str) -> int:
    return sum(int(getattr(point, count)) for point in points)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02}"
