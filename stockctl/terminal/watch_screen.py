"""The frames of the watching screen, each a pure function of what is known to exactly `height` lines of text.

Two views: one ingredient (chart, batches, last changes), and all of them (a table with a sparkline each). The top line
always says how the reading of the stream goes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from itertools import islice

from rich.cells import cell_len
from rich.text import Text

from stockctl.domain.stock import Batch
from stockctl.terminal.charts import LevelPlot, bar, level_chart, sampled, sparkline
from stockctl.terminal.durations import short
from stockctl.terminal.figures import counts
from stockctl.terminal.glyphs import Glyphs
from stockctl.terminal.watch_model import Point, SortOrder, Watched, WatchedIngredient

SHORTEST_SECONDS = 10
"""No chart shows less time than this."""
_CHART_LINES = 7
"""A chart of fewer lines says too little."""
_WIDE = 80
"""From this many cells on, the table has room for the last change."""


@dataclass(frozen=True)
class Reading:
    """How the reading of the stream goes: a word for it, how far behind (s), why, and records left out."""

    word: str = "live"
    behind: float = 0.0
    reason: str = ""
    malformed: int = 0

    def __str__(self) -> str:
        if self.word == "behind":
            return f"behind by {short(self.behind)}"
        return f"{self.word} ({self.reason})" if self.reason else self.word


@dataclass(frozen=True)
class View:
    """What the operator has chosen, and where and when this frame is drawn.

    `opened` is the ingredient that fills the screen, None for the table; `chosen` the row the arrows are on; `notes`
    lines that belong to the run (a simulation's figures). `start` and `now` are s since the epoch.
    """

    now: float
    start: float
    glyphs: Glyphs
    zone: tzinfo | None = None
    title: str = "stockctl watch"
    reading: Reading = Reading()
    opened: str | None = None
    chosen: str | None = None
    order: SortOrder = SortOrder.LOW_FIRST
    paused: bool = False
    notes: Sequence[Text] = ()
    keys: bool = True
    typed: str | None = None
    """What has been typed of a name since `/`."""


def frame(watched: Watched, view: View, width: int, height: int) -> Text:
    """The whole screen, `height` lines of at most `width` cells."""
    width, height = max(width, 20), max(height, 4)
    top = [_top(view, width), *view.notes]
    bottom = [_keys(view, width, len(watched.ingredients))] if view.keys else []
    room = max(1, height - len(top) - len(bottom))
    if view.opened is not None:
        body = _one(watched[view.opened], view, width, room)
    else:
        body = _all(watched, view, width, room)
    return _screen([*top, *_filled(body, room), *bottom], width, height)


def _screen(lines: list[Text], width: int, height: int) -> Text:
    for line in lines:
        line.no_wrap = True
        line.truncate(width)
    return Text("\n", no_wrap=True, overflow="crop", end="").join(lines[:height])


def _filled(lines: list[Text], height: int) -> list[Text]:
    return (lines + [Text()] * height)[:height]


def _sides(left: Text, right: Text, width: int) -> Text:
    """Two texts at the two edges of a line; the left one gives way."""
    room = max(0, width - right.cell_len - 1)
    left.truncate(room, pad=True)
    return Text.assemble(left, " ", right)


def _top(view: View, width: int) -> Text:
    if view.paused:
        state = Text(f"{view.glyphs.paused} paused, {view.reading}", style="bold yellow")
    elif view.reading.word == "live":
        state = Text(f"{view.glyphs.live} live", style="bold green")
    elif view.reading.word == "behind":
        state = Text(f"{view.glyphs.behind} {view.reading}", style="bold yellow")
    else:
        state = Text(f"{view.glyphs.trouble} {view.reading}", style="bold red")
    if view.reading.malformed:
        state.append(f", {view.reading.malformed:,} unreadable", style="red")
    state.truncate(width * 2 // 3)
    clock = datetime.fromtimestamp(view.now, view.zone).strftime("%H:%M:%S")
    return _sides(Text(f"{view.title}  {clock}", style="bold"), state, width)


def _keys(view: View, width: int, ingredients: int) -> Text:
    if view.typed is not None:
        line = Text(f"/{view.typed}_", style="bold").append("  enter open, esc leave it", style="dim")
        line.truncate(width)
        return line
    pause = "p go on" if view.paused else "p pause"
    if view.opened is None:
        words = ["q quit", pause, "up/down move", "enter open", "/ find", f"s sort: {view.order.value}"]
    else:
        words = ["q quit", pause, *(["left/right ingredient", "/ find", "esc all"] if ingredients > 1 else [])]
    line = Text(f" {view.glyphs.dot} ".join(words), style="dim")
    line.truncate(width)
    return line


# --- one ingredient -------------------------------------------------------------------------------------------------


def _one(ingredient: WatchedIngredient, view: View, width: int, height: int) -> list[Text]:
    head = _headline(ingredient, view, width)
    room = height - len(head)
    below = max(4, min(room * 2 // 5, 16)) if room >= 10 else max(0, room - 6)
    chart = _chart(ingredient, view, width, room - below)
    return [*head, *_filled(chart, room - below), *_below(ingredient, view, width, below)]


def _headline(ingredient: WatchedIngredient, view: View, width: int) -> list[Text]:
    name = Text(f"{view.glyphs.shown(ingredient.name)}  ", style="bold")
    latest = ingredient.latest
    if latest is None:
        return [_sides(name, Text("nothing received yet", style="yellow"), width), Text()]
    amount = Text(f"{latest.quantity:,} on hand", style=_colour(ingredient))
    if ingredient.is_low:
        amount.append("  OUT" if latest.quantity == 0 else "  LOW", style="bold red")
    units = f"received {latest.received:,}  used {latest.used:,}  expired {latest.expired:,}"
    if ingredient.threshold is not None:
        units += f"  low below {ingredient.threshold:,}"
    return [_sides(Text.assemble(name, amount), Text(_expiry(ingredient, view), style="dim"), width), Text(units)]


def _expiry(ingredient: WatchedIngredient, view: View) -> str:
    if ingredient.next_expiry is None:
        return ""
    left = ingredient.next_expiry - view.now
    return f"next expiry in {short(left)}" if left >= 1 else "expiring now"


def _colour(ingredient: WatchedIngredient) -> str:
    return "bold red" if ingredient.is_low else "bold cyan"


def _chart(ingredient: WatchedIngredient, view: View, width: int, height: int) -> list[Text]:
    if height < 4:
        return []
    points = [(point.at, point.quantity) for point in ingredient.points]
    end = max(view.now, points[-1][0] if points else 0.0)
    plot = LevelPlot(points, min(view.start, end - SHORTEST_SECONDS), end, ingredient.marks(), ingredient.threshold)
    chart = level_chart(plot, width, height, view.zone, plain=view.glyphs.plain)
    return list(chart.split("\n"))


def _below(ingredient: WatchedIngredient, view: View, width: int, height: int) -> list[Text]:
    """Batches and last changes: beside each other where there is room, else above each other."""
    if width >= 96:
        left = width // 2 - 1
        batches = _filled(_batches(ingredient, view, left, height), height)
        changes = _filled(_changes(ingredient, view, width - left - 2, height), height)
        return [_beside(one, other, left) for one, other in zip(batches, changes, strict=True)]
    upper = height // 2
    return [*_batches(ingredient, view, width, upper), *_changes(ingredient, view, width, height - upper)]


def _beside(left: Text, right: Text, width: int) -> Text:
    line = left.copy()
    line.truncate(width, pad=True)
    return Text.assemble(line, "  ", right)


def _batches(ingredient: WatchedIngredient, view: View, width: int, height: int) -> list[Text]:
    if height < 1:
        return []
    if ingredient.batches is None:
        return _filled([Text("batches: reading them", style="dim")], height)
    held = [batch for batch in ingredient.batches if batch.quantity > 0]
    rows = held[: height - 1]
    more = f" (+{len(held) - len(rows)} more)" if len(held) > len(rows) else ""
    title = _ruled(f"{counts(len(held), 'batch')}, soonest first{more}" if held else "no batches", view, width)
    return _filled([title, *(_batch(batch, view, width) for batch in rows)], height)


def _batch(batch: Batch, view: View, width: int) -> Text:
    left = batch.expires_at - view.now
    when = f"in {short(left)}" if left >= 1 else "due"
    style = "red" if left <= 60 else "yellow" if left <= 86400 else "green"
    amount = f"{batch.quantity:>7,} of {batch.received:<7,}"
    length = max(4, width // 5)
    filled = bar(batch.quantity / max(1, batch.received), length, plain=view.glyphs.plain)
    line = Text.assemble((filled, style), f" {amount} ", (f"{when:<12}", style), " ")
    return line.append(_ending(batch.delivery, width - line.cell_len, view.glyphs), style="dim")


def _ending(name: str, room: int, glyphs: Glyphs) -> str:
    """As much of a name as there is room for, from its end: that is where deliveries differ."""
    text = glyphs.shown(name)
    while cell_len(text) > max(0, room):
        text = glyphs.ellipsis + text[2:] if len(text) > 2 else ""
    return text


def _changes(ingredient: WatchedIngredient, view: View, width: int, height: int) -> list[Text]:
    if height < 1:
        return []
    title = _ruled("last changes, and the level after", view, width)
    newest = islice(_moving(ingredient), height - 1)
    rows = [_change(ingredient.points[index], ingredient.difference(index), view, width) for index in newest]
    return _filled([title, *rows], height)


def _moving(ingredient: WatchedIngredient) -> Iterator[int]:
    """The changes that moved something, the newest first."""
    return (index for index in reversed(range(len(ingredient.points))) if not ingredient.is_idle(index))


def _change(point: Point, difference: int | None, view: View, width: int) -> Text:
    clock = datetime.fromtimestamp(point.at, view.zone).strftime("%H:%M:%S")
    style = {"delivery": "green", "expired": "red"}.get(point.cause.split(" ")[0], "")
    tail = Text.assemble((f"{signed(difference, view.glyphs):>9}", style), f" {point.quantity:>9,}")
    kind, space, name = cause_in_short(point.cause).partition(" ")
    room = width - tail.cell_len - len(clock) - len(kind) - 3
    cause = Text.assemble((f"{clock} ", "dim"), (f"{kind}{space}{_ending(name, room, view.glyphs)}", style))
    return _sides(cause, tail, width)


def signed(difference: int | None, glyphs: Glyphs) -> str:
    """A difference in units with its sign; nothing where it is not known."""
    if not difference:
        return "" if difference is None else "0"
    return f"+{difference:,}" if difference > 0 else f"{glyphs.minus}{-difference:,}"


def cause_in_short(cause: str) -> str:
    """A cause as the screen has room for: of a transaction id, only the first characters."""
    kind, _, name = cause.partition(" ")
    return f"{kind} {name[:10]}" if kind == "use" else cause


def _ruled(title: str, view: View, width: int) -> Text:
    line = Text(f"{view.glyphs.rule * 2} {title} ", style="dim")
    return line.append(view.glyphs.rule * max(0, width - line.cell_len))


# --- all ingredients ------------------------------------------------------------------------------------------------


def _all(watched: Watched, view: View, width: int, height: int) -> list[Text]:
    rows = watched.sorted(view.order)
    if not rows:
        return [Text(), Text("No ingredient is in stock yet; what arrives will show here.", style="yellow")]
    chosen = next((index for index, one in enumerate(rows) if one.name == view.chosen), 0)
    room = height if height - len(rows) - 2 < _CHART_LINES else len(rows) + 1
    first = max(0, min(chosen - (room - 2) // 2, len(rows) - (room - 1)))
    names = _name_width(rows, width)
    shown = rows[first : first + room - 1]
    table = [_head(width, names), *(_row(one, view, (width, names), one is rows[chosen]) for one in shown)]
    return [*table, *_chart_below(rows[chosen], view, width, height - len(table))]


def _chart_below(ingredient: WatchedIngredient, view: View, width: int, height: int) -> list[Text]:
    """The chart of the chosen ingredient, where the table leaves room for one."""
    if height < _CHART_LINES + 1:
        return []
    return [_ruled(view.glyphs.shown(ingredient.name), view, width), *_chart(ingredient, view, width, height - 1)]


def _head(width: int, names: int) -> Text:
    change = f"{'change':>9}  " if width >= _WIDE else ""
    spark = _spark_width(width, names)
    head = f"  {'ingredient':<{names}}{'on hand':>11}{'':5}{'level':<{spark}}  {change}next expiry"
    return Text(head, style="bold dim")


def _name_width(rows: Sequence[WatchedIngredient], width: int) -> int:
    """Room for the longest name, but never more than a quarter of the screen."""
    return max(18, min(width // 4, max(cell_len(one.name) for one in rows)))


def _spark_width(width: int, names: int) -> int:
    return max(6, width - names - 20 - 14 - (11 if width >= _WIDE else 0))


def _row(ingredient: WatchedIngredient, view: View, widths: tuple[int, int], is_chosen: bool) -> Text:
    width, names = widths
    spark = _spark_width(width, names)
    points = [(point.at, point.quantity) for point in ingredient.points]
    values = sampled(points, min(view.start, view.now - SHORTEST_SECONDS), view.now, spark)
    line = sparkline(values, spark, plain=view.glyphs.plain).rjust(spark)
    name = Text(view.glyphs.shown(ingredient.name))
    name.truncate(names, overflow="crop" if view.glyphs.plain else "ellipsis", pad=True)
    latest = next(_moving(ingredient), None)
    difference = None if latest is None else ingredient.difference(latest)
    state = " OUT" if ingredient.quantity == 0 else " LOW" if ingredient.is_low else "    "
    text = Text(view.glyphs.chosen.ljust(2) if is_chosen else "  ").append_text(name)
    text.append(f"{ingredient.quantity:>11,}", style=_colour(ingredient)).append(state, style="bold red")
    text.append(f" {line}  ", style="cyan")
    if width >= _WIDE:
        text.append(f"{signed(difference, view.glyphs):>9}  ")
    text.append(_when(ingredient, view), style="dim")
    if is_chosen:
        text.stylize("reverse", 0, names + 2)
    return text


def _when(ingredient: WatchedIngredient, view: View) -> str:
    if ingredient.next_expiry is None:
        return view.glyphs.dash
    left = ingredient.next_expiry - view.now
    return f"in {short(left)}" if left >= 1 else "now"
