"""Many orders and a large delivery, through the whole system with the template's roles."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.system.conftest import System


def order(transaction_id: str, units: int, ingredient: str = "saffron") -> str:
    return json.dumps({"transactionId": transaction_id, "items": [{"typeId": ingredient, "quantity": units}]})


def answers(tsv: str) -> list[tuple[str, str]]:
    """Status and `replayed` of each line."""
    rows = csv.DictReader(io.StringIO(tsv), delimiter="\t")
    return [(row["status"], row["replayed"]) for row in rows]


def test_orders_are_taken_refused_and_replayed(embedded_cloud: System, tmp_path: Path) -> None:
    """After a shortage the function reads transaction records, which its role must allow."""
    delivery = tmp_path / "saffron.csv"
    delivery.write_text("saffron,100,2099-01-01\n")
    assert embedded_cloud.stockctl("ingest", str(delivery)).returncode == 0
    orders = tmp_path / "orders.jsonl"
    orders.write_text("\n".join([order("s1", 60), order("s2", 60), order("s3", 40), order("s1", 60)]))
    ended = embedded_cloud.stockctl("use", "--file", str(orders))
    assert ended.returncode == 6, ended.stderr
    statuses = ["accepted", "insufficient_stock", "accepted", "accepted"]
    assert answers(ended.stdout) == list(zip(statuses, ["false", "false", "false", "true"], strict=True))
    again = embedded_cloud.stockctl("use", "--file", str(orders))
    assert answers(again.stdout) == list(zip(statuses, ["true", "false", "true", "true"], strict=True))


def test_a_delivery_in_parts_is_recorded_whole(embedded_cloud: System, tmp_path: Path) -> None:
    delivery = tmp_path / "spices.csv"
    delivery.write_text("".join(f"spice{row % 40},1,2099-01-{1 + row // 40 % 28:02}\n" for row in range(6_000)))
    ended = embedded_cloud.stockctl("ingest", str(delivery), "-o", "json")
    assert ended.returncode == 0, ended.stderr
    document = json.loads(ended.stdout)[0]
    assert len(document["parts"]) == 2
    assert sum(row["quantity"] for row in document["recorded"]) == 6_000
