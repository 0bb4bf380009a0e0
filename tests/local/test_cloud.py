"""The embedded cloud as a process: started once, stopped whole, and what a kill -9 leaves."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from stockctl.aws.clients import Clients
from stockctl.cli.rollout import start
from stockctl.domain.errors import StockctlError, UsageError
from stockctl.local.cloud import EmbeddedCloud
from stockctl.local.home import RootKey, Run, Saved
from stockctl.terminal.environment import Environment

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


pytestmark = pytest.mark.system


def s3(run: Run) -> S3Client:
    return Clients.of_target(run.target()).s3


def buckets(run: Run) -> list[str]:
    return [bucket["Name"] for bucket in s3(run).list_buckets()["Buckets"]]


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


def test_state_survives_down_and_up(cloud: EmbeddedCloud) -> None:
    """Objects and all else are kept, on the port they were made on."""
    first = cloud.up().run
    s3(first).create_bucket(Bucket="kept")
    s3(first).put_object(Bucket="kept", Key="a", Body=b"still here")
    assert cloud.down() == first
    assert cloud.running() is None
    second = cloud.up()
    assert second.run.port == first.port
    assert s3(second.run).get_object(Bucket="kept", Key="a")["Body"].read() == b"still here"


def test_a_kill_loses_nothing_that_was_acknowledged(cloud: EmbeddedCloud) -> None:
    """Neither settings nor objects, rows or tables, however soon it comes."""
    first = cloud.up().run
    clients = Clients.of_target(first.target())
    clients.s3.create_bucket(Bucket="made")
    clients.s3.put_object(Bucket="made", Key="a", Body=b"still here")
    clients.dynamodb.create_table(
        TableName="Table",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    clients.dynamodb.put_item(TableName="Table", Item={"id": {"S": "a"}})
    clients.sqs.create_queue(QueueName="queue")
    kill(cloud, first)
    assert cloud.running() is None
    second = Clients.of_target(cloud.up().run.target())
    assert second.s3.get_object(Bucket="made", Key="a")["Body"].read() == b"still here"
    assert second.dynamodb.scan(TableName="Table")["Items"] == [{"id": {"S": "a"}}]
    assert second.sqs.list_queues()["QueueUrls"]


@pytest.mark.ci
def test_a_kill_during_a_save_loses_nothing(cloud: EmbeddedCloud) -> None:
    """Each bucket made is saved, so the kills come in the middle of saving."""
    made: list[str] = []
    for number in range(3):
        run = cloud.up().run
        with ThreadPoolExecutor() as pool:
            makers = [pool.submit(make_buckets, run, f"{number}-{maker}", made) for maker in range(3)]
            wait_until(partial(has_grown, made, len(made) + 5))
            kill(cloud, run)
            for maker in makers:
                maker.result()
    assert set(made) <= set(buckets(cloud.up().run))
    assert cloud.home.problems() == []


def make_buckets(run: Run, name: str, made: list[str]) -> None:
    """Makes buckets until the cloud is gone, and notes each that was acknowledged."""
    client = s3(run)
    with contextlib.suppress(BotoCoreError, ClientError):
        for number in range(1_000):
            client.create_bucket(Bucket=f"bucket-{name}-{number}")
            made.append(f"bucket-{name}-{number}")


def has_grown(made: list[str], length: int) -> bool:
    return len(made) >= length


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_state_that_cannot_be_read_is_set_aside_and_reported(cloud: EmbeddedCloud, variables: dict[str, str]) -> None:
    """It is renamed, never overwritten, and the user hears of it until it is removed."""
    s3(cloud.up().run).create_bucket(Bucket="made")
    cloud.down()
    damaged = b'{"payload": {"queu'
    (cloud.home.state / "sqs.json").write_bytes(damaged)
    stderr = io.StringIO()
    run = start(Environment(stderr=stderr, variables=variables)).run
    assert buckets(run) == ["made"]
    [kept] = cloud.home.set_aside()
    assert kept.read_bytes() == damaged
    assert str(kept) in stderr.getvalue()
    cloud.down()
    assert (cloud.home.state / "sqs.json").exists()
    kept.unlink()
    assert cloud.home.problems() == []


def test_rows_that_cannot_be_read_are_set_aside_and_reported(cloud: EmbeddedCloud) -> None:
    cloud.up()
    cloud.down()
    [snapshot] = cloud.home.rows.glob("*.rows")
    snapshot.write_bytes(b"nothing of use\n")
    cloud.up()
    [kept] = cloud.home.set_aside()
    assert (kept / snapshot.name).read_bytes() == b"nothing of use\n"


@pytest.mark.parametrize("name", ["saved.json", "port.json", "run.json"])
@pytest.mark.parametrize("content", ["[]", "{", '{"port": "x", "pid": null, "at": 5}', '{"other": 1}'])
def test_a_note_that_is_wrong_is_as_good_as_none(cloud: EmbeddedCloud, name: str, content: str) -> None:
    """They are notes of the last run: what they say can be found out again."""
    cloud.home.make()
    (cloud.home.root / name).write_text(content)
    assert cloud.home.last_port() is None
    assert cloud.home.run() is None
    assert cloud.home.saved() == Saved()


def test_down_without_a_running_cloud_is_harmless(cloud: EmbeddedCloud) -> None:
    """There is no process to end."""
    assert cloud.down() is None


def test_down_never_ends_a_process_that_was_given_our_old_id(cloud: EmbeddedCloud) -> None:
    """A stale record may name another process: without the lock it means nothing."""
    cloud.home.make()
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        cloud.home.record_run(Run(other.pid, 4580, "2026-01-01T00:00:00Z", RootKey("AKIA", "secret")))
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


def test_starting_on_another_port_while_running_is_refused(cloud: EmbeddedCloud) -> None:
    """It cannot move without being stopped."""
    run = cloud.up().run
    with pytest.raises(StockctlError, match=str(run.port)):
        cloud.up(run.port + 1)


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1"])
def test_a_port_variable_that_is_no_port_is_a_usage_error(variables: dict[str, str], port: str) -> None:
    """And nothing is started."""
    with pytest.raises(UsageError, match="STOCKCTL_LOCAL_PORT"):
        EmbeddedCloud(variables | {"STOCKCTL_LOCAL_PORT": port}).up()


def test_a_failed_start_shows_the_last_line_of_the_log(
    cloud: EmbeddedCloud, variables: dict[str, str], tmp_path: Path
) -> None:
    """The reason in the message, the rest in the file it names."""
    (tmp_path / "ministack.py").write_text("raise RuntimeError('this emulator is broken')")
    variables["PYTHONPATH"] = str(tmp_path)
    with pytest.raises(StockctlError, match="did not start: RuntimeError: this emulator is broken") as raised:
        cloud.up()
    assert str(cloud.home.log) in str(raised.value.hint)


def test_reset_deletes_its_own_state_and_nothing_else(cloud: EmbeddedCloud) -> None:
    """The folder may contain other files."""
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
    """The emulator passes its environment to every function."""
    variables |= {"AWS_ACCESS_KEY_ID": "AKIAREAL", "AWS_PROFILE": "work", "HTTPS_PROXY": "http://proxy", "TOKEN": "x"}
    run = cloud.up().run
    environment = Path(f"/proc/{run.pid}/environ")
    if not environment.exists():
        pytest.skip("this system does not show the environment of a process")
    names = {entry.split("=")[0] for entry in environment.read_text().split("\0")}
    assert not names & {"AWS_ACCESS_KEY_ID", "AWS_PROFILE", "HTTPS_PROXY", "TOKEN"}


def test_the_emulator_enforces_permissions_and_listens_on_this_machine_alone(cloud: EmbeddedCloud) -> None:
    run = cloud.up().run
    environment = Path(f"/proc/{run.pid}/environ")
    if not environment.exists():
        pytest.skip("this system does not show the environment of a process")
    settings = dict(entry.split("=", 1) for entry in environment.read_text().split("\0") if entry)
    wanted = {"AUTH": "true", "BIND_HOST": "127.0.0.1", "PERSIST_STATE": "1", "S3_PERSIST": "1"}
    assert {name: settings.get(name) for name in wanted} == wanted
    assert settings["STATE_DIR"].startswith(str(cloud.home.root))
    assert settings["AWS_CONFIG_FILE"] == settings["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull
