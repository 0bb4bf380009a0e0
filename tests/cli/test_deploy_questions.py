"""Deployments that would lose data: when they ask, and what each answer does."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Any

import pytest

from stockctl.cli.deploy import _agree
from stockctl.cli.main import run
from stockctl.cli.session import Session
from stockctl.cli.settings import Settings
from stockctl.cli.stack_events import show_events
from stockctl.deployment.change_set import ChangeSet, Kind, ResourceChange
from stockctl.deployment.resource_event import ResourceEvent
from stockctl.domain.errors import ExitCode, StockctlError, UsageError
from stockctl.terminal.environment import Environment


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@dataclass
class Prepared:
    """A planned deployment, as far as these tests need one."""

    plan: ChangeSet
    discarded: list[str] = field(default_factory=list)

    def discard(self) -> None:
        self.discarded.append("discarded")


def prepared(kind: Kind) -> Any:
    return Prepared(
        ChangeSet("kitchen", False, "set", (ResourceChange(kind, "StockTable", "AWS::DynamoDB::Table", "KeySchema"),))
    )


def session(stdin: io.StringIO) -> Session:
    return Session(Environment(stdin, io.StringIO(), io.StringIO(), {}), Settings(stack="kitchen"))


def test_without_a_terminal_a_loss_needs_to_be_agreed_to_beforehand() -> None:
    """It lists what would be lost, and discards the plan."""
    asked, deployment = session(io.StringIO()), prepared(Kind.REPLACE)
    with pytest.raises(UsageError) as raised:
        _agree(asked, deployment, yes=False)
    assert "--yes" in str(raised.value.hint)
    assert deployment.discarded
    assert isinstance(asked.environment.stderr, io.StringIO)
    assert "replace: table StockTable (because of KeySchema)" in asked.environment.stderr.getvalue()


@pytest.mark.parametrize("answer", ["n", "", "maybe"])
def test_on_a_terminal_anything_but_yes_changes_nothing(answer: str) -> None:
    deployment = prepared(Kind.REMOVE)
    with pytest.raises(StockctlError, match="nothing was deployed"):
        _agree(session(Terminal(f"{answer}\n")), deployment, yes=False)
    assert deployment.discarded


@pytest.mark.parametrize(
    ("kind", "stdin", "yes"),
    [
        (Kind.REMOVE, Terminal("yes\n"), False),
        (Kind.REPLACE, io.StringIO(), True),
        (Kind.MODIFY, io.StringIO(), False),
        (Kind.IMPORT, io.StringIO(), False),
    ],
)
def test_who_agrees_or_loses_nothing_is_let_through(kind: Kind, stdin: io.StringIO, yes: bool) -> None:
    deployment = prepared(kind)
    _agree(session(stdin), deployment, yes=yes)
    assert not deployment.discarded


def test_after_ctrl_c_deploy_says_that_cloudformation_continues() -> None:
    """Ctrl-C stops the display, not the deployment."""

    def interrupted() -> Any:
        yield ResourceEvent("StockTable", "AWS::DynamoDB::Table", "CREATE_IN_PROGRESS", None, 0.0)
        raise KeyboardInterrupt

    environment = Environment(io.StringIO(), io.StringIO(), io.StringIO(), {})
    with pytest.raises(KeyboardInterrupt):
        show_events(environment, "kitchen", interrupted())
    assert isinstance(environment.stderr, io.StringIO)
    assert "stockctl deploy --follow --stack kitchen" in environment.stderr.getvalue()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--follow", "-n"], "--follow deploys nothing"),
        (["--follow", "-p", "TimeZone=UTC"], "--follow deploys nothing"),
        (["-p", "TimeZone=UTC", "-p", "TimeZone=Europe/London"], "given twice: UTC and Europe/London"),
    ],
)
def test_options_that_contradict_each_other_are_a_usage_error(words: list[str], said: str) -> None:
    stderr = io.StringIO()
    code = run(["deploy", "--aws", *words], Environment(io.StringIO(), io.StringIO(), stderr, {}))
    assert (code, said in stderr.getvalue()) == (ExitCode.USAGE, True), stderr.getvalue()
