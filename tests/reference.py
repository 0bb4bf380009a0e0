"""The README's command reference, written from the program itself: `python -m tests.reference` brings it up to date.

`tests/test_readme.py` holds the README to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup

from stockctl.cli.help import examples_of, option_rows, summary_of
from stockctl.cli.program import app
from stockctl.domain.errors import ExitCode

README = Path(__file__).parent.parent / "README.md"
SHARED = "Where and how"
"""The heading of the options that every command takes."""


def commands() -> dict[str, TyperCommand]:
    """Every command by its words, `local up` as one, in the order of the help."""
    root: Any = typer.main.get_command(app)
    return dict(_within(root, ""))


def _within(group: TyperGroup, prefix: str) -> Iterator[tuple[str, TyperCommand]]:
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from _within(command, f"{prefix}{name} ")
        elif isinstance(command, TyperCommand):
            yield f"{prefix}{name}", command


def options_of(command: TyperCommand) -> dict[str, list[tuple[str, str]]]:
    """The options of a command by heading, as its help has them, without `--help`."""
    rows = option_rows(command, typer.Context(command))
    return {heading: [row for row in found if "--help" not in row[0]] for heading, found in rows.items()}


def command_table() -> str:
    """What each command does, with an example."""
    rows = [
        f"| `{name}` | {summary_of(command.help or '')} | `{_example(command)}` |"
        for name, command in commands().items()
    ]
    return "\n".join(["| command | what it does | for example |", "|---|---|---|", *rows])


def _example(command: TyperCommand) -> str:
    return examples_of(command.help or "")[0].replace("|", "\\|")


def option_lists() -> str:
    """The options of each command, and those of all of them."""
    some = next(iter(commands().values()))
    parts = [_listed("every command", options_of(some)[SHARED], [])]
    parts += [
        _listed(name, options_of(command).get("Options", []), _arguments(command))
        for name, command in commands().items()
        if options_of(command).get("Options") or _arguments(command)
    ]
    return "<details><summary>Every option</summary>\n\n" + "\n\n".join(parts) + "\n\n</details>"


def _arguments(command: TyperCommand) -> list[tuple[str, str]]:
    return [(str(one.metavar), one.help or "") for one in command.params if isinstance(one, TyperArgument)]


def _listed(name: str, options: list[tuple[str, str]], arguments: list[tuple[str, str]]) -> str:
    rows = "\n".join(
        f"| `{term.replace('|', chr(92) + '|')}` | {meaning} |" for term, meaning in [*arguments, *options]
    )
    return f"| {name} | |\n|---|---|\n{rows}"


def exit_code_table() -> str:
    """What the program says by how it ends."""
    return "\n".join(["| exit code | says |", "|---|---|", *(f"| {code} | {code.meaning} |" for code in ExitCode)])


SECTIONS = {"commands": command_table, "options": option_lists, "exit codes": exit_code_table}


def with_reference(readme: str) -> str:
    """The README with every section between its markers as the program has it now."""
    for name, section in SECTIONS.items():
        before, begin, rest = readme.partition(f"<!-- {name}, by `python -m tests.reference` -->\n")
        _, end, after = rest.partition(f"<!-- end of {name} -->")
        if not (begin and end):
            raise ValueError(f"the README has no markers for {name}")
        readme = f"{before}{begin}{section()}\n{end}{after}"
    return readme


if __name__ == "__main__":
    README.write_text(with_reference(README.read_text(encoding="utf-8")), encoding="utf-8")
