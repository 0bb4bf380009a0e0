"""The report as one page of HTML: no script, no network, light or dark as the reader's device is, phone or desk.

Bars are SVG, stretched to the width of the page. Text beside them is HTML, so that it keeps its size on a phone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from html import escape

from stockctl.domain.report import Movement, ReportLine, total
from stockctl.terminal.charts import quantity_ticks
from stockctl.terminal.figures import share, units

_HEIGHT = 100
"""Units of height in the charts; the page stretches them."""

_STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1c2530; --faint: #586573; --rule: #dde3e9; --card: #f4f6f8;
  --used: #3a78c2; --received: #2f8f5b; --expired: #c2392f; --discarded: #d08a1d }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14181d; --ink: #e4e9ee; --faint: #9aa7b4; --rule: #2c343d; --card: #1d232a;
    --used: #6ea3e0; --received: #5bbf8a; --expired: #ec7268; --discarded: #e5ad52 }
}
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem 1rem 3rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif }
h1 { font-size: 1.6rem; margin: 0 } h2 { font-size: 1.1rem; margin: 2.2rem 0 .6rem }
p, dd, dt { margin: 0 } .faint, dt, th, figcaption { color: var(--faint) }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(7.5rem, 1fr)); gap: .6rem; margin: 1.2rem 0 0 }
dl div { background: var(--card); border-radius: .5rem; padding: .6rem .8rem }
dd { font-size: 1.4rem; font-weight: 600; font-variant-numeric: tabular-nums } dt { font-size: .85rem }
figure { margin: 0 } .plot { display: grid; grid-template-columns: auto 1fr; column-gap: .5rem }
.plot svg { width: 100%; height: 11rem; border-bottom: 1px solid var(--rule) } .plot.low svg { height: 5rem }
.scale { position: relative; min-width: 3rem; font-size: .75rem; color: var(--faint); text-align: right }
.scale i { visibility: hidden; font-style: normal }
.scale span { position: absolute; right: 0; transform: translateY(50%) }
.ends { grid-column: 2; display: flex; justify-content: space-between; font-size: .8rem; color: var(--faint) }
.key { display: inline-block; width: .7em; height: .7em; border-radius: 2px; margin: 0 .35em 0 .9em }
.grid { stroke: var(--rule); stroke-width: 1; vector-effect: non-scaling-stroke }
.used { fill: var(--used); background: var(--used) } .received { fill: var(--received); background: var(--received) }
.expired { fill: var(--expired); background: var(--expired) }
.discarded { fill: var(--discarded); background: var(--discarded) }
.wide { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { text-align: right; padding: .4rem .6rem; border-bottom: 1px solid var(--rule); vertical-align: top }
th { font-weight: 500; font-size: .85rem } .total td { font-weight: 600 } .reasons { max-width: 30rem }
th:first-child, td:first-child { text-align: left; overflow-wrap: anywhere; min-width: 7rem; position: sticky; left: 0;
  background: var(--paper) }
td small { display: block; max-width: 9rem; margin-left: auto; color: var(--faint); overflow-wrap: anywhere }
.bar { width: 5rem; height: .5rem; display: block; margin: .25rem 0 0 auto; background: var(--card) }
footer { margin-top: 2.5rem; font-size: .85rem; color: var(--faint) }
@media (max-width: 40rem) { th, td { padding: .4rem } body { font-size: 15px } }
"""


@dataclass(frozen=True)
class ReportPage:
    """What the page shows: a stack, a period in its time zone, and the lines of each kind of report."""

    stack: str
    since: datetime
    until: datetime
    ingredients: Sequence[ReportLine]
    suppliers: Sequence[ReportLine]
    days: Sequence[ReportLine]


def page(report: ReportPage) -> str:
    """The page."""
    period = f"{report.since:%Y-%m-%d %H:%M} to {report.until:%Y-%m-%d %H:%M} ({escape(report.until.tzname() or '')})"
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Stock report: {escape(report.stack)}</title>
<style>{_STYLE}</style>
<h1>Stock report: {escape(report.stack)}</h1>
<p class="faint">{period}</p>
{_figures(total(report.ingredients))}
<h2>Left stock, units per day {_key("used")}{_key("expired")}{_key("discarded")}</h2>
{_plot(report.days, _left, "Units that left stock each day")}
<h2>Came into stock, units per day</h2>
{_plot(report.days, _came, "Units that came into stock each day", low=True)}
<h2>By ingredient</h2>
{_table("ingredient", report.ingredients)}
<h2>By supplier: what became of the deliveries of this period</h2>
{_table("supplier", report.suppliers)}
<h2>Discarded, by reason</h2>
{_reasons(total(report.ingredients))}
<footer>Waste is what expired or was discarded, as a share of all that left stock for good. Corrections of deliveries
are no waste. In the table of suppliers, units that came back after a use count as used.</footer>
</html>
"""


def _figures(movement: Movement) -> str:
    figures = [
        ("waste", share(movement.waste)),
        ("received", units(movement.received)),
        ("used", units(movement.used)),
        ("returned", units(movement.returned)),
        ("expired", units(movement.expired)),
        ("discarded", units(movement.all_discarded)),
    ]
    return "<dl>" + "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in figures) + "</dl>"


def _key(name: str) -> str:
    return f'<span class="key {name}"></span><small class="faint">{name}</small>'


# --- charts ---------------------------------------------------------------------------------------------------------

_Stack = list[tuple[str, str, int]]
"""The parts of a bar from the bottom up: class, what it is, units."""


def _left(movement: Movement) -> _Stack:
    return [
        ("used", "used", movement.used),
        ("expired", "expired", movement.expired),
        ("discarded", "discarded", movement.all_discarded),
    ]


def _came(movement: Movement) -> _Stack:
    return [("received", "received or returned", movement.received + movement.returned)]


def _plot(days: Sequence[ReportLine], stack: Callable[[Movement], _Stack], label: str, *, low: bool = False) -> str:
    """A bar for each day, with a scale at the left and the first, middle and last day below."""
    tallest = max((sum(count for *_, count in stack(day.movement)) for day in days), default=0)
    ticks = quantity_ticks(max(1, tallest), 2 if low else 4)
    top = max(tallest, ticks[-1], 1)
    lines = "".join(f'<path class="grid" d="M0 {_y(tick, top)}H{10 * len(days)}"/>' for tick in ticks[1:])
    bars = "".join(rect for place, day in enumerate(days) for rect in _bar(place, day, stack(day.movement), top))
    scale = "".join(f'<span style="bottom:{100 * tick / top:.1f}%">{units(tick)}</span>' for tick in ticks)
    named = [days[0], days[len(days) // 2], days[-1]] if len(days) > 2 else days
    ends = "".join(f"<span>{_day(day)}</span>" for day in named)
    return (
        f'<figure class="plot{" low" if low else ""}"><div class="scale"><i>{units(ticks[-1])}</i>{scale}</div>'
        f'<svg viewBox="0 0 {10 * len(days)} {_HEIGHT}" preserveAspectRatio="none" role="img" aria-label="{label}">'
        f'{lines}{bars}</svg><div class="ends">{ends}</div></figure>'
    )


def _bar(place: int, day: ReportLine, stack: _Stack, top: int) -> Iterator[str]:
    below = 0
    for kind, name, count in stack:
        if count:
            y, height = _y(below + count, top), round(_HEIGHT * count / top, 2)
            title = f"<title>{_day(day)}: {units(count)} {name}</title>"
            yield f'<rect class="{kind}" x="{10 * place + 1}" y="{y}" width="8" height="{height}">{title}</rect>'
        below += count


def _y(count: int, top: int) -> float:
    return round(_HEIGHT - _HEIGHT * count / top, 2)


def _day(day: ReportLine) -> str:
    moment = date.fromisoformat(day.name)
    return f"{moment:%a} {moment.day} {moment:%b}"


# --- tables ---------------------------------------------------------------------------------------------------------


def _table(name: str, lines: Sequence[ReportLine]) -> str:
    if not lines:
        return '<p class="faint">nothing in this period</p>'
    left = [line.on_hand for line in lines if line.on_hand is not None]
    rows = [*map(_row, lines), _row(ReportLine("total", total(lines), sum(left)), is_total=True)]
    heads = ("waste", "expired", "discarded", "used", "returned", "received", "on hand")
    titles = "".join(f"<th>{head}" for head in (name, *heads))
    return f'<div class="wide"><table><tr>{titles}</tr>{"".join(rows)}</table></div>'


def _row(line: ReportLine, *, is_total: bool = False) -> str:
    movement = line.movement
    names = escape(", ".join(sorted(movement.discarded)))
    reasons = f"<small>{names}</small>" if names and not is_total else ""
    cells = (
        escape(line.name) or "no folder",
        f"{share(movement.waste)}{_share_bar(movement)}",
        units(movement.expired),
        f"{units(movement.all_discarded)}{reasons}",
        units(movement.used),
        units(movement.returned),
        units(movement.received),
        "-" if line.on_hand is None else units(line.on_hand),
    )
    return f"<tr{' class=total' if is_total else ''}>{''.join(f'<td>{cell}' for cell in cells)}</tr>"


def _share_bar(movement: Movement) -> str:
    """The waste as a bar: what expired, then what was discarded."""
    if not movement.waste:
        return ""
    whole = movement.wasted / movement.waste
    expired, wasted = (round(100 * part / whole, 1) for part in (movement.expired, movement.wasted))
    return (
        '<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="expired" width="{expired}" height="10"/>'
        f'<rect class="discarded" x="{expired}" width="{round(wasted - expired, 1)}" height="10"/></svg>'
    )


def _reasons(movement: Movement) -> str:
    if not movement.discarded:
        return '<p class="faint">nothing was discarded</p>'
    most = max(movement.discarded.values())
    found = sorted(movement.discarded.items(), key=lambda item: (-item[1], item[0]))
    rows = "".join(
        f'<tr><td>{escape(reason)}<td>{units(count)}<td><svg class="bar" viewBox="0 0 100 10" '
        f'preserveAspectRatio="none" aria-hidden="true"><rect class="discarded" width="{100 * count / most:.1f}" '
        f'height="10"/></svg></tr>'
        for reason, count in found
    )
    return f"<table class=reasons><tr><th>reason<th>units<th></tr>{rows}</table>"
