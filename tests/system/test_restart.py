"""The embedded cloud ends, gently or not, and the service goes on where it was."""

from __future__ import annotations

import json
import os
import signal
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from stockctl.cli.rollout import ensure_running
from stockctl.client.api import StockApi
from stockctl.local.cloud import EmbeddedCloud
from stockctl.operations.stock_table import StockTable
from stockctl.terminal.environment import Environment
from tests.system.conftest import System, system_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    """A cloud of the test's own: it is not to be pulled from under the others."""
    with system_in(tmp_path) as system:
        yield system


def left_of_batches(system: System) -> list[int]:
    """What is left of each batch of ham, soonest to expire first."""
    ensure_running("stockctl", Environment(variables=system.variables))
    holding = StockTable(system.clients.dynamodb, system.deployment.stock_table).read("ham")
    assert holding is not None
    return [batch.quantity for batch in sorted(holding.batches, key=lambda batch: batch.expires_at)]


def wait_for(system: System, left: list[int]) -> None:
    deadline = time.monotonic() + 20
    while (found := left_of_batches(system)) != left:
        assert time.monotonic() < deadline, found
        time.sleep(0.2)


def deliver(system: System, tmp_path: Path) -> None:
    day = datetime.now(UTC).date() + timedelta(days=30)
    path = tmp_path / "delivery.csv"
    path.write_text(f"ham,5,{day}\nham,10,{day + timedelta(days=1)}\n")
    assert system.stockctl("ingest", str(path)).returncode == 0


@pytest.mark.parametrize("gently", [pytest.param(True, marks=pytest.mark.ci), False])
def test_uses_are_charged_to_batches_after_a_restart_as_before(system: System, tmp_path: Path, *, gently: bool) -> None:
    """Stock is kept, and the table's stream still reaches the functions."""
    deliver(system, tmp_path)
    assert system.stockctl("use", "ham=3").returncode == 0
    wait_for(system, [2, 10])
    cloud = EmbeddedCloud(system.variables)
    if gently:
        cloud.down()
    else:
        run = cloud.running()
        assert run is not None
        os.kill(run.pid, signal.SIGKILL)
    assert system.stockctl("use", "ham=4").returncode == 0
    wait_for(system, [0, 8])


def published(system: System) -> set[int]:
    """The units used in the levels of ham that other services have been told of."""
    kinesis, stream = system.clients.kinesis, system.deployment.level_stream
    [shard] = kinesis.list_shards(StreamName=stream)["Shards"]
    iterator = kinesis.get_shard_iterator(
        StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    records = kinesis.get_records(ShardIterator=iterator)["Records"]
    return {json.loads(record["Data"])["used"] for record in records}


@pytest.mark.parametrize("gently", [pytest.param(True, marks=pytest.mark.ci), False])
def test_a_change_is_published_though_the_cloud_ended_before_it_was(
    system: System, tmp_path: Path, *, gently: bool
) -> None:
    """The stream is read from the log of changes."""
    deliver(system, tmp_path)
    cloud = EmbeddedCloud(system.variables)
    run = cloud.running()
    assert run is not None
    api = StockApi(system.clients.session, system.deployment.api_url)
    assert api.use("the last", {"ham": 4}).status_code == 201
    if gently:
        cloud.down()
    else:
        os.kill(run.pid, signal.SIGKILL)
    ensure_running("stockctl", Environment(variables=system.variables))
    deadline = time.monotonic() + 60
    while 4 not in (found := published(system)):
        assert time.monotonic() < deadline, found
        time.sleep(0.2)


@pytest.mark.ci
def test_usage_still_in_the_stream_is_charged_after_a_restart(system: System, tmp_path: Path) -> None:
    """The emulator loses the records, so every ingredient is reconciled once."""
    deliver(system, tmp_path)
    mappings = system.clients.lambda_.list_event_source_mappings()["EventSourceMappings"]
    for mapping in mappings:
        system.clients.lambda_.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    assert system.stockctl("use", "ham=3").returncode == 0
    time.sleep(2)
    assert left_of_batches(system) == [5, 10]
    EmbeddedCloud(system.variables).down()
    wait_for(system, [2, 10])
