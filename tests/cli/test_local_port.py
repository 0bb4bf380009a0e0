"""STOCKCTL_LOCAL_PORT: checked first, and never ignored silently."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from stockctl.cli.rollout import start
from stockctl.domain.errors import UsageError
from stockctl.local.cloud import EmbeddedCloud
from stockctl.local.home import RootKey, Run
from stockctl.terminal.environment import Environment

RUN = Run(1, 4580, "2026-01-01T00:00:00Z", RootKey("id", "secret"))


def environment(home: Path, port: str) -> tuple[Environment, io.StringIO]:
    stderr = io.StringIO()
    variables = {"STOCKCTL_HOME": str(home), "STOCKCTL_LOCAL_PORT": port}
    return Environment(io.StringIO(), io.StringIO(), stderr, variables), stderr


@pytest.mark.parametrize("run", [None, RUN], ids=["stopped", "running"])
@pytest.mark.parametrize("port", ["abc", "80000"])
def test_a_wrong_port_is_a_usage_error_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, port: str, run: Run | None
) -> None:
    monkeypatch.setattr(EmbeddedCloud, "running", lambda _: run)
    used, stderr = environment(tmp_path, port)
    with pytest.raises(UsageError, match="STOCKCTL_LOCAL_PORT"):
        start(used)
    assert stderr.getvalue() == ""


@pytest.mark.parametrize(("port", "said"), [("4599", "runs on port 4580, not on 4599"), ("4580", ""), ("", "")])
def test_another_port_than_the_running_one_is_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, port: str, said: str
) -> None:
    monkeypatch.setattr(EmbeddedCloud, "running", lambda _: RUN)
    used, stderr = environment(tmp_path, port)
    assert start(used).run == RUN
    assert (said in stderr.getvalue(), bool(stderr.getvalue())) == (True, bool(said))
