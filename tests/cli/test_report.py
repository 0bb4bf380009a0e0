"""`stockctl report`: every figure can be computed again from what `stockctl history` prints."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stockctl.aws.retry import Patience
from stockctl.domain.errors import ExitCode
from stockctl.domain.history import LevelEntry
from stockctl.domain.instants import iso
from stockctl.operations.history_table import HistoryTable
from tests.cli.conftest import Stockctl
from tests.service import HISTORY, Service, soon

FLOWS = ("received", "returned", "used", "expired", "discarded")
NAMES = ("basil", "ham <b>")


@pytest.fixture
def a_day(kitchen: Service, stockctl: Stockctl) -> None:
    """Two suppliers; 15 of one delivery used and 5 expired, 6 of the other used and 4 dropped."""

    def recorded() -> None:
        kitchen.process_stream("ham")

    kitchen.drop("bakery/monday.csv", f"ham,20,{soon(3600)}\n")
    recorded()
    kitchen.drop("dairy/tuesday.csv", "ham,30,2099-12-31\n")
    recorded()
    kitchen.post("o1", ham=15)
    recorded()
    (batch,) = (one for one in stockctl("stock", "--batches", "-o", "json").json if "bakery" in one["delivery"])
    kitchen.expire("ham", batch["batch_id"])
    recorded()
    kitchen.post("o2", ham=6)
    recorded()
    stockctl("discard", "ham=4", "--reason", "dropped", "--id", "d1")
    recorded()


@pytest.fixture
def two_weeks(kitchen: Service) -> None:
    """Two ingredients, and two weeks of random changes in their history."""
    kitchen.drop("now.csv", "".join(f"{name},1,2099-12-31\n" for name in NAMES))
    table = HistoryTable(kitchen.clients.dynamodb, HISTORY, 400, Patience())
    for seed, name in enumerate(NAMES):
        table.write(list(random_history(name, random.Random(seed))))  # noqa: S311 - a history that repeats


def random_history(name: str, chance: random.Random) -> Iterator[LevelEntry]:
    totals = dict.fromkeys(FLOWS, 0)
    totals["received"] = 5000
    causes = {"received": "delivery a/b.csv", "returned": "return r", "used": "use o", "expired": "expired"}
    for version in range(1, 121):
        flow = chance.choice(FLOWS)
        totals[flow] += chance.randint(1, 9)
        left = totals["received"] + totals["returned"] - sum(totals[one] for one in FLOWS[2:])
        at = iso((datetime.now(UTC) - timedelta(hours=14 * 24 - 2.7 * version)).timestamp())
        yield LevelEntry(name, at, version, left, **totals, cause=causes.get(flow, "discard gone"), commit_id="c")


def flows_of(changes: list[dict[str, Any]]) -> list[tuple[dict[str, Any], Counter[str]]]:
    """Each change of `history -o json` with the units that it moved."""
    before: dict[str, dict[str, int]] = {}
    found = []
    for change in changes:
        first = dict.fromkeys(FLOWS, 0) if change["version"] == 1 else None
        known = before.get(change["ingredient"], first)
        moved = {flow: change[flow] - known[flow] for flow in FLOWS} if known else {}
        found.append((change, Counter(moved)))
        before[change["ingredient"]] = change
    return found


def share(moved: Counter[str]) -> float | None:
    wasted = moved["expired"] + moved["discarded"]
    gone = max(wasted, moved["used"] - moved["returned"] + wasted)
    return round(wasted / gone, 4) if gone else None


@pytest.mark.usefixtures("two_weeks")
@pytest.mark.parametrize("by", ["ingredient", "day"])
def test_every_figure_can_be_computed_again_from_history(stockctl: Stockctl, by: str) -> None:
    changes = stockctl("history", *NAMES, "--since", "30d", "-o", "json").json
    moved: dict[str, Counter[str]] = {}
    for change, units in flows_of(changes):
        name = change["ingredient"] if by == "ingredient" else change["at"][:10]
        moved.setdefault(name, Counter()).update(units)
    left = {change["ingredient"]: change["quantity"] for change in changes}
    lines = {line.pop(by): line for line in stockctl("report", "--by", by, "-o", "json").json}
    assert {name for name, line in lines.items() if any(line[flow] for flow in FLOWS)} == set(moved)
    for name, units in moved.items():
        assert {flow: lines[name][flow] for flow in FLOWS} == {flow: units[flow] for flow in FLOWS}
        assert lines[name]["waste"] == share(units)
        assert lines[name]["on_hand"] == left.get(name)
        assert sum(lines[name]["discarded_for"].values()) == units["discarded"]


@pytest.mark.usefixtures("a_day")
def test_every_figure_of_a_supplier_can_be_computed_again_from_history_and_batches(stockctl: Stockctl) -> None:
    moved: dict[str, Counter[str]] = {}
    for change, units in flows_of(stockctl("history", "ham", "-o", "json").json):
        if change["cause"].startswith("delivery "):
            supplier = change["cause"].removeprefix("delivery ").partition("/")[0]
            moved.setdefault(supplier, Counter())["received"] += units["received"]
    for charge in stockctl("history", "ham", "--charges", "-o", "json").json:
        moved[charge["delivery"].partition("/")[0]]["used"] += charge["units"]
    for batch in stockctl("show", "d1", "-o", "json").json["batches"]:
        moved[batch["delivery"].partition("/")[0]]["discarded"] += batch["units"]
    for batch in stockctl("stock", "--batches", "-o", "json").json:
        moved[batch["delivery"].partition("/")[0]]["on_hand"] += batch["quantity"]
    for units in moved.values():
        units["expired"] = units["received"] - units["used"] - units["discarded"] - units["on_hand"]
    lines = {line["supplier"]: line for line in stockctl("report", "--by", "supplier", "-o", "json").json}
    names = [*FLOWS, "on_hand"]
    assert {key: {name: line[name] for name in names} for key, line in lines.items()} == {
        key: {name: units[name] for name in names} for key, units in moved.items()
    }
    assert (lines["bakery"]["expired"], lines["dairy"]["discarded_for"]) == (5, {"dropped": 4})
    assert {key: line["waste"] for key, line in lines.items()} == {key: share(units) for key, units in moved.items()}


@pytest.mark.usefixtures("a_day")
def test_people_see_waste_with_its_reasons_and_the_sum_of_all(stockctl: Stockctl) -> None:
    shown = stockctl("report", "-o", "table").out
    assert "50 received, 21 used, 0 returned\n" in shown
    assert "waste 30%: 5 expired, 4 discarded (dropped 4)" in shown


@pytest.mark.usefixtures("a_day")
def test_the_page_is_written_beside_the_table(stockctl: Stockctl, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    done = stockctl("report", "--html", str(file), "-o", "json")
    assert (done.json[0]["ingredient"], f"wrote {file}" in done.err) == ("ham", True)
    text = file.read_text(encoding="utf-8")
    assert all(name in text for name in ("ham", "bakery", "dairy", "dropped", "<dt>waste</dt><dd>30%</dd>"))


@pytest.mark.usefixtures("a_day")
def test_a_period_begins_where_it_was_asked_to(stockctl: Stockctl) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    assert stockctl("report", "--since", tomorrow).code == ExitCode.USAGE
    assert stockctl("report", "--since", "a while").code == ExitCode.USAGE
    assert stockctl("report", "--html", "/no/such/folder/r.html").code == ExitCode.USAGE
    assert stockctl("report", "--since", "1ms").columns("received", "used", "on_hand") == [["0", "0", "20"]]


def test_a_history_that_begins_within_the_period_is_said_to(stockctl: Stockctl, kitchen: Service) -> None:
    kitchen.drop("now.csv", "basil,1,2099-12-31\n")
    table = HistoryTable(kitchen.clients.dynamodb, HISTORY, 400, Patience())
    table.write(list(random_history("basil", random.Random(0)))[20:])  # noqa: S311
    assert "history of 1 ingredient begins within the period" in stockctl("report", "-o", "table").out
    assert "begins" not in stockctl("report", "--since", "7d", "-o", "table").out
