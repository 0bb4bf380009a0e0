"""The self-test on the embedded cloud: it passes, and leaves nothing, also after Ctrl-C."""

from __future__ import annotations

import json
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from stockctl.domain.errors import ExitCode
from tests.system.conftest import System, system_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with system_in(tmp_path_factory.mktemp("selftest")) as system:
        yield system


def left_behind(system: System) -> list[str]:
    """Everything whose name begins as the stacks of self-tests do."""
    clients = system.clients
    names = [
        *(stack["StackName"] for stack in clients.cloudformation.describe_stacks()["Stacks"]),
        *clients.dynamodb.list_tables()["TableNames"],
        *(bucket["Name"] for bucket in clients.s3.list_buckets()["Buckets"]),
        *(function["FunctionName"] for function in clients.lambda_.list_functions()["Functions"]),
        *clients.kinesis.list_streams()["StreamNames"],
        *clients.sqs.list_queues(QueueNamePrefix="stockctl-selftest").get("QueueUrls", []),
    ]
    return [name for name in names if "selftest" in name]


@pytest.mark.ci
def test_every_check_passes_and_everything_is_measured_and_removed(system: System, tmp_path: Path) -> None:
    html = tmp_path / "report.html"
    ended = system.stockctl("selftest", "--output", "json", "--html", str(html), timeout=300)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    run = json.loads(ended.stdout)
    checks = {result["what"]: result["ok"] for result in run["results"] if result["value"] is None}
    assert run["ok"] is True
    assert set(checks.values()) == {True}
    assert {
        "delivery",
        "use",
        "shortage",
        "replay",
        "soonest first",
        "expiry",
        "failure and retry",
        "level stream",
    } <= (checks.keys())
    units = {result["unit"] for result in run["results"]} - {None}
    assert units == {"rows/s", "ms", "transactions/s", "capacity units"}
    assert all(result["value"] > 0 for result in run["results"] if result["value"] is not None)
    assert 'Self-test: <span class="passed">' in html.read_text()
    assert left_behind(system) == []


@pytest.mark.parametrize("after", [pytest.param("creating stack", marks=pytest.mark.ci), "done delivery"])
def test_ctrl_c_removes_everything_at_once(system: System, after: str) -> None:
    process = subprocess.Popen(
        system.command("selftest"),
        env=system.variables,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 - heard in scripts
    )
    assert process.stderr is not None
    for line in process.stderr:
        if after in line:
            process.send_signal(signal.SIGINT)
            break
    said = process.stderr.read()
    assert process.wait(timeout=120) == ExitCode.INTERRUPTED
    assert "removing stack" in said
    assert "Traceback" not in said
    assert left_behind(system) == []


def test_a_stack_that_is_named_is_left_alone(system: System) -> None:
    """It would be removed at the end."""
    ended = system.stockctl("selftest", "--stack", "stockctl")
    assert ended.returncode == ExitCode.USAGE
    assert "stack of its own" in ended.stderr
