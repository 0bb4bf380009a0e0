"""Deliveries, uses and expiry on the whole system: real commands, template, bundle and events."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from stockctl.domain.errors import ExitCode
from stockctl.operations.drop_bucket import DropBucket
from tests.service import soon

if TYPE_CHECKING:
    from tests.system.conftest import System


@pytest.fixture
def named() -> Callable[[str], str]:
    """Makes ingredient names that no other test uses."""
    mark = uuid.uuid4().hex[:8]
    return lambda name: f"{name} {mark}"


def drop(system: System, tmp_path: Path, *rows: str) -> list[dict[str, Any]]:
    path = tmp_path / f"{uuid.uuid4().hex[:8]}.csv"
    path.write_text("ingredient,quantity,best_before\n" + "".join(f"{row}\n" for row in rows))
    ended = system.stockctl("ingest", str(path), "--new", "--output", "json")
    document: list[dict[str, Any]] = json.loads(ended.stdout)
    is_partial = any(delivery["status"] == "partial" for delivery in document)
    assert ended.returncode == (ExitCode.PARTIAL if is_partial else ExitCode.DONE), ended.stderr
    return document


def level(system: System, ingredient: str) -> dict[str, Any]:
    ended = system.stockctl("stock", ingredient, "--output", "json")
    assert ended.returncode == 0, ended.stderr
    document: dict[str, Any] = json.loads(ended.stdout)[0]
    return document


def left(system: System, ingredient: str) -> dict[str, int]:
    batches = json.loads(system.stockctl("stock", ingredient, "--batches", "--all", "--output", "json").stdout)
    return {batch["best_before"]: batch["quantity"] for batch in batches}


def eventually(holds: Callable[[], bool], seconds: float = 20) -> bool:
    """Whether the condition holds within the time: streams are asynchronous."""
    deadline = time.monotonic() + seconds
    while not (held := holds()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return held


def test_a_delivery_is_received_used_and_charged_to_the_batch_that_expires_soonest(
    embedded_cloud: System, tmp_path: Path, named: Callable[[str], str]
) -> None:
    ham = named("ham")
    (delivery,) = drop(embedded_cloud, tmp_path, f"{ham},100,2099-12-31", f"{ham},30,2098-12-31", f"{ham},0,2099-01-01")
    assert delivery["status"] == "partial"
    assert [(row["line"], row["column"], row["value"]) for row in delivery["rejected"]] == [(4, "quantity", "0")]
    assert embedded_cloud.stockctl("use", f"{ham}=40").returncode == 0
    assert level(embedded_cloud, ham)["quantity"] == 90
    assert eventually(lambda: left(embedded_cloud, ham) == {"2098-12-31": 0, "2099-12-31": 90})
    assert embedded_cloud.stockctl("reconcile", ham, "--check").returncode == 0


def test_a_shortage_changes_nothing_and_a_repeat_takes_nothing_twice(
    embedded_cloud: System, tmp_path: Path, named: Callable[[str], str]
) -> None:
    ham, egg = named("ham"), named("egg")
    drop(embedded_cloud, tmp_path, f"{ham},10,2099-12-31", f"{egg},5,2099-12-31")
    short = embedded_cloud.stockctl("use", f"{ham}=1", f"{egg}=6", "--output", "json")
    assert short.returncode == ExitCode.REFUSED
    assert json.loads(short.stdout)["shortages"] == [{"ingredient": egg, "requested": 6, "available": 5}]
    name = uuid.uuid4().hex
    first = embedded_cloud.stockctl("use", f"{ham}=4", "--id", name, "--output", "json")
    again = embedded_cloud.stockctl("use", f"{ham}=4", "--id", name, "--output", "json")
    assert (json.loads(first.stdout)["replayed"], json.loads(again.stdout)["replayed"]) == (False, True)
    assert embedded_cloud.stockctl("use", f"{ham}=5", "--id", name).returncode == ExitCode.REFUSED
    assert (level(embedded_cloud, ham)["quantity"], level(embedded_cloud, egg)["quantity"]) == (6, 5)


def test_the_rest_of_an_expired_batch_leaves_the_level_and_is_published(
    embedded_cloud: System, tmp_path: Path, named: Callable[[str], str]
) -> None:
    ham = named("ham")
    # Two commands must finish before it expires, even on a busy machine.
    drop(embedded_cloud, tmp_path, f"{ham},10,{soon(15)}", f"{ham},5,2099-12-31")
    assert embedded_cloud.stockctl("use", f"{ham}=4").returncode == 0
    assert eventually(lambda: level(embedded_cloud, ham)["expired"] == 6)
    now = level(embedded_cloud, ham)
    assert (now["quantity"], now["received"], now["used"]) == (5, 15, 4)
    assert left(embedded_cloud, ham) == {"2099-12-31": 5}
    watched = embedded_cloud.stockctl("watch", ham, "--since", "5m", "--duration", "5s")
    changes = [json.loads(line) for line in watched.stdout.splitlines()]
    assert [change["quantity"] for change in changes][-1] == 5
    assert changes[-1]["cause"] == "expired"
    assert all(change["received"] == change["quantity"] + change["used"] + change["expired"] for change in changes)


@pytest.mark.parametrize("key", ["a b+c {}.csv", "Käse №5 {}.CSV", "in/2026/{}.csv", "mon {}.Csv", "{}.txt", "{}"])
def test_a_file_of_any_name_put_into_the_bucket_is_recorded(
    embedded_cloud: System, key: str, named: Callable[[str], str]
) -> None:
    ham = named("ham")
    key = key.format(uuid.uuid4().hex[:8])
    body = f"\ufeff{ham},30,2099-12-31\r\n".encode()
    s3, bucket = embedded_cloud.clients.s3, embedded_cloud.deployment.drop_bucket
    for _ in range(2):
        s3.put_object(Bucket=bucket, Key=key, Body=body)
    assert eventually(lambda: status_of(embedded_cloud, key) is not None)
    assert status_of(embedded_cloud, key) == "recorded"
    time.sleep(1)
    assert level(embedded_cloud, ham)["received"] == 30


@pytest.mark.parametrize("body", [b"", b"\xff\xfe\x00", b'ham,"1'])
def test_a_file_that_cannot_be_read_gets_a_receipt(embedded_cloud: System, body: bytes) -> None:
    key = f"{uuid.uuid4().hex}.csv"
    embedded_cloud.clients.s3.put_object(Bucket=embedded_cloud.deployment.drop_bucket, Key=key, Body=body)
    assert eventually(lambda: status_of(embedded_cloud, key) is not None)
    assert status_of(embedded_cloud, key) == "rejected"


def status_of(system: System, key: str) -> str | None:
    receipt = DropBucket(system.clients.s3, system.deployment.drop_bucket).receipt(key)
    return receipt["status"] if receipt else None


@pytest.mark.ci
def test_a_simulation_adds_up_in_a_stack_of_its_own_and_so_does_the_next(embedded_cloud: System) -> None:
    first = simulated(embedded_cloud, "--duration", "4m", "--seed", "7")
    assert min(first["received"], first["used"], first["expired"]) > 0
    assert first["carried_over"] == 0
    assert first["received"] == first["used"] + first["expired"] + first["on_hand"]
    again = simulated(embedded_cloud, "--duration", "30s", "--seed", "8", "--rate", "0")
    assert again["carried_over"] + again["received"] == again["expired"] + again["on_hand"]


def simulated(system: System, *words: str) -> dict[str, Any]:
    """The summary of a run at twenty times the speed; nothing of it is in the default stack."""
    before = system.stockctl("stock", "-o", "json").stdout
    ended = system.stockctl("simulate", "--speed", "20", *words, "--output", "json")
    assert ended.returncode == 0, ended.stderr
    assert "stack stockctl-simulation on local" in ended.stderr
    assert system.stockctl("stock", "-o", "json").stdout == before
    summary: dict[str, Any] = json.loads(ended.stdout)
    assert summary["adds_up"] is True
    return summary
