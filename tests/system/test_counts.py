"""Stocktakes and corrected deliveries on the whole system, through the command line, with IAM enforced."""

from __future__ import annotations

import json
import subprocess
import uuid
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import pytest

from tests.system.test_kitchen import drop, eventually

if TYPE_CHECKING:
    from tests.system.conftest import System


def done(system: System, *words: str) -> Any:
    """The document of a command that succeeds."""
    ended = system.stockctl(*words, "--output", "json")
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def level(system: System, ingredient: str) -> dict[str, Any]:
    (found,) = done(system, "stock", ingredient)
    return dict(found)


def test_a_stocktake_while_orders_go_on(embedded_cloud: System, tmp_path: Path) -> None:
    """It is compared with the levels of the time when it was counted; orders after that do no harm."""
    mark = uuid.uuid4().hex[:8]
    ham, egg = f"ham {mark}", f"egg {mark}"
    drop(embedded_cloud, tmp_path, f"{ham},500,2030-12-31", f"{egg},40,2030-06-30")
    assert embedded_cloud.stockctl("use", f"{ham}=20", "--id", f"{mark}-before").returncode == 0
    changes = eventually_known(embedded_cloud, ham, f"use {mark}-before")
    counted_at = changes[-1]["at"]
    with Orders(embedded_cloud, ham) as orders:
        assert eventually(lambda: orders.accepted >= 2)
        words = "count", f"{ham}=471", f"{egg}=45", "--at", counted_at, "--yes", "--id", f"{mark}-count"
        assert eventually(lambda: embedded_cloud.stockctl(*words).returncode == 0)
        booked = [
            (one["ingredient"], one["book"], one["difference"], one["booked"])
            for one in done(embedded_cloud, *words)["items"]
        ]
    assert booked == [(egg, 40, 5, 5), (ham, 480, -9, -9)]
    assert level(embedded_cloud, ham)["quantity"] == 471 - orders.accepted
    assert level(embedded_cloud, egg)["quantity"] == 45
    shown = done(embedded_cloud, "show", f"{mark}-count")
    assert [(one["ingredient"], one["units"], one["status"]) for one in shown["batches"]] == [
        (egg, 5, "added"),
        (ham, 9, "missing"),
    ]
    (then,) = done(embedded_cloud, "stock", ham, "--at", counted_at)
    assert then["quantity"] == 480


def eventually_known(system: System, ingredient: str, cause: str) -> list[dict[str, Any]]:
    """The history of an ingredient, once it has this cause."""
    found: list[dict[str, Any]] = []

    def is_known() -> bool:
        found[:] = done(system, "history", ingredient)
        return any(one["cause"] == cause for one in found)

    assert eventually(is_known)
    return found


class Orders:
    """One order after the other, of one unit each, in the background."""

    def __init__(self, system: System, ingredient: str) -> None:
        self.system = system
        self.ingredient = ingredient
        self.accepted = 0
        self.stopped = Event()
        self.thread = Thread(target=self.run)

    def run(self) -> None:
        while not self.stopped.is_set():
            self.accepted += self.system.stockctl("use", f"{self.ingredient}=1").returncode == 0

    def __enter__(self) -> Orders:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self.thread.join()


@pytest.mark.ci
def test_a_delivery_is_corrected_up_and_down_twice(embedded_cloud: System, tmp_path: Path) -> None:
    mark = uuid.uuid4().hex[:8]
    ham, path = f"ham {mark}", tmp_path / f"{mark}.csv"
    path.write_text(f"{ham},100,2030-12-31\n")
    (sent,) = done(embedded_cloud, "ingest", str(path), "--new")
    assert embedded_cloud.stockctl("use", f"{ham}=30").returncode == 0
    for units in (120, 90, 130, 90):
        path.write_text(f"{ham},{units},2030-12-31\n")
        assert refuses_a_resend(embedded_cloud.stockctl("ingest", str(path)), sent["delivery"])
        for status in ("corrected", "duplicate"):
            (document,) = done(embedded_cloud, "ingest", str(path), "--corrects", sent["delivery"])
            assert document["status"] == status
            assert level(embedded_cloud, ham)["quantity"] == units - 30
    path.write_text(f"{ham},20,2030-12-31\n")
    (document,) = done(embedded_cloud, "ingest", str(path), "--corrects", sent["delivery"])
    assert [(one["booked"], one["missing"]) for one in document["differences"]] == [(-60, 10)]
    found = level(embedded_cloud, ham)
    assert (found["quantity"], found["received"]) == (0, found["used"] + found["discarded"])
    rows = {row["delivery"]: row for row in done(embedded_cloud, "deliveries", "--since", "1h")}
    assert (rows[sent["delivery"]]["status"], rows[sent["delivery"]]["received"]) == ("recorded", 100)


def refuses_a_resend(ended: subprocess.CompletedProcess[str], delivery: str) -> bool:
    return ended.returncode == 3 and f"--corrects {delivery}" in ended.stderr
