"""Operating a stack: status, logs and failures."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.system.conftest import System, system_in
from tests.system.permissions import without
from tests.system.test_kitchen import eventually

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A separate cloud, because these tests break it."""
    with system_in(tmp_path_factory.mktemp("operations")) as system:
        yield system


def document(ended: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert "Traceback" not in ended.stderr
    return list(json.loads(ended.stdout))


def deliver(system: System, tmp_path: Path, ingredient: str, *more: str) -> subprocess.CompletedProcess[str]:
    path = tmp_path / f"{ingredient}.csv"
    path.write_text(f"{ingredient},10,2099-01-01\n")
    return system.stockctl("ingest", str(path), *more)


def wrong(system: System) -> dict[str, str]:
    """What `status` finds wrong, and how it says to mend it."""
    ended = system.stockctl("status", "--output", "json")
    found = {finding["what"]: finding["fix"] for finding in document(ended) if finding["ok"] is False}
    assert ended.returncode == (1 if found else 0)
    return found


def test_status_of_a_healthy_stack_is_ok(system: System, tmp_path: Path) -> None:
    assert deliver(system, tmp_path, "ham").returncode == 0
    ended = system.stockctl("status", "--output", "json")
    checked = {finding["what"] for finding in document(ended)}
    assert {"stack", "StockReceived", "StockUpdated stream", "StreamFailureQueue", "alarms", "drift"} <= checked
    assert wrong(system) == {}


def test_logs_of_all_functions_are_sorted_by_time(system: System, tmp_path: Path) -> None:
    assert deliver(system, tmp_path, "egg").returncode == 0
    assert eventually(lambda: len({line["function"] for line in log_lines(system, "--all")}) >= 2)
    lines = log_lines(system, "--all")
    assert [line["at"] for line in lines] == sorted(line["at"] for line in lines)
    assert {line["function"] for line in log_lines(system, "StockRec", "--all")} == {"StockReceived"}
    assert not [line for line in log_lines(system) if line["message"].startswith("START")]
    assert system.stockctl("logs", "Nobody").returncode == 2


def log_lines(system: System, *arguments: str) -> list[dict[str, str]]:
    ended = system.stockctl("logs", *arguments, "--output", "json")
    assert ended.returncode == 0, ended.stderr
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_a_delivery_that_failed_for_good_is_listed_and_retried(system: System, tmp_path: Path) -> None:
    """Its function may not write for a while. The failure is deleted only after a successful retry."""
    with without(system, "StockReceivedRole", "dynamodb:UpdateItem"):
        assert deliver(system, tmp_path, "leek", "--no-wait").returncode == 0
        assert eventually(lambda: "ReceiveFailureQueue" in wrong(system), seconds=60)
        (failure,) = document(system.stockctl("failures", "--output", "json"))
        assert failure["function"] == "StockReceived"
        assert failure["about"].startswith("leek")
        again = system.stockctl("failures", "retry", failure["id"], "--output", "json")
        assert again.returncode == 1
        assert document(again)[0]["done"] is False
        assert wrong(system)["ReceiveFailureQueue"] == "stockctl failures"
    assert system.stockctl("failures", "retry").returncode == 0
    assert document(system.stockctl("failures", "--output", "json")) == []
    (level,) = document(system.stockctl("stock", "leek", "--output", "json"))
    assert level["quantity"] == 10


@pytest.mark.ci
def test_stream_records_that_failed_for_good_are_retried_from_current_levels(system: System, tmp_path: Path) -> None:
    """The queued record only names a position in the stream; its ingredients are published and reconciled."""
    assert deliver(system, tmp_path, "kale").returncode == 0
    time.sleep(2)
    with without(system, "StockUpdatedRole", "dynamodb:UpdateItem"):
        assert system.stockctl("use", "kale=4").returncode == 0
        time.sleep(2)
        assert "drift" in wrong(system)
        send_stream_failure(system)
    (failure,) = document(system.stockctl("failures", "--output", "json"))
    assert failure["function"] == "StockUpdated"
    done = system.stockctl("failures", "retry")
    assert done.returncode == 0, done.stdout + done.stderr
    assert document(system.stockctl("failures", "--output", "json")) == []
    assert wrong(system).keys() <= {"StockReceived", "StockUpdated"}  # their errors of the last minutes
    batches = document(system.stockctl("stock", "kale", "--batches", "--output", "json"))
    assert [batch["quantity"] for batch in batches] == [6]


def send_stream_failure(system: System) -> None:
    """What Lambda sends when it gives up, which the emulator would do only after as long as AWS."""
    streams = system.clients.dynamodbstreams
    (stream,) = streams.list_streams(TableName=system.deployment.stock_table)["Streams"]
    shard = streams.describe_stream(StreamArn=stream["StreamArn"])["StreamDescription"]["Shards"][-1]["ShardId"]
    position = streams.get_shard_iterator(
        StreamArn=stream["StreamArn"], ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    numbers = [
        record["dynamodb"]["SequenceNumber"] for record in streams.get_records(ShardIterator=position)["Records"]
    ]
    function = system.clients.lambda_.get_function_configuration(FunctionName=system.deployment.stock_updated_function)
    body = {
        "requestContext": {"functionArn": function["FunctionArn"], "condition": "RetryAttemptsExhausted"},
        "responseContext": {"functionError": "Unhandled"},
        "timestamp": "2026-01-01T00:00:00Z",
        "DDBStreamBatchInfo": {
            "shardId": shard,
            "startSequenceNumber": numbers[0],
            "endSequenceNumber": numbers[-1],
            "batchSize": len(numbers),
            "streamArn": stream["StreamArn"],
        },
    }
    system.clients.sqs.send_message(QueueUrl=system.deployment.stream_failure_queue, MessageBody=json.dumps(body))
