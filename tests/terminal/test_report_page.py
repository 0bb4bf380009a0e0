"""The page of a report: self-contained, escaped, and drawn from the same figures as the tables."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from html.parser import HTMLParser

from stockctl.domain.report import Movement, ReportLine
from stockctl.terminal.report_page import ReportPage, page

SCRIPT = "<script>alert(1)</script>"
VOID = {"meta", "br"}
MAY_STAY_OPEN = {"html", "p", "th", "td", "tr"}
DAYS = [ReportLine(f"2026-11-{day:02}", Movement(used=day, expired=day % 3)) for day in range(1, 31)]


def drawn(days: list[ReportLine] = DAYS) -> str:
    lines = [
        ReportLine(f"ham {SCRIPT}", Movement(9000, 3, 4000, 100, {f"spoiled {SCRIPT}": 50}), 4853),
        ReportLine("salt", Movement(received=10), 10),
    ]
    suppliers = [ReportLine("", Movement(9010, 0, 4000, 0), 5010)]
    return page(
        ReportPage(
            "pizza & co", datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 30, tzinfo=UTC), lines, suppliers, days
        )
    )


def test_the_page_loads_nothing_and_runs_nothing() -> None:
    text = drawn()
    assert "default-src 'none'" in text
    assert not re.search(r"https?://|<script|<link|<img|@import|url\(|\bsrc=|\bhref=|\bon\w+=", text)


def test_names_and_reasons_from_data_are_text() -> None:
    text = drawn()
    assert text.count("&lt;script&gt;") == 3
    assert "pizza &amp; co" in text


def test_it_follows_the_readers_device() -> None:
    text = drawn()
    assert "prefers-color-scheme: dark" in text
    assert 'name="viewport" content="width=device-width' in text


def test_every_element_is_closed() -> None:
    class Nesting(HTMLParser):
        """Fails where an element is closed that is not open."""

        def __init__(self) -> None:
            super().__init__()
            self.open: list[str] = []

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            assert len(dict(attrs)) == len(attrs)
            if tag not in VOID:
                self.open.append(tag)

        def handle_endtag(self, tag: str) -> None:
            while self.open[-1] != tag:
                assert self.open.pop() in MAY_STAY_OPEN, tag
            self.open.pop()

    nesting = Nesting()
    nesting.feed(drawn())
    assert set(nesting.open) <= MAY_STAY_OPEN


def test_a_chart_has_a_bar_for_each_day_and_part_in_proportion_to_its_units() -> None:
    chart = next(one for one in re.findall(r"<svg.*?</svg>", drawn(), flags=re.DOTALL) if "left stock" in one)
    bars = ET.fromstring(chart).findall("rect")  # noqa: S314 - our own text
    used = [float(bar.attrib["height"]) for bar in bars if bar.attrib["class"] == "used"]
    assert len(used) == len(DAYS)
    assert len(bars) == len(DAYS) + 20
    assert abs(used[29] / used[14] - 2) < 0.01
    titles = [bar.findtext("title") for bar in bars]
    assert "Sun 1 Nov: 1 used" in titles
    assert all(0 <= float(bar.attrib["y"]) <= 100 for bar in bars)


def test_figures_are_those_of_the_lines() -> None:
    text = drawn()
    assert "<dt>received</dt><dd>9,010</dd>" in text
    assert "<dt>waste</dt><dd>3.6%</dd>" in text
    assert "no folder" in text


def test_a_period_without_any_change_can_be_drawn() -> None:
    empty = datetime(2026, 11, 1, tzinfo=UTC)
    text = page(ReportPage("s", empty, empty, [], [], [ReportLine("2026-11-01", Movement())]))
    assert "nothing in this period" in text
    assert "nothing was discarded" in text
