"""Returns and recalls on the whole system, with IAM enforced: what comes back, and where a delivery went."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from stockctl.client.api import StockApi
from stockctl.domain.errors import ExitCode
from tests.service import soon
from tests.system.test_kitchen import drop, eventually, left, level, simulated

if TYPE_CHECKING:
    from tests.system.conftest import System


def document(system: System, *words: str) -> dict[str, Any]:
    ended = system.stockctl(*words, "--output", "json")
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def came_back(system: System, *words: str) -> list[tuple[str, int, str]]:
    """What a return lists: best-before, units, and whether they are back."""
    batches = document(system, "return", *words)["batches"]
    return [(one["best_before"], one["units"], one["result"]) for one in batches]


def test_an_order_comes_back_right_after_its_use_and_after_it_was_charged(
    embedded_cloud: System, tmp_path: Path
) -> None:
    """The command waits until the batches are known. Then no more comes back, and a repeat changes nothing."""
    mark = uuid.uuid4().hex[:8]
    ham, order, cancelled = f"ham {mark}", f"{mark}-1", f"{mark}-2"
    drop(embedded_cloud, tmp_path, f"{ham},5,2029-12-31", f"{ham},100,2030-12-31", f"{ham},1,never")
    assert embedded_cloud.stockctl("use", f"{ham}=12", "--id", order).returncode == 0
    first = came_back(embedded_cloud, order, f"{ham}=3", "--id", cancelled)
    assert first == [("2029-12-31", 3, "returned")]
    assert eventually(lambda: left(embedded_cloud, ham)["2029-12-31"] in {0, 3})
    assert came_back(embedded_cloud, order) == [("2029-12-31", 2, "returned"), ("2030-12-31", 7, "returned")]
    assert came_back(embedded_cloud, order, f"{ham}=3", "--id", cancelled) == first
    assert embedded_cloud.stockctl("return", order).returncode == ExitCode.REFUSED
    assert embedded_cloud.stockctl("return", order, f"{ham}=1").returncode == ExitCode.REFUSED
    now = level(embedded_cloud, ham)
    assert (now["quantity"], now["received"], now["used"], now["returned"]) == (106, 106, 12, 12)
    assert embedded_cloud.stockctl("reconcile", ham, "--check").returncode == 0


@pytest.mark.ci
def test_what_has_expired_does_not_come_back(embedded_cloud: System, tmp_path: Path) -> None:
    mark = uuid.uuid4().hex[:8]
    ham, order = f"ham {mark}", f"{mark}-1"
    # Two commands must finish before it expires, even on a busy machine.
    drop(embedded_cloud, tmp_path, f"{ham},10,{soon(15)}", f"{ham},5,2099-12-31")
    assert embedded_cloud.stockctl("use", f"{ham}=12", "--id", order).returncode == 0
    assert eventually(lambda: "2099-12-31" in left(embedded_cloud, ham) and len(left(embedded_cloud, ham)) == 1, 40)
    parts = came_back(embedded_cloud, order)
    assert [(units, status) for _, units, status in parts] == [(10, "expired"), (2, "returned")]
    assert level(embedded_cloud, ham)["quantity"] == 5


def test_the_api_brings_an_order_back(embedded_cloud: System, tmp_path: Path) -> None:
    """PostReturn works with its role; while charges are not known it answers 503, which the client repeats."""
    mark = uuid.uuid4().hex[:8]
    ham = f"ham {mark}"
    drop(embedded_cloud, tmp_path, f"{ham},10,2099-12-31")
    api = StockApi(embedded_cloud.clients.session, embedded_cloud.deployment.api_url)
    assert api.use(mark, {ham: 4}).status_code == 201
    answers = [api.return_units(f"{mark}-r", mark) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200]
    assert answers[0].body["items"] == [{"typeId": ham, "quantity": 4, "bestBefore": "2099-12-31"}]
    assert api.return_units(f"{mark}-s", mark).status_code == 409
    assert api.return_units(f"{mark}-s", f"{mark}-none").status_code == 404


def test_a_recall_lists_exactly_the_orders_that_were_served(embedded_cloud: System, tmp_path: Path) -> None:
    """Members of one group commit, a use across three batches, and an order made of what came back."""
    mark = uuid.uuid4().hex[:8]
    ham = f"ham {mark}"
    drop(embedded_cloud, tmp_path, f"{ham},10,2029-06-30")
    (recalled,) = drop(embedded_cloud, tmp_path, f"{ham},20,2029-12-31")
    drop(embedded_cloud, tmp_path, f"{ham},100,2030-12-31")
    orders = tmp_path / "orders.jsonl"
    members = [{"transactionId": f"{mark}-{n}", "items": [{"typeId": ham, "quantity": 6}]} for n in range(3)]
    orders.write_text("".join(f"{json.dumps(member)}\n" for member in members))
    assert embedded_cloud.stockctl("use", "--file", str(orders)).returncode == 0
    assert embedded_cloud.stockctl("use", f"{ham}=14", "--id", f"{mark}-across").returncode == 0
    assert came_back(embedded_cloud, f"{mark}-across", f"{ham}=13") == [
        ("2029-12-31", 12, "returned"),
        ("2030-12-31", 1, "returned"),
    ]
    assert embedded_cloud.stockctl("use", f"{ham}=2", "--id", f"{mark}-again").returncode == 0
    key = recalled["delivery"]
    result = document(embedded_cloud, "recall", key, "--yes")
    served = {one["transaction_id"]: one["units"] for one in result["transactions"]}
    assert sum(served.pop(f"{mark}-{n}", 0) for n in range(3)) == 8  # ten of the group's 18 came from before
    assert served == {f"{mark}-across": 12, f"{mark}-again": 2}
    assert (result["discarded"], result["untraced"]) == (10, 0)
    assert embedded_cloud.stockctl("recall", key, "--yes").returncode == ExitCode.REFUSED
    now = level(embedded_cloud, ham)
    assert now["received"] + now["returned"] == now["quantity"] + now["used"] + now["expired"] + now["discarded"]


@pytest.mark.ci
def test_a_simulation_with_a_clumsy_cook_adds_up(embedded_cloud: System) -> None:
    """Some orders are cancelled and some food is dropped; the summary checks that every unit is accounted for."""
    summary = simulated(embedded_cloud, "--chaos", "--duration", "4m", "--seed", "3")
    assert min(summary["returned"], summary["discarded"]) > 0
