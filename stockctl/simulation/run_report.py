"""The report of a simulation: charts of all levels and the figures, in one file."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Any

from stockctl.domain.instants import iso
from stockctl.domain.level_point import Point
from stockctl.simulation.service import Service
from stockctl.simulation.summary import Summary

_WIDTH, _CHART, _GAP, _LEFT, _TOP = 880, 96, 44, 64, 126
_INK, _FAINT, _LINE, _AREA, _GREEN, _RED = "#1f2933", "#7b8794", "#2b6cb0", "#bee3f8", "#2f855a", "#c53030"


Histories = Mapping[str, Sequence[Point]]


def report_of(kind: str, service: Service, summary: Summary, histories: Histories) -> str:
    """The report as a page (`.html`), a drawing (`.svg`) or a document (`.json`)."""
    if kind == ".json":
        return json.dumps(_document(service, summary, histories), ensure_ascii=False, indent=2) + "\n"
    picture = _picture(service, summary, histories)
    return picture if kind == ".svg" else _page(service, summary, picture, histories)


def _document(service: Service, summary: Summary, histories: Histories) -> dict[str, Any]:
    plan = service.schedule
    return {
        "kitchen": plan.kitchen.name,
        "seed": plan.seed,
        "chaos": plan.chaos,
        "speed": service.speed,
        "duration_seconds": plan.duration,
        "began": iso(service.began),
        "summary": {**summary.document(), "faults": list(summary.faults)},
        "levels": {
            name: [{"at": iso(step.at), "quantity": step.quantity, "cause": step.cause} for step in steps]
            for name, steps in histories.items()
        },
    }


def _picture(service: Service, summary: Summary, histories: Histories) -> str:
    shown = {name: steps for name, steps in histories.items() if steps}
    height = _TOP + len(shown) * (_CHART + _GAP) + 30
    tops = range(_TOP, height, _CHART + _GAP)
    end = max([service.began + service.schedule.duration / service.speed, *(steps[-1].at for steps in shown.values())])
    charts = [_chart(service, name, (top, end), steps) for top, (name, steps) in zip(tops, shown.items(), strict=False)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" '
            f'height="{height}" font-family="system-ui, sans-serif" fill="{_INK}" role="img">',
            f"<title>{escape(_title(service))}</title>",
            f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
            *_heading(service, summary),
            *charts,
            "</svg>\n",
        ]
    )


def _title(service: Service) -> str:
    plan = service.schedule
    chaos = ", with chaos" if plan.chaos else ""
    pace = f" at {service.speed:g} times the speed" if service.speed != 1 else ""
    return f"{plan.kitchen.name}: {plan.duration / 60:g} min{pace}, seed {plan.seed}{chaos}"


def _heading(service: Service, summary: Summary) -> list[str]:
    verdict = "adds up" if summary.adds_up else "does not add up"
    colour = _GREEN if summary.adds_up else _RED
    lacking = ", ".join(f"{name} {count:,}" for name, count in sorted(summary.refused_for.items()))
    refused = f"{summary.refused:,} refused" + (f" (lacking {lacking})" if lacking else "")
    orders = f"{summary.served:,} orders served, {refused}, {summary.waste:.0%} waste"
    return [
        f'<text x="24" y="38" font-size="21" font-weight="600">{escape(_title(service))}</text>',
        f'<text x="24" y="64" font-size="15">{summary.equation()} '
        f'<tspan fill="{colour}" font-weight="600">{verdict}</tspan></text>',
        f'<text x="24" y="86" font-size="13" fill="{_FAINT}">{escape(orders)}  ·  '
        f'<tspan fill="{_GREEN}">▲ delivery</tspan>  <tspan fill="{_RED}">▼ written off</tspan></text>',
    ]


@dataclass(frozen=True)
class _Scale:
    """Maps instants (seconds since the epoch) and units to positions in one chart."""

    start: float
    end: float
    highest: int
    top: int

    def x(self, at: float) -> float:
        """The horizontal position of an instant; earlier ones are at the start."""
        return round(_LEFT + (max(self.start, at) - self.start) / (self.end - self.start) * (_WIDTH - _LEFT - 24), 1)

    def y(self, quantity: int) -> float:
        """The vertical position of a level."""
        return round(self.bottom - quantity / self.highest * (_CHART - 12), 1)

    @property
    def bottom(self) -> int:
        """The vertical position of zero."""
        return self.top + _CHART


def _chart(service: Service, name: str, place: tuple[int, float], steps: Sequence[Point]) -> str:
    """The chart of one level, below `top`, up to the `end` that all charts share."""
    top, end = place
    scale = _Scale(service.began, end, max(1, *(step.quantity for step in steps)), top)
    line = f"M{scale.x(steps[0].at)} {scale.y(steps[0].quantity)}"
    line += "".join(f"H{scale.x(step.at)}V{scale.y(step.quantity)}" for step in steps[1:]) + f"H{scale.x(end)}"
    area = f"{line}V{scale.bottom}H{scale.x(steps[0].at)}Z"
    first, last = steps[0], steps[-1]
    figures = f"{last.quantity:,} on hand, {last.used - first.used:,} used, {last.expired - first.expired:,} expired"
    return "\n".join(
        [
            f'<text x="{_LEFT}" y="{top - 6}" font-size="14" font-weight="600">{escape(name)}'
            f'<tspan fill="{_FAINT}" font-weight="400" dx="10">{figures}</tspan></text>',
            f'<path d="{area}" fill="{_AREA}" opacity=".55"/>',
            f'<path d="{line}" fill="none" stroke="{_LINE}" stroke-width="1.5"/>',
            *_axes(service, scale),
            *(_mark(step, change, scale) for step, change in _changes(steps, service.began)),
            "",
        ]
    )


def _axes(service: Service, scale: _Scale) -> list[str]:
    """The base line with five simulated times below it, and the highest level at the left."""
    right = _WIDTH - 24
    lines = [
        f'<path d="M{_LEFT} {scale.bottom}H{right}" stroke="{_FAINT}" stroke-width=".5"/>',
        f'<text x="{_LEFT - 8}" y="{scale.bottom}" font-size="11" fill="{_FAINT}" text-anchor="end">0</text>',
        f'<text x="{_LEFT - 8}" y="{scale.y(scale.highest) + 4}" font-size="11" fill="{_FAINT}" '
        f'text-anchor="end">{scale.highest:,}</text>',
    ]
    for part in range(5):
        seconds = (scale.end - scale.start) * service.speed * part / 4
        x = scale.x(scale.start + (scale.end - scale.start) * part / 4)
        clock = f"{int(seconds) // 60}:{int(seconds) % 60:02}"
        lines.append(
            f'<text x="{x}" y="{scale.bottom + 13}" font-size="10" fill="{_FAINT}" text-anchor="middle">{clock}</text>'
        )
    return lines


def _changes(steps: Sequence[Point], began: float) -> Iterator[tuple[Point, int]]:
    """Each step with its change in units. A first step during the run is the first delivery ever."""
    if steps[0].at >= began:
        yield steps[0], steps[0].quantity
    for before, step in pairwise(steps):
        yield step, step.quantity - before.quantity


def _mark(step: Point, change: int, scale: _Scale) -> str:
    """A triangle with its units as a tooltip, for a delivery or write-off; nothing for a use."""
    if not change or step.cause.startswith("use "):
        return ""
    colour, point = (_GREEN, -7) if change > 0 else (_RED, 7)
    x, y = scale.x(step.at), scale.y(step.quantity) - point / 2
    title = f"<title>{escape(step.cause)} {change:+,}</title>"
    return f'<path d="M{x - 4} {y}h8l-4 {point}Z" fill="{colour}">{title}</path>'


def _page(service: Service, summary: Summary, picture: str, histories: Histories) -> str:
    rows = "".join(_row(name, steps, service.began) for name, steps in histories.items() if steps)
    faults = "".join(f"<li>{escape(fault)}</li>" for fault in summary.faults)
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>stockctl simulate: {escape(_title(service))}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; color: {_INK}; max-width: 930px; margin: 2rem auto; padding: 0 1rem }}
svg {{ max-width: 100%; height: auto }}
table {{ border-collapse: collapse; margin: 1.5rem 0; width: 100% }}
th, td {{ text-align: right; padding: .3rem .8rem; border-bottom: 1px solid #e4e7eb }}
td {{ font-variant-numeric: tabular-nums }}
tr:last-child td {{ font-weight: 600 }}
th:first-child, td:first-child {{ text-align: left }}
footer {{ color: {_FAINT} }} li {{ color: {_RED} }}
</style>
{picture}
<table><tr><th>ingredient<th>received<th>returned<th>used<th>expired<th>discarded<th>on hand<th>waste</tr>{rows}
{_cells("total", summary)}</table>
<ul>{faults}</ul>
<footer>Began {iso(service.began)}. Repeat it with <code>{escape(_command(service))}</code></footer>
</html>
"""


def _row(name: str, steps: Sequence[Point], began: float) -> str:
    """What the run itself moved: a step before it is the level it began with."""
    first, last = steps[0] if steps[0].at < began else Point(0, began, 0, 0, 0, 0, ""), steps[-1]
    used, expired = last.used - first.used, last.expired - first.expired
    discarded, returned = last.discarded - first.discarded, last.returned - first.returned
    received = used + expired + discarded - returned + last.quantity - first.quantity
    return _cells(name, Summary(0, 0, {}, first.quantity, received, used, expired, last.quantity, discarded, returned))


def _cells(name: str, units: Summary) -> str:
    counts = (units.received, units.returned, units.used, units.expired, units.discarded, units.on_hand)
    figures = "".join(f"<td>{count:,}" for count in counts)
    return f"<tr><td>{escape(name)}{figures}<td>{units.waste:.0%}</tr>"


def _command(service: Service) -> str:
    """The command that runs the same plan again."""
    plan = service.schedule
    words = ["stockctl", "simulate", "--seed", str(plan.seed), "--speed", f"{service.speed:g}"]
    words += ["--duration", f"{plan.duration:g}s", "--rate", f"{plan.kitchen.customers_per_minute:g}"]
    if len(plan.kitchen.ingredients) == 1:
        words.insert(2, shlex.quote(plan.kitchen.name))
    return " ".join([*words, *(["--chaos"] if plan.chaos else [])])
