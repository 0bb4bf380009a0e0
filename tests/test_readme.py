"""The README and help are held to the program: every command, option, exit code and example in them is real."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from stockctl.cli.help import examples_of, prose_of
from stockctl.cli.program import app
from stockctl.domain.errors import ExitCode
from tests.reference import README, commands, options_of, with_reference

TEXT = README.read_text(encoding="utf-8")
OTHER_PROGRAMS = re.compile(r"`[^`\n]*(?:pytest|python -m|pip|aws) [^`\n]*`")
"""Command lines of other programs, whose options are not ours."""


def test_the_command_reference_is_what_the_program_says() -> None:
    assert with_reference(TEXT) == TEXT, "run `python -m tests.reference`"


def test_every_option_the_readme_names_exists() -> None:
    known = {"--help", "--version", "--install-completion", "--show-completion", "--long"}  # the last is our pytest's
    for command in commands().values():
        for rows in options_of(command).values():
            known |= {name for term, _ in rows for name in re.findall(r"--[a-z][a-z-]*", term)}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", _without_other_programs(TEXT)))
    assert named - known == set()


def _without_other_programs(text: str) -> str:
    text = re.sub(r"```.*?```", lambda block: block[0] if "stockctl " in block[0] else "", text, flags=re.DOTALL)
    text = re.sub(r"[^\n]*-m (?:pip|venv|tests|pytest)[^\n]*", "", text)
    return OTHER_PROGRAMS.sub("", text)


@pytest.mark.parametrize("code", ExitCode)
def test_every_exit_code_is_in_the_readme_in_the_programs_words(code: ExitCode) -> None:
    assert f"| {code} | {code.meaning} |" in TEXT


@pytest.mark.parametrize("name", commands())
def test_every_command_has_a_sentence_examples_and_exit_codes(name: str) -> None:
    command = commands()[name]
    first = prose_of(command.help or "")[0]
    assert re.match(r"[A-Z][a-z]+ ", first)
    assert not re.match(r"(?:\w+[^s]s|Says) ", first), "imperative: `Deploy the stack`, not `Deploys`"
    assert first.endswith(".")
    assert examples_of(command.help or "")
    assert re.findall(r"^\d+", command.epilog or "", flags=re.MULTILINE)


@pytest.mark.parametrize("name", commands())
def test_every_argument_and_option_has_help(name: str) -> None:
    for rows in options_of(commands()[name]).values():
        for term, meaning in rows:
            assert re.match(r"[A-Z$].*[.\]]$", meaning), f"{name} {term}: {meaning!r}"


def examples() -> Iterator[str]:
    """Every command line in the README and in help."""
    yield from re.findall(r"(?:^|[ /`(])(stockctl [a-z][^`\n]*)", _code())
    for command in commands().values():
        yield from examples_of(command.help or "")


def _code() -> str:
    """Code spans and blocks of the README, one a line."""
    found = re.findall(r"```(?:sh|console)\n(.*?)```|(`[^`\n]+`)", TEXT, flags=re.DOTALL)
    return "\n".join(block or span for block, span in found)


@pytest.mark.parametrize("line", sorted(set(examples())))
def test_every_example_is_a_command_line_the_program_takes(line: str) -> None:
    words = shlex.split(line.replace("\\|", "|"))
    words = words[words.index("stockctl") + 1 :]
    words = words[: next((place for place, word in enumerate(words) if word in {"|", "&&", ";", ">"}), len(words))]
    if len(words) == 1:  # a command is named, not run
        assert words[0] in {name.split()[0] for name in commands()}
        return
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    command.make_context("stockctl", words)  # raises what is wrong with the words


def test_every_picture_is_there_and_small() -> None:
    pictures = re.findall(r"!\[[^\]]*\]\((\.docs/[^)]+)\)", TEXT)
    assert pictures
    for name in pictures:
        picture = (README.parent / name).read_text(encoding="utf-8")
        assert len(picture) < 200_000
        assert "/tmp/" not in picture  # noqa: S108 - no path of the machine that drew it
        assert "/home/" not in picture
