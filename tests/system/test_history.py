"""Why a level is what it is, on the whole system: an order's batches by exact units, discards, and what adds up."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.system.test_kitchen import drop, eventually

if TYPE_CHECKING:
    from tests.system.conftest import System


def show(system: System, name: str) -> list[tuple[str, int]]:
    """The best-befores that an order was served from, with units; the status where there is none."""
    ended = system.stockctl("show", name, "--output", "json")
    assert ended.returncode == 0, ended.stderr
    return [(one["best_before"] or one["status"], one["units"]) for one in json.loads(ended.stdout)["batches"]]


def history(system: System, ingredient: str) -> list[dict[str, Any]]:
    ended = system.stockctl("history", ingredient, "--output", "json")
    assert ended.returncode == 0, ended.stderr
    document: list[dict[str, Any]] = json.loads(ended.stdout)
    return document


def test_orders_name_their_batches_by_exact_units_and_every_change_adds_up(
    embedded_cloud: System, tmp_path: Path
) -> None:
    """A use across three batches, two members of one group commit, and a discard."""
    mark = uuid.uuid4().hex[:8]
    ham, first, members = f"ham {mark}", f"{mark}-1", [f"{mark}-2", f"{mark}-3"]
    drop(embedded_cloud, tmp_path, f"{ham},5,2029-12-31", f"{ham},6,2030-06-30", f"{ham},100,2030-12-31")
    assert embedded_cloud.stockctl("use", f"{ham}=12", "--id", first).returncode == 0
    served = [("2029-12-31", 5), ("2030-06-30", 6), ("2030-12-31", 1)]
    assert eventually(lambda: show(embedded_cloud, first) == served)
    orders = tmp_path / "orders.jsonl"
    lines = [{"transactionId": one, "items": [{"typeId": ham, "quantity": 4}]} for one in members]
    orders.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    assert embedded_cloud.stockctl("use", "--file", str(orders)).returncode == 0
    for one in members:
        assert eventually(lambda one=one: show(embedded_cloud, one) == [("2030-12-31", 4)])  # type: ignore[misc]
    assert embedded_cloud.stockctl("discard", f"{ham}=3", "--id", f"{mark}-4", "--reason", "dropped").returncode == 0
    assert show(embedded_cloud, f"{mark}-4") == [("2030-12-31", 3)]
    assert eventually(lambda: history(embedded_cloud, ham)[-1]["cause"] == f"discard {mark}-4")
    changes = history(embedded_cloud, ham)
    assert [one["change"] for one in changes] in ([111, -12, -8, -3], [111, -12, -4, -4, -3])
    last = changes[-1]
    assert last["received"] + last["returned"] == last["quantity"] + last["used"] + last["expired"] + last["discarded"]
    charges = json.loads(embedded_cloud.stockctl("history", ham, "--charges", "--output", "json").stdout)
    assert [one["through"] - one["units"] for one in charges] == [0, *(one["through"] for one in charges[:-1])]
