"""The lines that a simulation adds to the watch screen: orders, deliveries, time, and the sum of units."""

from __future__ import annotations

from collections.abc import Mapping

from rich.text import Text

from stockctl.simulation.service import Service
from stockctl.simulation.summary import Summary, moved
from stockctl.terminal.figures import counts
from stockctl.terminal.glyphs import Glyphs
from stockctl.terminal.watch_model import Watched

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
    summary = Summary(0, 0, {}, faults=(), **moved(then, now))
    if summary.adds_up:
        equation = Text.assemble((f"{glyphs.yes} ", "bold green"), summary.equation())
    else:
        equation = Text.assemble((f"{glyphs.no} does not add up: ", "bold red"), summary.equation("<>"))
    waste = f"{counts(service.tally.deliveries, 'delivery')} {glyphs.dot} waste {summary.waste:.0%}"
    return [equation, Text(waste)]


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02}"
