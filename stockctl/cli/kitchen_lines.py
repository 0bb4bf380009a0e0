"""The lines that a simulation adds to the watch screen: orders, deliveries, time, and the sum of units."""

from __future__ import annotations

from collections.abc import Mapping

from rich.text import Text

from stockctl.domain.level_point import Point
from stockctl.domain.report import waste_share
from stockctl.simulation.service import Service
from stockctl.terminal.figures import counts
from stockctl.terminal.glyphs import Glyphs
from stockctl.terminal.watch_model import Watched

_COUNTERS = ("received", "used", "expired", "discarded", "returned")
_LACKING = 3
"""Ingredients that are named as lacking; the others are counted."""


def kitchen_lines(service: Service, watched: Watched, before: Watched, glyphs: Glyphs) -> list[Text]:
    """Three lines, each within 60 cells in a usual run: time and orders; the equation of all units; waste.

    A screen folds the longer ones.
    """
    return [_orders(service, glyphs), *_units(service, watched, before, glyphs)]


def most_lacking(refused_for: Mapping[str, int]) -> str:
    """The ingredients that most refused orders lacked: `mozzarella 3, basil 1`."""
    most = sorted(refused_for.items(), key=lambda one: (-one[1], one[0]))
    named = [f"{name} {count:,}" for name, count in most[:_LACKING]]
    return ", ".join(named) + (f" and {len(most) - _LACKING} more" if len(most) > _LACKING else "")


def _orders(service: Service, glyphs: Glyphs) -> Text:
    tally = service.tally
    speed = f" at {glyphs.times}{service.speed:g}" if service.speed != 1 else ""
    lacking = f" ({glyphs.shown(most_lacking(dict(tally.refused_for)))})" if tally.refused_for else ""
    return Text.assemble(
        f"{_clock(service.elapsed)} of {_clock(service.schedule.duration)}{speed} {glyphs.dot} ",
        (f"{tally.served:,} served", "bold"),
        ", ",
        (f"{tally.refused:,} refused", "bold yellow" if tally.refused else ""),
        lacking,
    )


def _units(service: Service, watched: Watched, before: Watched, glyphs: Glyphs) -> list[Text]:
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
    waste = f"{counts(service.tally.deliveries, 'delivery')} {glyphs.dot} waste {share:.0%}"
    return [Text.assemble(verdict, equation), Text(waste)]


def _total(points: list[Point], count: str) -> int:
    return sum(int(getattr(point, count)) for point in points)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02}"
