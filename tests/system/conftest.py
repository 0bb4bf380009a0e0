"""The whole system, shared by its tests: the embedded cloud with the real template, driven as a user would."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from stockctl.aws.clients import Clients
from stockctl.cli.rollout import ensure_running
from stockctl.client.deployment import Deployment
from stockctl.local.cloud import EmbeddedCloud
from stockctl.terminal.environment import Environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from stockctl.aws.target import Target


@dataclass(frozen=True)
class System:
    """A deployed stack and what drives it; `variables` is a complete environment for a subprocess."""

    variables: dict[str, str]
    target: Target
    clients: Clients
    deployment: Deployment

    def stockctl(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Runs one command as a user would; `options` go to `subprocess.run`."""
        defaults: dict[str, Any] = {"capture_output": True, "text": True, "timeout": 120, "env": self.variables}
        return subprocess.run(self.command(*arguments), check=False, **(defaults | options))

    def command(self, *arguments: str) -> list[str]:
        """Arguments of `subprocess.Popen` for a command that a test watches while it runs."""
        return [sys.executable, "-m", "stockctl", *arguments]


def variables_for(home: str) -> dict[str, str]:
    """An environment with an embedded cloud of its own and without access to AWS."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return kept | {
        "STOCKCTL_HOME": home,
        "STOCKCTL_LOCAL_PORT": str(port),
        "STOCKCTL_TARGET": "local",
        "XDG_CONFIG_HOME": os.devnull,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@contextmanager
def system_in(home: Path) -> Iterator[System]:
    """An embedded cloud with a deployed stack, kept in a folder and stopped at the end."""
    variables = variables_for(str(home))
    try:
        target, _ = ensure_running("stockctl", Environment(variables=variables))
        clients = Clients.of_target(target)
        yield System(variables, target, clients, Deployment.of(clients, target))
    finally:
        EmbeddedCloud(variables).down()


@pytest.fixture(scope="session")
def embedded_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with system_in(tmp_path_factory.mktemp("home")) as system:
        yield system
