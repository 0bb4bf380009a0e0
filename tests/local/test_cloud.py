"""The embedded cloud as a process: started once, stopped whole, and what a kill -9 leaves."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stockctl.aws.clients import Clients
from stockctl.cli.rollout import start
from stockctl.domain.errors import StockctlError, UsageError
from stockctl.local.cloud import EmbeddedCloud
from stockctl.local.home import Run
from stockctl.terminal.environment import Environment

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


pytestmark = pytest.mark.system


def s3(run: Run) -> S3Client:
    return Clients.of_target(run.target()).s3


def buckets(run: Run) -> list[str]:
    return [bucket["Name"] for bucket in s3(run).list_buckets()["Buckets"]]


def wait_until_saved(cloud: EmbeddedCloud) -> None:
    deadline = time.monotonic() + 15
    while cloud.home.saved().at is None or cloud.home.saved().unsaved_since:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def kill(cloud: EmbeddedCloud, run: Run) -> None:
    os.kill(run.pid, signal.SIGKILL)
    while cloud.home.is_locked():
        time.sleep(0.02)


def test_a_second_up_is_harmless(cloud: EmbeddedCloud) -> None:
    """It finds the first one."""
    first, second = cloud.up(), cloud.up()
    assert first.fresh
    assert not second.fresh
    assert first.run == second.run == cloud.running()


def test_two_ups_at_once_start_it_once(cloud: EmbeddedCloud) -> None:
    """The second waits for the first, and takes what it started."""
    with ThreadPoolExecutor() as pool:
        started = list(pool.map(lambda _: cloud.up(), range(2)))
    assert sorted(each.fresh for each in started) == [False, True]
    assert started[0].run == started[1].run


def test_what_was_there_before_down_is_there_after_up(cloud: EmbeddedCloud) -> None:
    """Objects and all else are kept, on the port they were made on."""
    first = cloud.up().run
    s3(first).create_bucket(Bucket="kept")
    s3(first).put_object(Bucket="kept", Key="a", Body=b"still here")
    assert cloud.down() == first
    assert cloud.running() is None
    second = cloud.up()
    assert second.lost_since is None
    assert second.run.port == first.port
    assert s3(second.run).get_object(Bucket="kept", Key="a")["Body"].read() == b"still here"


def test_a_kill_loses_no_more_than_what_came_after_the_last_save(
    cloud: EmbeddedCloud, variables: dict[str, str]
) -> None:
    """What was saved is there again, and the next start says since when something may be missing."""
    first = cloud.up().run
    s3(first).create_bucket(Bucket="saved")
    wait_until_saved(cloud)
    s3(first).create_bucket(Bucket="after")
    kill(cloud, first)
    assert cloud.running() is None
    said = io.StringIO()
    second = start(Environment(stderr=said, variables=variables))
    assert second.lost_since is not None
    assert second.lost_since >= first.since
    assert f"changes since {second.lost_since} may be lost" in said.getvalue()
    assert "saved" in buckets(second.run)


def test_a_kill_after_everything_was_saved_loses_nothing_and_says_nothing(cloud: EmbeddedCloud) -> None:
    """Watching for due rows, as the TTL stand-in does all the time, is no change."""
    run = cloud.up().run
    s3(run).create_bucket(Bucket="saved")
    wait_until_saved(cloud)
    time.sleep(2.5)
    kill(cloud, run)
    again = cloud.up()
    assert again.lost_since is None
    assert buckets(again.run) == ["saved"]


def test_down_where_nothing_runs_is_harmless(cloud: EmbeddedCloud) -> None:
    """There is no process to end."""
    assert cloud.down() is None


def test_down_never_ends_a_process_that_was_given_our_old_id(cloud: EmbeddedCloud) -> None:
    """A stale record names a process of somebody else's: without the lock it means nothing."""
    cloud.home.make()
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        cloud.home.record_run(Run(other.pid, 4580, "2026-01-01T00:00:00Z"))
        assert cloud.running() is None
        assert cloud.down() is None
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_port_that_is_taken_is_named_with_a_way_out(cloud: EmbeddedCloud, variables: dict[str, str]) -> None:
    """The way out is `--port`."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", int(variables["STOCKCTL_LOCAL_PORT"])))
        other.listen()
        with pytest.raises(StockctlError, match=variables["STOCKCTL_LOCAL_PORT"]) as raised:
            cloud.up()
    assert "--port" in str(raised.value.hint)


def test_another_port_while_it_runs_is_refused(cloud: EmbeddedCloud) -> None:
    """It cannot move without being stopped."""
    run = cloud.up().run
    with pytest.raises(StockctlError, match=str(run.port)):
        cloud.up(run.port + 1)


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1"])
def test_a_port_variable_that_is_no_port_is_a_usage_error(variables: dict[str, str], port: str) -> None:
    """And nothing is started."""
    with pytest.raises(UsageError, match="STOCKCTL_LOCAL_PORT"):
        EmbeddedCloud(variables | {"STOCKCTL_LOCAL_PORT": port}).up()


def test_a_start_that_fails_says_what_the_log_says_last(
    cloud: EmbeddedCloud, variables: dict[str, str], tmp_path: Path
) -> None:
    """The reason in the message, the rest in the file it names."""
    (tmp_path / "ministack.py").write_text("raise RuntimeError('this emulator is broken')")
    variables["PYTHONPATH"] = str(tmp_path)
    with pytest.raises(StockctlError, match="did not start: RuntimeError: this emulator is broken") as raised:
        cloud.up()
    assert str(cloud.home.log) in str(raised.value.hint)


def test_reset_wipes_what_it_kept_and_nothing_else(cloud: EmbeddedCloud) -> None:
    """The folder may be one where other things are kept."""
    run = cloud.up().run
    s3(run).create_bucket(Bucket="gone")
    other = cloud.home.root / "mine.txt"
    other.write_text("mine")
    cloud.reset()
    assert cloud.running() is None
    assert other.read_text() == "mine"
    assert cloud.home.size() == 0
    assert buckets(cloud.up().run) == []


def test_nothing_of_the_callers_aws_settings_reaches_the_functions(
    cloud: EmbeddedCloud, variables: dict[str, str]
) -> None:
    """The emulator hands its environment on to every function."""
    variables |= {"AWS_ACCESS_KEY_ID": "AKIAREAL", "AWS_PROFILE": "work", "HTTPS_PROXY": "http://proxy", "TOKEN": "x"}
    run = cloud.up().run
    environment = Path(f"/proc/{run.pid}/environ")
    if not environment.exists():
        pytest.skip("this system does not show the environment of a process")
    names = {entry.split("=")[0] for entry in environment.read_text().split("\0")}
    assert not names & {"AWS_ACCESS_KEY_ID", "AWS_PROFILE", "HTTPS_PROXY", "TOKEN"}
