"""A kitchen's levels over five minutes, as a screen would have seen them; the same on every run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from random import Random

from stockctl.domain.level_change import LevelChange
from stockctl.domain.stock import Batch
from stockctl.terminal.glyphs import FINE, Glyphs
from stockctl.terminal.watch_model import Watched
from stockctl.terminal.watch_screen import Reading, View

NOW = 1_795_435_200.0
LONG = "a name that is very long indeed, and goes on [bold]and on[/bold]"
NAMES = ("ham", "käse", "basil", "tomato sauce", LONG)


def watched(names: Sequence[str] = NAMES, thresholds: dict[str, int] | None = None) -> Watched:
    """A use every four seconds, a delivery every minute, a write-off two minutes after it."""
    model = Watched(names if len(names) == 1 else (), thresholds)
    for seed, name in enumerate(names):
        for change in changes(name, Random(seed)):  # noqa: S311 - a picture that repeats
            model.changed(change)
        model.held(name, [batch(name, number) for number in range(5)])
    return model


def changes(name: str, random: Random) -> list[LevelChange]:
    """The changes on the stream."""
    quantity = received = used = expired = 0
    made: list[LevelChange] = []
    for step in range(75):
        if step % 15 == 0:
            quantity, received, cause = quantity + 150, received + 150, f"delivery {step}.csv"
        elif step % 40 == 39:
            quantity, expired, cause = quantity - 20, expired + 20, "expired"
        else:
            units = random.randint(1, 5)
            quantity, used, cause = quantity - units, used + units, f"use {random.randrange(16**12):012x}"
        at = datetime.fromtimestamp(NOW - 300 + 4 * step, UTC)
        made.append(LevelChange(name, quantity, step + 1, at, cause, received, used, expired))
    return made


def batch(name: str, number: int) -> Batch:
    """A batch that expires in its turn."""
    key = f"{number} Käserei.csv"
    return Batch(name, f"{key}@x", key, 20 + 10 * number, 150, "", int(NOW) + 30 + 70 * number, "", "")


def view(
    opened: str | None = None, glyphs: Glyphs = FINE, reading: Reading | None = None, *, paused: bool = False
) -> View:
    """The view, in UTC."""
    return View(NOW, NOW - 300, glyphs, UTC, reading=reading or Reading(), opened=opened, paused=paused)
