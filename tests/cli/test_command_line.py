"""Options in front of the command, `help COMMAND` and -V."""

from __future__ import annotations

import io
import re

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from stockctl.cli.command_line import command_first
from stockctl.cli.program import program
from stockctl.domain.errors import ExitCode
from stockctl.terminal.environment import Environment
from tests.cli.conftest import Stockctl
from tests.cli.test_main import plain
from tests.service import Service


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("-o json stock ham", "stock -o json ham"),
        ("--output=json -q stock", "stock --output=json -q"),
        ("-ojson -qv stock", "stock -ojson -qv"),
        ("--aws --stack trial stock --aws", "stock --aws --stack trial --aws"),
        ("-q local status", "local status -q"),
        ("stock -o json", "stock -o json"),
        ("-q --version", "--version"),
        ("--nope stock", "--nope stock"),
        ("-q", ""),
        ("-o", ""),
        ("help", "--help"),
        ("help local up", "local up --help"),
        ("", ""),
    ],
)
def test_the_command_comes_first(typed: str, meant: str) -> None:
    group = get_command(program())
    assert isinstance(group, TyperGroup)
    assert command_first(typed.split(), group) == meant.split()


def test_the_last_of_two_options_counts(stockctl: Stockctl, kitchen: Service) -> None:
    kitchen.drop("monday.csv", "ham,100,2099-12-31\n")
    assert stockctl("-o", "json", "stock").json[0]["ingredient"] == "ham"
    assert stockctl("-o", "json", "stock", "-o", "csv").out.startswith("ingredient,quantity")


@pytest.mark.parametrize("option", ["-V", "--version"])
def test_the_version_has_a_short_option(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert plain(option).code == ExitCode.DONE
    assert capsys.readouterr().out.startswith("stockctl ")


def test_help_of_a_command_can_be_asked_for_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert plain("help", "local", "up").code == ExitCode.DONE
    assert "stockctl local up [OPTIONS]" in capsys.readouterr().out
    assert "Did you mean 'stock'?" in plain("help", "stok").err


def test_notes_and_hints_fold_between_words_on_a_terminal_and_stay_whole_in_a_pipe() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    hint = "Write ingredient=units with a whole number from 1, as in ham=10 mushroom=5."
    for stream in (Terminal(), io.StringIO()):
        Environment(stderr=stream, variables={"COLUMNS": "40", "TERM": "xterm"}).complain("missing quantity", hint)
        lines = re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue()).splitlines()
        assert " ".join(" ".join(lines).split()) == f"error: missing quantity hint: {hint}"
        assert (max(map(len, lines)) <= 40) is stream.isatty()


def test_notes_and_errors_never_bring_control_characters_to_the_terminal() -> None:
    err = io.StringIO()
    environment = Environment(stderr=err, variables={}, verbose=True)
    environment.note("file \x1b]0;x\x07.csv")
    environment.complain("\x9b2J", "\u202e")
    environment.trace("\x1b[2J")
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(err.getvalue())
