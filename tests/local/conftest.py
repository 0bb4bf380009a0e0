"""An embedded cloud of a test's own: its state in a temporary folder, its port free, stopped at the end."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from stockctl.local.cloud import EmbeddedCloud

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def variables_in(folder: Path) -> dict[str, str]:
    """The environment of an embedded cloud with its home in a folder, on a port that is free."""
    passed_on = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    return passed_on | {"STOCKCTL_HOME": str(folder / "home"), "STOCKCTL_LOCAL_PORT": str(free_port())}


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    return variables_in(tmp_path)


@pytest.fixture
def cloud(variables: dict[str, str]) -> Iterator[EmbeddedCloud]:
    cloud = EmbeddedCloud(variables)
    yield cloud
    cloud.down()
