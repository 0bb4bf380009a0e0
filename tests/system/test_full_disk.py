"""On a full disk changes are refused, reported, and possible again once there is room; nothing acknowledged is lost."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from stockctl.local.cloud import EmbeddedCloud
from tests.system.conftest import System, system_in

MEGABYTES = 96


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, which only root can make."""
    folder = tmp_path / "disk"
    folder.mkdir()
    umount = shutil.which("umount") or "umount"
    mount = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("only root can mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run([umount, "--lazy", str(folder)], check=True)


@pytest.fixture
def system(small_disk: Path) -> Iterator[System]:
    with system_in(small_disk / "home") as system:
        yield system


def fill(disk: Path) -> Path:
    filler = disk / "filler"
    with filler.open("wb") as file:
        file.write(bytes(shutil.disk_usage(disk).free - 1_000_000))
    return filler


def used(system: System) -> int:
    ended = system.stockctl("stock", "ham", "-o", "json")
    assert ended.returncode == 0, ended.stderr
    level = json.loads(ended.stdout)[0]
    assert isinstance(level["used"], int)
    return level["used"]


@pytest.mark.ci
def test_a_full_disk_refuses_changes_and_loses_none(system: System, small_disk: Path, tmp_path: Path) -> None:
    delivery = tmp_path / "d.csv"
    delivery.write_text("ham,1000,2099-01-01\n")
    assert system.stockctl("ingest", str(delivery)).returncode == 0
    assert system.stockctl("use", "ham=1", "--id", "before").returncode == 0
    filler = fill(small_disk)
    refused = system.stockctl("use", "ham=10", "--id", "refused")
    assert refused.returncode not in {0, 3}, refused.stdout
    assert used(system) == 1
    status = json.loads(system.stockctl("local", "status", "-o", "json").stdout)
    assert "full" in status["state"]["problems"][0]
    assert "full" in system.stockctl("stock").stderr
    filler.unlink()
    assert system.stockctl("use", "ham=10", "--id", "refused").returncode == 0
    assert used(system) == 11
    EmbeddedCloud(system.variables).down()
    assert used(system) == 11


@pytest.mark.ci
def test_a_stop_on_a_full_disk_loses_nothing(system: System, small_disk: Path, tmp_path: Path) -> None:
    """What cannot be saved at the end is in the log."""
    delivery = tmp_path / "d.csv"
    delivery.write_text("ham,1000,2099-01-01\n")
    assert system.stockctl("ingest", str(delivery)).returncode == 0
    assert system.stockctl("use", "ham=7", "--id", "before").returncode == 0
    filler = fill(small_disk)
    EmbeddedCloud(system.variables).down()
    filler.unlink()
    assert used(system) == 7
