"""After `deploy --aws`, the deployed stack can become the default, and the last line says how."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from stockctl.aws.target import Target
from stockctl.cli.configuration import read_configuration, user_file
from stockctl.cli.precedence import effective_settings
from stockctl.cli.remember import remember_target, report_default
from stockctl.cli.session import Session
from stockctl.terminal.environment import Environment
from tests.cli.test_deploy_questions import Terminal

PROD = Target("prod", region="eu-west-1", profile="work")


@pytest.fixture(autouse=True)
def configuration_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def session(answer: str | None = None) -> Session:
    """A deployment by `--profile work --stack prod`; on a terminal where there is an answer."""
    stdin, stderr = (Terminal(f"{answer}\n"), Terminal()) if answer is not None else (io.StringIO(), io.StringIO())
    settings = effective_settings({"profile": "work", "stack": "prod"}, {}, read_configuration())
    return Session(Environment(stdin, io.StringIO(), stderr, {}), settings)


def last_notice(of: Session) -> str:
    """Without its spaces: a terminal folds it."""
    assert isinstance(of.environment.stderr, io.StringIO)
    return "".join(of.environment.stderr.getvalue().rpartition("stockctl: ")[2].split())


def squeezed(text: str) -> str:
    return "".join(text.split())


def plain_stack() -> str:
    return effective_settings({}, {}, read_configuration()).stack


@pytest.mark.parametrize("answer", [None, "", "y"])
def test_a_script_and_a_terminal_that_agrees_remember_the_stack(answer: str | None) -> None:
    deployed = session(answer)
    remember_target(deployed, PROD, None)
    assert plain_stack() == "prod"
    assert squeezed("commands now use stack prod on AWS eu-west-1") in last_notice(deployed)
    assert last_notice(deployed).endswith(squeezed(f'delete `kitchen = "prod"` from {user_file()}'))


@pytest.mark.parametrize(("answer", "wanted"), [("n", None), (None, False)])
def test_answering_no_leaves_the_file_unchanged_and_shows_how_to_reach_the_stack(
    answer: str | None, wanted: bool | None
) -> None:
    deployed = session(answer)
    remember_target(deployed, PROD, wanted)
    assert plain_stack() == "stockctl"
    assert squeezed("--aws --profile work --region eu-west-1 --stack prod") in last_notice(deployed)


def test_undoing_it_is_deleting_one_line() -> None:
    remember_target(session(), PROD, None)
    path = user_file()
    path.write_text(path.read_text(encoding="utf-8").replace('kitchen = "prod"\n', ""), encoding="utf-8")
    assert effective_settings({}, {}, read_configuration()).local


def test_a_script_replaces_a_remembered_stack_only_on_request() -> None:
    user_file().parent.mkdir(parents=True)
    user_file().write_text('target = "aws"\nstack = "other"\n', encoding="utf-8")
    remember_target(session(), PROD, None)
    assert plain_stack() == "other"
    remember_target(session(), PROD, True)
    assert plain_stack() == "prod"


def test_a_stack_that_is_already_the_default_is_not_mentioned() -> None:
    remember_target(session(), PROD, True)
    again = session()
    remember_target(again, PROD, None)
    assert isinstance(again.environment.stderr, io.StringIO)
    assert again.environment.stderr.getvalue() == ""


def test_the_embedded_cloud_is_never_remembered() -> None:
    deployed = session()
    remember_target(deployed, Target("stockctl", local=True), True)
    assert not user_file().exists()


def test_after_it_is_destroyed_one_is_told_how_to_stop_using_it_by_default() -> None:
    remember_target(session(), PROD, True)
    environment = Environment(io.StringIO(), io.StringIO(), io.StringIO(), {})
    plain = Session(environment, effective_settings({}, {}, read_configuration()))
    report_default(plain)
    assert last_notice(plain).endswith(squeezed(f'delete `kitchen = "prod"` from {user_file()}'))
    other = Session(environment, effective_settings({"stack": "other"}, {}, read_configuration()))
    report_default(other)
    assert last_notice(other) == last_notice(plain)  # nothing more
