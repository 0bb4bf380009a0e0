"""The lines a simulation adds to the watching screen: orders, deliveries, time, and the sum that must come out."""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text

from stockctl.terminal.glyphs import Glyphs
from stockctl.terminal.watch_model import Point, Watched


@dataclass(frozen=True)
class KitchenFigures:
    """How far a simulation is: orders, deliveries, and times in simulated seconds."""

    served: int
    refused: int
    deliveries: int
    elapsed: float
    duration: float
    speed: float


def kitchen_lines(figures: KitchenFigures, watched: Watched, before: Watched, glyphs: Glyphs) -> list[Text]:
    """Two lines: what has been done, and received = on hand + used + expired as the stream tells it right now."""
    return [_done(figures, glyphs), _sum(watched, before, glyphs)]


def _done(figures: KitchenFigures, glyphs: Glyphs) -> Text:
    clock = f"{_clock(figures.elapsed)} of {_clock(figures.duration)}"
    speed = f" at {glyphs.times}{figures.speed:g}" if figures.speed != 1 else ""
    refused = Text(f"{figures.refused:,} refused", style="bold yellow" if figures.refused else "")
    return Text.assemble(
        (f"{figures.served:,} served", "bold"),
        ", ",
        refused,
        f" {glyphs.dot} {figures.deliveries:,} deliveries {glyphs.dot} {clock}{speed}",
    )


def _sum(watched: Watched, before: Watched, glyphs: Glyphs) -> Text:
    now = [one.latest for one in watched.ingredients if one.latest]
    then = [one.latest for one in before.ingredients if one.latest]
    carried = sum(point.quantity for point in then)
    received = carried + _total(now, "received") - _total(then, "received")
    used = _total(now, "used") - _total(then, "used")
    expired = _total(now, "expired") - _total(then, "expired")
    on_hand = sum(point.quantity for point in now)
    adds_up = received == on_hand + used + expired
    waste = f" {glyphs.dot} waste {expired / max(1, expired + used):.0%}"
    # The verdict comes first: it is the last thing that a narrow screen may cut off.
    verdict = (f"{glyphs.yes} ", "bold green") if adds_up else (f"{glyphs.no} does not add up: ", "bold red")
    figures = (
        f"{received:,} received {'=' if adds_up else '<>'} {on_hand:,} on hand + {used:,} used + {expired:,} expired"
    )
    return Text.assemble(verdict, figures, waste)


def _total(points: list[Point], count: str) -> int:
    return sum({"received": point.received, "used": point.used, "expired": point.expired}[count] for point in points)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02}"
