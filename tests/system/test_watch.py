"""Watching the embedded cloud's stream: through a reshard, and on a pseudo terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from stockctl.operations.drop_bucket import DropBucket
from tests.system.conftest import System


def eventually(holds: Callable[[], bool], seconds: float = 30) -> None:
    """Waits until the condition holds; fails if it does not within the time."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def delivered(system: System, ingredient: str) -> None:
    """Records a delivery of 100 units."""
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat(timespec="seconds")
    bucket = DropBucket(system.clients.s3, system.deployment.drop_bucket)
    bucket.drop(f"{ingredient}.csv", f"{ingredient},100,{tomorrow}\n".encode())
    eventually(lambda: bucket.receipt(f"{ingredient}.csv") is not None)


@pytest.mark.ci
def test_a_reshard_loses_no_change(embedded_cloud: System) -> None:
    delivered(embedded_cloud, "watched rye")
    eventually(lambda: published(embedded_cloud) == 1)
    words = embedded_cloud.command("watch", "watched rye", "--count", "2", "--duration", "60s")
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=embedded_cloud.variables) as watch:
        time.sleep(4)  # until it follows the stream; what it then prints shows whether it did
        embedded_cloud.stockctl("use", "watched rye=10")
        shard = embedded_cloud.clients.kinesis.list_shards(StreamName=embedded_cloud.deployment.level_stream)["Shards"][
            0
        ]
        hashes = shard["HashKeyRange"]
        middle = (int(hashes["StartingHashKey"]) + int(hashes["EndingHashKey"])) // 2
        eventually(lambda: published(embedded_cloud) == 2)
        time.sleep(2)  # the emulator drops a shard that is split, with all that was not read of it; AWS does not
        embedded_cloud.clients.kinesis.split_shard(
            StreamName=embedded_cloud.deployment.level_stream,
            ShardToSplit=shard["ShardId"],
            NewStartingHashKey=str(middle),
        )
        embedded_cloud.stockctl("use", "watched rye=20")
        output, _ = watch.communicate(timeout=70)
    assert watch.returncode == 0
    assert [json.loads(line)["quantity"] for line in output.splitlines()] == [90, 70]


def published(system: System) -> int:
    """The number of the ingredient's changes in the stream in the last minutes."""
    done = system.stockctl("watch", "watched rye", "--since", "5m", "--duration", "1s")
    return len(done.stdout.splitlines())


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo terminals are POSIX's")
def test_the_screen_closes_and_leaves_its_last_frame(embedded_cloud: System) -> None:
    import pty  # POSIX only
    import threading

    delivered(embedded_cloud, "watched spelt")
    ours, theirs = pty.openpty()
    variables = embedded_cloud.variables | {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"}
    words = embedded_cloud.command("watch", "watched spelt")
    with subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL, env=variables) as watch:
        os.close(theirs)
        shown: list[bytes] = []
        reading = threading.Thread(target=read_all, args=(ours, shown), daemon=True)
        reading.start()
        eventually(lambda: b"100 on hand" in b"".join(shown) and b"1 batch" in b"".join(shown))
        os.write(ours, b"q")
        watch.wait(15)
        reading.join(5)
    os.close(ours)
    screen = b"".join(shown).decode()
    assert watch.returncode == 0
    alternate, _, normal = screen.partition("\x1b[?1049l")
    assert "\x1b[?1049h" in alternate
    assert "q quit" in alternate
    assert "watched spelt" in normal
    assert "q quit" not in normal


def read_all(terminal: int, into: list[bytes]) -> None:
    """Reads what the terminal shows until the program ends."""
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # Linux's sign that the other side is closed
            return
        if not part:
            return
        into.append(part)
