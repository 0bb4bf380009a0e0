"""The frames of the watching screen: pure functions from what is known to exactly `height` lines of text.

Two views: one ingredient (chart, batches, last changes), and all of them (a table with a sparkline each). The top line
always shows the state of the stream, the bottom line the keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from itertools import islice

from rich.cells import cell_len
from rich.text import Text

from stockctl.domain.instants import NEVER
from stockctl.domain.level_point import Point
from stockctl.domain.stock import Batch
from stockctl.terminal.charts import LevelPlot, MarkKind, bar, level_chart, sampled, sparkline
from stockctl.terminal.durations import short
from stockctl.terminal.figures import counts
from stockctl.terminal.folding import folded
from stockctl.terminal.glyphs import Glyphs
from stockctl.terminal.watch_model import SortOrder, Watched, WatchedIngredient, match_of

SHORTEST_SECONDS = 10
"""The shortest time a chart shows, in seconds."""
_CHART_LINES = 7
"""Fewer lines are too few for a chart."""
_WIDE = 80
"""The table shows the last change from this width on."""


@dataclass(frozen=True)
class Reading:
    """The state of the stream: a word for it, how far behind it is (s), why, and the number of unreadable records."""

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
    """What the user has chosen, and the size and time of this frame.

    `opened` is the ingredient that fills the screen, None for the table; `chosen` the selected row; `notes` lines of
    the run (a simulation's figures). `start` and `now` are seconds since the epoch.
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
    help: bool = False
    ended: bool = False
    """Whether this is the last frame: nothing is live in it, and it takes no keys."""
    typed: str | None = None
    """The name typed since `/`."""


def frame(watched: Watched, view: View, width: int, height: int) -> Text:
    """The whole screen, `height` lines of at most `width` cells."""
    width, height = max(width, 20), max(height, 4)
    notes = [line for note in view.notes for line in folded(note, width)]
    top = [_top(view, width), *notes]
    bottom = [_footer(watched, view, width)]
    room = max(1, height - len(top) - len(bottom))
    if view.help:
        body = _help(view)
    elif view.opened is not None:
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
    """Two texts at the edges of a line; the left one is cut if necessary."""
    room = max(0, width - right.cell_len - 1)
    left.truncate(room, pad=True)
    return Text.assemble(left, " ", right)


def _top(view: View, width: int) -> Text:
    state = _state_of_reading(view)
    if view.reading.malformed:
        state.append(f", {view.reading.malformed:,} unreadable", style="red")
    state.truncate(width * 2 // 3)
    clock = datetime.fromtimestamp(view.now, view.zone).strftime("%H:%M:%S")
    return _sides(Text(f"{view.title}  {clock}", style="bold"), state, width)


def _state_of_reading(view: View) -> Text:
    glyphs, reading = view.glyphs, view.reading
    if view.ended:
        return Text("ended" if reading.word in {"live", "connecting"} else f"ended, {reading}", style="dim")
    if view.paused:
        return Text(f"{glyphs.paused} paused, {reading}", style="bold yellow")
    if reading.word == "live":
        return Text(f"{glyphs.live} live", style="bold green")
    if reading.word == "behind":
        return Text(f"{glyphs.behind} {reading}", style="bold yellow")
    return Text(f"{glyphs.trouble} {reading}", style="bold red")


def _footer(watched: Watched, view: View, width: int) -> Text:
    """The keys, as many as fit, and what the marks in a chart mean."""
    between = f" {view.glyphs.dot} "
    if view.typed is not None:
        return _typed(watched, view, view.typed, width)
    if view.ended:
        return Text(_legend(view.glyphs), style="dim")
    if view.help:
        return Text("any key closes the help", style="dim")
    words = ["q quit", "? help", "p resume" if view.paused else "p pause", _legend(view.glyphs)]
    if view.opened is None:
        words += ["up/down move", "enter open", "/ find", f"s sort: {view.order.value}"]
    elif len(watched.ingredients) > 1:
        words += ["esc all", "left/right ingredient", "/ find"]
    return Text(_as_fits(words, between, width), style="dim")


def _typed(watched: Watched, view: View, typed: str, width: int) -> Text:
    names = [one.name for one in watched.sorted(view.order)]
    line = Text(f"/{view.glyphs.shown(typed)}_", style="bold")
    if typed and match_of(typed, names) is None:
        line.append("  no match", style="yellow")
    line.append("  enter open, esc cancel", style="dim")
    line.truncate(width)
    return line


def _legend(glyphs: Glyphs) -> str:
    delivery, write_off = (kind.glyph(plain=glyphs.plain) for kind in (MarkKind.DELIVERY, MarkKind.WRITE_OFF))
    return f"{delivery} delivery {write_off} written off"


def _help(view: View) -> list[Text]:
    marks = " ".join(kind.glyph(plain=view.glyphs.plain) for kind in MarkKind)
    rows = [
        ("up, down", "choose an ingredient"),
        ("PgUp, PgDn", "move by ten; Home, End: first, last"),
        ("enter, esc", "open an ingredient; back to all"),
        ("left, right", "previous, next ingredient when one is open"),
        ("/", "find an ingredient by name"),
        ("s", "change the order of the ingredients"),
        ("p", "pause and resume"),
        ("q, Ctrl-C", "quit"),
        (marks, "delivery, stock written off"),
        ("LOW, OUT", "below the threshold, nothing on hand"),
        ("12 unused", "units of a batch that will expire unused at this pace"),
    ]
    return [Text.assemble((f"  {key:<13}", "bold"), meaning) for key, meaning in rows]


def _as_fits(words: Sequence[str], between: str, width: int) -> str:
    """The first words, as many as fit on a line."""
    line = words[0]
    for word in words[1:]:
        if cell_len(line + between + word) > width:
            break
        line += between + word
    return line


# --- one ingredient -------------------------------------------------------------------------------------------------


def _one(ingredient: WatchedIngredient, view: View, width: int, height: int) -> list[Text]:
    head = _headline(ingredient, view, width)
    room = height - len(head)
    below = max(4, min(room * 2 // 5, 16)) if room >= 10 else max(0, room - 6)
    chart = _chart(ingredient, view, width, room - below)
    return [*head, *_filled(chart, room - below), *_below(ingredient, view, width, below)]


def _headline(ingredient: WatchedIngredient, view: View, width: int) -> list[Text]:
    name = Text(view.glyphs.shown(ingredient.name), style="bold")
    latest = ingredient.latest
    if latest is None:
        return [_sides(name, Text("nothing received yet", style="yellow"), width), Text()]
    amount = Text(f"  {latest.quantity:,} on hand", style=_colour(ingredient))
    if ingredient.is_low:
        amount.append(f" {_state(ingredient)}", style="bold red")
    name.truncate(width - amount.cell_len, overflow="crop" if view.glyphs.plain else "ellipsis")
    expiry = Text(_expiry(ingredient, view), style="dim")
    said = Text.assemble(name, amount)
    first = _sides(said, expiry, width) if said.cell_len + 2 + expiry.cell_len <= width else said
    return [first, *folded(Text(_units(latest, ingredient.threshold)), width)]


def _units(latest: Point, threshold: int | None) -> str:
    units = f"received {latest.received:,}  used {latest.used:,}  expired {latest.expired:,}"
    units += f"  discarded {latest.discarded:,}" if latest.discarded else ""
    units += f"  returned {latest.returned:,}" if latest.returned else ""
    return units + (f"  threshold {threshold:,}" if threshold is not None else "")


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
    """Batches and last changes, side by side if there is room."""
    if width >= 96:
        left = width // 2 - 1
        batches = _filled(_batches(ingredient, view, left, height), height)
        changes = _filled(_changes(ingredient, view, width - left - 2, height), height)
        return [_beside(one, other, left) for one, other in zip(batches, changes, strict=True)]
    if height < 4:  # a title without a line below it says nothing: what expires soonest goes before what was last
        return _batches(ingredient, view, width, height)
    upper = height // 2
    return [*_batches(ingredient, view, width, upper), *_changes(ingredient, view, width, height - upper)]


def _beside(left: Text, right: Text, width: int) -> Text:
    line = left.copy()
    line.truncate(width, pad=True)
    return Text.assemble(line, "  ", right)


def _batches(ingredient: WatchedIngredient, view: View, width: int, height: int) -> list[Text]:
    if height < 1:
        return []
    if ingredient.batches is None and ingredient.latest is not None:
        return _filled([Text("loading batches", style="dim")], height)
    held = [batch for batch in ingredient.batches or () if batch.quantity > 0]
    rows = held[: height - 1]
    more = f" (+{len(held) - len(rows)} more)" if len(held) > len(rows) else ""
    title = _ruled(f"{counts(len(held), 'batch')}, soonest first{more}" if held else "no batches", view, width)
    unused = ingredient.unused(view.now)
    figures = [
        (f"{batch.quantity:,}", f"{batch.received:,}", _due(batch, view), _unused(unused.get(batch.batch_id)))
        for batch in rows
    ]
    sizes = [max(map(len, column)) for column in zip(*figures, strict=True)]
    lines = [
        _batch(
            batch,
            [f"{left:>{sizes[0]}} of {of:<{sizes[1]}}", f"{when:<{sizes[2]}}", f"{lost:>{sizes[3]}}"],
            view,
            width,
        )
        for batch, (left, of, when, lost) in zip(rows, figures, strict=True)
    ]
    return _filled([title, *lines], height)


def _due(batch: Batch, view: View) -> str:
    if batch.expires_at == NEVER:
        return "never"
    left = batch.expires_at - view.now
    return f"in {short(left)}" if left >= 1 else "due"


def _unused(units: int | None) -> str:
    return f"{units:,} unused" if units else ""


def _batch(batch: Batch, figures: Sequence[str], view: View, width: int) -> Text:
    """A bar of what is left, the figures, and as much of the delivery's name as fits."""
    amount, when, lost = figures
    left = batch.expires_at - view.now
    style = "red" if left <= 60 else "yellow" if left <= 86400 else "green"
    filled = bar(batch.quantity / max(1, batch.received), max(4, width // 5), plain=view.glyphs.plain)
    line = Text.assemble((filled, style), f"  {amount}  ", (when, style), "  ")
    if lost:
        line.append(f"{lost}  ", style="bold red")
    return line.append(_ending(batch.delivery, width - line.cell_len, view.glyphs), style="dim")


def _ending(name: str, room: int, glyphs: Glyphs) -> str:
    """The end of a name, as much as fits: that is where deliveries differ."""
    text = glyphs.shown(name)
    while cell_len(text) > max(0, room):
        text = glyphs.ellipsis + text[2:] if len(text) > 2 else ""
    return text


def _changes(ingredient: WatchedIngredient, view: View, width: int, height: int) -> list[Text]:
    if height < 1:
        return []
    title = _ruled("last changes, and the level after", view, width)
    newest = islice(_moving(ingredient), height - 1)
    changes = [(ingredient.points[index], ingredient.difference(index)) for index in newest]
    differences = max((len(signed(difference, view.glyphs)) for _, difference in changes), default=0)
    levels = max(9, *(len(f"{point.quantity:,}") for point, _ in changes), 0)
    rows = [
        _change(point, f"{signed(difference, view.glyphs):>{differences}}", f"{point.quantity:>{levels},}", view, width)
        for point, difference in changes
    ]
    return _filled([title, *rows], height)


def _moving(ingredient: WatchedIngredient) -> Iterator[int]:
    """The changes that moved units, newest first."""
    return (index for index in reversed(range(len(ingredient.points))) if not ingredient.is_idle(index))


def _change(point: Point, difference: str, level: str, view: View, width: int) -> Text:
    clock = datetime.fromtimestamp(point.at, view.zone).strftime("%H:%M:%S")
    style = {"delivery": "green", "expired": "red"}.get(point.cause.split(" ")[0], "")
    tail = Text.assemble((difference, style), f" {level}")
    kind, space, name = point.cause.partition(" ")
    room = width - tail.cell_len - len(clock) - len(kind) - 3
    if kind == "use" and cell_len(name) > room:  # transaction ids differ in their first characters, too
        name = name[:10]
    cause = Text.assemble((f"{clock} ", "dim"), (f"{kind}{space}{_ending(name, room, view.glyphs)}", style))
    return _sides(cause, tail, width)


def signed(difference: int | None, glyphs: Glyphs) -> str:
    """A difference in units with its sign; empty if unknown."""
    if not difference:
        return "" if difference is None else "0"
    return f"+{difference:,}" if difference > 0 else f"{glyphs.minus}{-difference:,}"


def _ruled(title: str, view: View, width: int) -> Text:
    line = Text(f"{view.glyphs.rule * 2} {title} ", style="dim")
    return line.append(view.glyphs.rule * max(0, width - line.cell_len))


# --- all ingredients ------------------------------------------------------------------------------------------------


def _all(watched: Watched, view: View, width: int, height: int) -> list[Text]:
    rows = watched.sorted(view.order)
    if not rows:
        return [Text(), Text("Nothing is in stock yet; deliveries will show here.", style="yellow")]
    chosen = next((index for index, one in enumerate(rows) if one.name == view.chosen), 0)
    room = height if height - len(rows) - 2 < _CHART_LINES else len(rows) + 1
    first = max(0, min(chosen - (room - 2) // 2, len(rows) - (room - 1)))
    shown = rows[first : first + room - 1]
    widths = _Widths.of(rows, view, width)
    place = f"{first + 1}-{first + len(shown)} of {len(rows)}" if 0 < len(shown) < len(rows) else ""
    table = [_head(widths, place), *(_row(one, view, widths, one is rows[chosen]) for one in shown)]
    return [*table, *_chart_below(rows[chosen], view, width, height - len(table))]


@dataclass(frozen=True)
class _Widths:
    """The column widths of the table; no `changes` on a narrow screen."""

    names: int
    amounts: int
    sparks: int
    changes: int

    @classmethod
    def of(cls, rows: Sequence[WatchedIngredient], view: View, width: int) -> _Widths:
        """Room for the longest name, at most a quarter of the screen, and for the longest figures."""
        names = max(18, min(width // 4, max(cell_len(one.name) for one in rows)))
        amounts = max(11, *(len(_amount(one, view)) + 2 for one in rows))
        changes = max(9, *(len(_last_change(one, view)) for one in rows)) if width >= _WIDE else 0
        left = width - amounts - 23 - (changes + 2 if changes else 0)
        names = min(names, max(10, left - 6))
        return cls(names, amounts, max(6, left - names), changes)


def _chart_below(ingredient: WatchedIngredient, view: View, width: int, height: int) -> list[Text]:
    """The chart of the selected ingredient, if the table leaves room."""
    if height < _CHART_LINES + 1:
        return []
    return [_ruled(view.glyphs.shown(ingredient.name), view, width), *_chart(ingredient, view, width, height - 1)]


def _head(widths: _Widths, place: str) -> Text:
    """The column headings; `place` says which rows are shown."""
    change = f"{'change':>{widths.changes}}  " if widths.changes else ""
    name = f"ingredient  {place}" if len(place) + 12 <= widths.names else place or "ingredient"
    head = f"  {name:<{widths.names}}{'on hand':>{widths.amounts}}{'':5}{'level':<{widths.sparks}}  {change}next expiry"
    return Text(head, style="bold dim")


def _row(ingredient: WatchedIngredient, view: View, widths: _Widths, is_chosen: bool) -> Text:
    points = [(point.at, point.quantity) for point in ingredient.points]
    values = sampled(points, min(view.start, view.now - SHORTEST_SECONDS), view.now, widths.sparks)
    line = sparkline(values, widths.sparks, plain=view.glyphs.plain).rjust(widths.sparks)
    name = Text(view.glyphs.shown(ingredient.name))
    name.truncate(widths.names, overflow="crop" if view.glyphs.plain else "ellipsis", pad=True)
    text = Text(view.glyphs.chosen.ljust(2) if is_chosen else "  ").append_text(name)
    text.append(f"{_amount(ingredient, view):>{widths.amounts}}", style=_colour(ingredient))
    text.append(_state(ingredient), style="bold red").append(f" {line}  ", style="cyan")
    if widths.changes:
        text.append(f"{_last_change(ingredient, view):>{widths.changes}}  ")
    text.append(_when(ingredient, view), style="dim")
    if is_chosen:
        text.stylize("reverse", 0, widths.names + 2)
    return text


def _amount(ingredient: WatchedIngredient, view: View) -> str:
    """Units on hand; a dash while the level is unknown."""
    return view.glyphs.dash if ingredient.latest is None else f"{ingredient.quantity:,}"


def _state(ingredient: WatchedIngredient) -> str:
    if ingredient.latest is None or not ingredient.is_low:
        return "    "
    return " OUT" if ingredient.quantity == 0 else " LOW"


def _last_change(ingredient: WatchedIngredient, view: View) -> str:
    latest = next(_moving(ingredient), None)
    return signed(None if latest is None else ingredient.difference(latest), view.glyphs)


def _when(ingredient: WatchedIngredient, view: View) -> str:
    if ingredient.next_expiry is None:
        return view.glyphs.dash
    left = ingredient.next_expiry - view.now
    return f"in {short(left)}" if left >= 1 else "now"
