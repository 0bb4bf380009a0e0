"""The lines that a simulation adds to the screen say whether all adds up, on a narrow one too."""

from __future__ import annotations

import pytest

from stockctl.terminal.glyphs import ASCII, FINE, Glyphs
from stockctl.terminal.kitchen_lines import KitchenFigures, kitchen_lines
from stockctl.terminal.watch_model import Point, Watched

FIGURES = KitchenFigures(served=61, refused=0, deliveries=8, elapsed=157, duration=180, speed=20)


def sum_of(on_hand: int, glyphs: Glyphs) -> str:
    kitchen = Watched(["ham"])
    kitchen["ham"].add(Point(9, 0.0, on_hand, 1_846, 436, 273, "use a"))
    return kitchen_lines(FIGURES, kitchen, Watched(), glyphs)[1].plain


@pytest.mark.parametrize("glyphs", [FINE, ASCII])
def test_sixty_columns_hold_the_verdict_and_the_whole_sum(glyphs: Glyphs) -> None:
    line = sum_of(1_137, glyphs)[:60]
    assert line.startswith(f"{glyphs.yes} 1,846 received = ")
    assert "+ 273 expired" in line


def test_a_sum_that_does_not_add_up_says_so_in_words() -> None:
    assert sum_of(1_000, FINE).startswith("✗ does not add up: 1,846 received <> 1,000 on hand")
