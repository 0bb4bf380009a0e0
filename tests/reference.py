"""The generated parts of the documents: `python -m tests.reference` writes them anew.

They stand between markers, such as `<!-- commands, by … -->` and `<!-- end of commands -->`. `tests/test_readme.py`
compares every one of them with the program.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup

from stockctl.cli.help import examples_of, option_rows, prose_of, summary_of
from stockctl.cli.program import program
from stockctl.deployment.parameters import SET_BY_DEPLOYMENT
from stockctl.deployment.template import template_path
from stockctl.domain.errors import ExitCode

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
REFERENCE = ROOT / ".docs" / "reference.md"
DELIVERIES = ROOT / ".docs" / "deliveries.md"
OPERATING = ROOT / "infra" / "README.md"
DOCUMENTS = (
    README,
    REFERENCE,
    DELIVERIES,
    ROOT / "stockctl" / "README.md",
    OPERATING,
    ROOT / "tests" / "README.md",
    ROOT / "tests" / "benchmarks" / "README.md",
)
SHARED = "Shared options"
"""The heading of the options that commands share."""
_ALL_BUT_LOCAL = (
    "Every command takes them. The commands of `local` take only `--output`, `--quiet`, `--verbose` and `--debug`."
)


def commands() -> dict[str, TyperCommand]:
    """Every command by its words, `local up` as one, in the order of the help."""
    root: Any = typer.main.get_command(program())
    return dict(_within(root, ""))


def _within(group: TyperGroup, prefix: str) -> Iterator[tuple[str, TyperCommand]]:
    for name, command in group.commands.items():
        if command.hidden:
            continue
        if isinstance(command, TyperGroup):
            yield from _within(command, f"{prefix}{name} ")
        elif isinstance(command, TyperCommand):
            yield f"{prefix}{name}", command


def options_of(command: TyperCommand) -> dict[str, list[tuple[str, str]]]:
    """The options of a command by heading, as its help has them, without `--help`."""
    rows = option_rows(command, typer.Context(command))
    return {heading: [row for row in found if "--help" not in row[0]] for heading, found in rows.items()}


def command_table() -> str:
    """What each command does, with an example; the commands of a group share a line."""
    root: Any = typer.main.get_command(program())
    rows = [
        f"| {_names(name, command)} | {summary_of(command.help or '')} | {_code(examples_of(command.help or '')[0])} |"
        for name, command in root.commands.items()
        if not command.hidden
    ]
    return "\n".join(["| command | what it does | for example |", "|---|---|---|", *rows])


def _names(name: str, command: TyperCommand | TyperGroup) -> str:
    names = [f"{name} {each}" for each in command.commands] if isinstance(command, TyperGroup) else [name]
    return ", ".join(map(_code, names))


def exit_code_table() -> str:
    """The meaning of each exit code."""
    return "\n".join(["| exit code | meaning |", "|---|---|", *(f"| {code} | {code.meaning} |" for code in ExitCode)])


def option_lists() -> str:
    """The options that all commands share, then each command with its help, arguments, options and examples."""
    some = next(iter(commands().values()))
    shared = f"## Shared options\n\n{_ALL_BUT_LOCAL}\n\n{_table('option', options_of(some)[SHARED])}"
    return "\n\n".join([shared, *(_described(name, command) for name, command in commands().items())])


def _described(name: str, command: TyperCommand) -> str:
    text = command.help or ""
    options = [row for heading, rows in options_of(command).items() if heading != SHARED for row in rows]
    rows = [*arguments_of(command), *options]
    examples = "```sh\n" + "\n".join(examples_of(text)) + "\n```"
    parts = [f"## {name}", *prose_of(text), *([_table("option", rows)] if rows else []), examples]
    return "\n\n".join(parts)


def arguments_of(command: TyperCommand) -> list[tuple[str, str]]:
    """The arguments of a command, each with its help."""
    return [(str(one.metavar), one.help or "") for one in command.params if isinstance(one, TyperArgument)]


def parameter_table() -> str:
    """The parameters of the template that `deploy --parameter` sets."""
    rows = [
        f"| `{name}` | {_default(parameter)} | {' '.join(parameter['Description'].split())} |"
        for name, parameter in template()["Parameters"].items()
        if name not in SET_BY_DEPLOYMENT
    ]
    return "\n".join(["| parameter | default | meaning |", "|---|---|---|", *rows])


def alarm_table() -> str:
    """The alarms of the template, and what each one means."""
    rows = [f"| `{name}` | {alarm['Properties']['AlarmDescription']} |" for name, alarm in alarms().items()]
    return "\n".join(["| alarm | meaning |", "|---|---|", *rows])


def alarms() -> dict[str, Any]:
    """The alarms of the template by name."""
    resources = template()["Resources"].items()
    return {name: resource for name, resource in resources if resource["Type"] == "AWS::CloudWatch::Alarm"}


@cache
def template() -> dict[str, Any]:
    """The CloudFormation template, decoded."""
    from cfnlint.decode import decode  # takes a second to import

    decoded, _ = decode(str(template_path()))
    return dict(decoded)


def _default(parameter: Mapping[str, Any]) -> str:
    default = parameter.get("Default", "")
    return "none" if default == "" else f"`{default}`"


def _table(term: str, rows: list[tuple[str, str]]) -> str:
    lines = [f"| {_code(name)} | {meaning.replace('|', chr(92) + '|')} |" for name, meaning in rows]
    return "\n".join([f"| {term} | meaning |", "|---|---|", *lines])


def _code(text: str) -> str:
    return f"`{text.replace('|', chr(92) + '|')}`"


SECTIONS: dict[Path, dict[str, Callable[[], str]]] = {
    README: {"commands": command_table},
    REFERENCE: {"exit codes": exit_code_table, "options": option_lists},
    OPERATING: {"parameters": parameter_table, "alarms": alarm_table},
}


def with_reference(document: Path) -> str:
    """The text of a document with every generated section as the program has it now."""
    text = document.read_text(encoding="utf-8")
    for name, section in SECTIONS[document].items():
        before, begin, rest = text.partition(f"<!-- {name}, by `python -m tests.reference` -->\n")
        _, end, after = rest.partition(f"<!-- end of {name} -->")
        if not (begin and end):
            raise ValueError(f"{document.name} has no markers for {name}")
        text = f"{before}{begin}{section()}\n{end}{after}"
    return text


if __name__ == "__main__":
    for written in SECTIONS:
        written.write_text(with_reference(written), encoding="utf-8")
