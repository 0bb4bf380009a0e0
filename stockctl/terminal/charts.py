"""Text charts: a level over time, a sparkline, a bar. Width and height are in cells.

The only module that imports plotext. `plain` charts use ASCII. Colours only repeat what shapes show, so NO_COLOR loses
nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import Enum
from typing import Any

from rich.text import Text

_CYAN, _GREY, _GREEN, _RED, _YELLOW = 14, 8, 10, 9, 11
_ASCII_FRAME = str.maketrans("┌┐└┘─│├┤┬┴┼╭╮╰╯", "++++-|+++++++++")
_SPARKS = "▁▂▃▄▅▆▇█"
_ASCII_SPARKS = "_.-=+*#@"
_STEPS = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)


class MarkKind(Enum):
    """A mark on a chart: its glyph, ASCII replacement and colour."""

    DELIVERY = ("▲", "^", _GREEN)
    WRITE_OFF = ("▼", "x", _RED)

    def glyph(self, *, plain: bool) -> str:
        """The character to draw."""
        return self.value[1] if plain else self.value[0]


@dataclass(frozen=True)
class Mark:
    """A delivery or a write-off, at an instant (s since the epoch) and the level (units) after it."""

    kind: MarkKind
    at: float
    quantity: int


@dataclass(frozen=True)
class LevelPlot:
    """The data of a chart: steps `(instant, units)` in order of time, between two instants."""

    points: Sequence[tuple[float, int]]
    start: float
    end: float
    marks: Sequence[Mark] = ()
    threshold: int | None = None


def level_chart(plot: LevelPlot, width: int, height: int, zone: tzinfo | None, *, plain: bool = False) -> Text:
    """The level as a step line over a time axis (`zone`; None: the system's)."""
    import plotext

    plotext.terminal.limit(False, False)
    figure = plotext.figure
    figure.clear()
    figure.theme("colorless")
    figure.plot_size(width, height)
    _draw_level(figure, plot, width, plain=plain)
    _draw_marks(figure, plot, plain=plain)
    _set_axes(figure, plot, width, height, zone)
    drawn = figure.build().string(colorless=plain).rstrip("\n")
    return Text.from_ansi(drawn.translate(_ASCII_FRAME) if plain else drawn)


def _draw_level(figure: Any, plot: LevelPlot, width: int, *, plain: bool) -> None:  # noqa: ANN401 - plotext has no types
    corners = _steps(plot, columns=2 * width)
    times, units = [at for at, _ in corners], [units for _, units in corners]
    if plot.threshold is not None:
        row = [plot.start + (plot.end - plot.start) * step / width for step in range(width + 1)]
        figure.draw(figure.signal(row, [plot.threshold] * len(row), marker=_marker("." if plain else "┄", _YELLOW)))
    figure.draw(
        figure.signal(times, units, marker=_marker("#" if plain else "braille", _CYAN)).lines(True).density("full")
    )


def _draw_marks(figure: Any, plot: LevelPlot, *, plain: bool) -> None:  # noqa: ANN401
    for kind in MarkKind:
        marks = [mark for mark in plot.marks if mark.kind is kind and plot.start <= mark.at <= plot.end]
        if marks:
            glyph = _marker(kind.glyph(plain=plain), kind.value[2])
            figure.draw(figure.signal([mark.at for mark in marks], [mark.quantity for mark in marks], marker=glyph))


def _marker(symbol: str, colour: int) -> Any:  # noqa: ANN401
    import plotext

    return plotext.marker(symbol, plotext.pixel(foreground=colour))


def _set_axes(figure: Any, plot: LevelPlot, width: int, height: int, zone: tzinfo | None) -> None:  # noqa: ANN401
    highest = max([units for _, units in plot.points] + [plot.threshold or 0, 1])
    ticks = quantity_ticks(highest, most=max(3, height // 3))
    figure.ruler("y", "left").lim(0, max(highest * 1.04, ticks[-1])).ticks(ticks, [f"{tick:,}" for tick in ticks])
    moments = time_ticks(plot.start, plot.end, zone, most=max(2, width // 14))
    figure.ruler("x", "lower").lim(plot.start, plot.end).ticks([at for at, _ in moments], [name for _, name in moments])


def _steps(plot: LevelPlot, columns: int) -> list[tuple[float, int]]:
    """The corners of the step line. Several changes in one column are reduced to what is visible."""
    corners: list[tuple[float, int]] = []
    for at, quantity in _thinned(plot, columns):
        if corners:
            corners.append((at, corners[-1][1]))
        corners.append((at, quantity))
    if corners:
        corners.append((plot.end, corners[-1][1]))
    return corners


def _thinned(plot: LevelPlot, columns: int) -> list[tuple[float, int]]:
    before = [units for at, units in plot.points if at <= plot.start]
    inside = [(at, units) for at, units in plot.points if plot.start < at <= plot.end]
    seen: list[tuple[float, int]] = [(plot.start, before[-1])] if before else []
    column = (plot.end - plot.start) / columns or 1.0
    for at, units in inside:
        position = plot.start + math.floor((at - plot.start) / column) * column
        if len(seen) > 4 and seen[-4][0] == position:  # a column's first, lowest, highest and last
            seen[-4:] = _corners([*seen[-4:], (position, units)])
        else:
            seen.append((position, units))
    return seen


def _corners(points: list[tuple[float, int]]) -> list[tuple[float, int]]:
    quantities = [units for _, units in points]
    position = points[0][0]
    return [(position, units) for units in (quantities[0], min(quantities), max(quantities), quantities[-1])]


def quantity_ticks(highest: int, most: int) -> list[int]:
    """Round numbers of units from 0 up to about `highest`, at most `most` of them."""
    step = 1
    for step in (base * 10**power for power in range(12) for base in (1, 2, 5)):
        if highest // step + 1 <= most:
            break
    return list(range(0, highest + 1, step))


def time_ticks(start: float, end: float, zone: tzinfo | None, most: int) -> list[tuple[float, str]]:
    """At most about `most` round local times between two instants (seconds since the epoch), with labels."""
    step = next(
        (step for step in _STEPS if (end - start) / step <= most), math.ceil((end - start) / most / 86400) * 86400
    )
    offset = _local(start, zone).utcoffset()
    shift = offset.total_seconds() if offset else 0.0
    first = math.ceil((start + shift) / step) * step - shift
    layout = "%H:%M:%S" if step < 60 else "%H:%M" if end - start <= 86400 else "%d %b" if step >= 86400 else "%a %H:%M"
    count = int((end - first) // step) + 1
    return [(first + step * index, _local(first + step * index, zone).strftime(layout)) for index in range(count)]


def _local(instant: float, zone: tzinfo | None) -> datetime:
    return datetime.fromtimestamp(instant, zone).astimezone(zone)


def sparkline(values: Sequence[int], width: int, *, plain: bool = False) -> str:
    """The last `width` values as a row of bars between 0 and the highest of them."""
    shown = list(values)[-width:]
    glyphs = _ASCII_SPARKS if plain else _SPARKS
    highest = max(shown, default=0)
    if highest <= 0:
        return glyphs[0] * len(shown)
    return "".join(glyphs[min(len(glyphs) - 1, round(value / highest * (len(glyphs) - 1)))] for value in shown)


def sampled(points: Sequence[tuple[float, int]], start: float, end: float, count: int) -> list[int]:
    """The level (units) at `count` evenly spaced moments up to `end`, without those before the first point."""
    values: list[int] = []
    index, level = 0, None
    for moment in (start + (end - start) * (step + 1) / count for step in range(count)):
        while index < len(points) and points[index][0] <= moment:
            level = points[index][1]
            index += 1
        if level is not None:
            values.append(level)
    return values


def bar(fraction: float, width: int, *, plain: bool = False) -> str:
    """A bar of `width` cells, filled by a fraction from 0 to 1; any fraction above 0 fills at least part of a cell."""
    eighths = math.ceil(min(1.0, max(0.0, fraction)) * width * 8)
    if plain:
        return ("#" * math.ceil(eighths / 8)).ljust(width, ".")
    whole, rest = divmod(eighths, 8)
    return ("█" * whole + ("▏▎▍▌▋▊▉"[rest - 1] if rest else "")).ljust(width, "░" if width else "")
