"""Help texts and usage errors."""

from __future__ import annotations

from typing import Any

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from stockctl.cli.help import summary_of
from stockctl.cli.program import COMMANDS, outline, program, program_for
from stockctl.domain.errors import ExitCode
from tests.cli.test_main import plain
from tests.reference import commands

COMPLETING = "_STOCKCTL_COMPLETE"


def test_help_has_a_description_examples_and_exit_codes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert plain("use", "--help").code == ExitCode.DONE
    shown = capsys.readouterr().out
    for part in ("Usage\n  stockctl use [INGREDIENT=UNITS...] [OPTIONS]", "--dry-run", "Examples\n", "  3    refused"):
        assert part in shown
    assert "  5    " not in shown


def test_help_is_read_in_forty_columns_too(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    plain("--help")
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 60


@pytest.mark.parametrize("name", commands())
def test_no_help_line_is_longer_than_80_columns(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    plain(*name.split(), "--help")
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


def test_a_misspelt_command_is_answered_with_the_one_that_was_meant() -> None:
    done = plain("stok")
    assert done.code == ExitCode.USAGE
    assert done.err == "error: no such command 'stok'\nhint:  Did you mean 'stock'?\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["use", "--nope"], "no such option: --nope"),
        (["stock", "--low", "many"], "'--low': it is not a whole number"),
        (["simulate", "--speed", "0"], "'--speed': it must be greater than or equal to 0.1"),
        (["simulate", "--report", "run.pdf"], "--report 'run.pdf' has no known format"),
        (["simulate", "--report", "nowhere/run.svg"], "--report: there is no folder 'nowhere'"),
        (["deploy", "-p", "TimeZone=Mars/Base"], "'Mars/Base' is not a known time zone"),
        (["ingest", "a.csv", "--delivery", ""], "--delivery is empty"),
        (["use", "ham=1", "--dry-run", "--id", "a"], "--dry-run takes nothing, so it has no --id"),
        (["count", "ham=1", "--dry-run", "--id", "a"], "--dry-run books nothing, so it has no --id"),
        (["ingest", "a.csv", "--delivery", "../monday"], "--delivery ../monday has an empty part, or one of dots"),
        (["ingest", "a.csv", "--delivery", "/monday"], "--delivery /monday has an empty part, or one of dots"),
        (["ingest"], "missing argument 'FILE...'"),
        (["watch", "--count", "0"], "'--count'"),
        (["stock", "--sort", "size"], "'size' is not one of 'name', 'quantity', 'expiry'"),
        (["local", "sideways"], "no such command 'sideways'"),
    ],
)
def test_usage_errors_look_like_other_errors(words: list[str], said: str) -> None:
    done = plain(*words)
    assert done.code == ExitCode.USAGE
    error, hint = done.err.splitlines()
    assert error.startswith("error: ")
    assert said in error
    assert hint.startswith("hint:  ")


@pytest.mark.parametrize(
    ("words", "meant"),
    [(["use", "ham=1", "--dryrun"], "Did you mean --dry-run?"), (["stock", "--lo", "3"], "Did you mean one of")],
)
def test_a_misspelt_option_is_answered_with_those_that_were_perhaps_meant(words: list[str], meant: str) -> None:
    done = plain(*words)
    assert done.code == ExitCode.USAGE
    assert f"hint:  {meant}" in done.err
    assert "Possible options" not in done.err


@pytest.mark.parametrize("words", [[], ["local"]])
def test_a_group_without_a_command_shows_its_help(words: list[str]) -> None:
    done = plain(*words)
    assert done.code == ExitCode.USAGE
    assert "Usage\n  stockctl" in done.err
    assert "Examples\n  stockctl" in done.err


@pytest.mark.parametrize("option", [["--aws"], ["--stack", "trial"], ["--region", "eu-west-1"]], ids=" ".join)
def test_local_commands_refuse_options_that_choose_a_target(option: list[str]) -> None:
    done = plain("local", "status", *option)
    assert (done.code, f"no such option: {option[0]}" in done.err) == (ExitCode.USAGE, True)


def test_the_outline_has_the_commands_and_their_summaries() -> None:
    """The program's own help is made from it, without importing the commands."""
    whole: Any = get_command(program())
    short: Any = get_command(outline())
    found = {name: (summary_of(one.help or ""), one.rich_help_panel) for name, one in whole.commands.items()}
    assert {name: (one.help, one.rich_help_panel) for name, one in short.commands.items()} == found


@pytest.mark.parametrize(
    ("words", "variables", "commands"),
    [
        (["stock", "ham"], {}, {"stock"}),
        (["help", "use"], {}, {"use"}),
        ([], {COMPLETING: "complete_bash", "COMP_WORDS": "stockctl local st"}, {"local"}),
        ([], {COMPLETING: "complete_bash", "COMP_WORDS": "stockctl use "}, {"use"}),
        ([], {COMPLETING: "complete_fish", "_TYPER_COMPLETE_ARGS": "stockctl use ha"}, {"use"}),
        ([], {COMPLETING: "complete_bash", "COMP_WORDS": "stockctl stock"}, set(COMMANDS)),
        (["-o", "json", "stock"], {}, set(COMMANDS)),
        (["--help"], {}, set(COMMANDS)),
    ],
)
def test_a_command_line_loads_what_it_names(words: list[str], variables: dict[str, str], commands: set[str]) -> None:
    loaded = get_command(program_for(words, variables))
    names = set(loaded.commands) if isinstance(loaded, TyperGroup) else {loaded.name}
    assert names == commands
