"""Help: what a command does, its arguments and options, examples, and exit codes.

All of it is taken from the command: its docstring, with the examples indented below a line `Examples:`, its parameters,
and its epilog, which has the exit codes. It is plain text, so that help needs no rich.
"""

from __future__ import annotations

import inspect
import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Any

from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from stockctl.domain.errors import ExitCode

WIDEST = 100
"""Longer lines are hard to read, however wide the terminal is."""
_MOST_TERM = 26
"""A longer term gets its own line."""
_ALWAYS = (ExitCode.DONE, ExitCode.FAILED, ExitCode.USAGE, ExitCode.CREDENTIALS, ExitCode.INTERRUPTED)
_EXAMPLES = "Examples:"

HelpRow = tuple[str, str]


def exit_codes(*own: ExitCode) -> str:
    """The epilog of a command with these exit codes besides those of every command."""
    return "\n".join(f"{code} {code.meaning}" for code in sorted({*_ALWAYS, *own}))


class Command(TyperCommand):
    """A command with this module's help."""

    def get_help(self, ctx: Any) -> str:  # noqa: ANN401 - Typer's own context class is private
        """The help text."""
        arguments = [one for one in self.get_params(ctx) if isinstance(one, TyperArgument)]
        usage = " ".join([*map(_argument, arguments), "[OPTIONS]"])
        rows = [(str(one.metavar), one.help or "") for one in arguments]
        return _help(self, ctx, usage, [_section("Arguments", _columns(rows))] if rows else [])


class CommandGroup(TyperGroup):
    """A group of commands with this module's help."""

    def get_help(self, ctx: Any) -> str:  # noqa: ANN401
        """The help text."""
        return _help(self, ctx, "COMMAND [OPTIONS]", _panels(self, ctx))


def examples_of(text: str) -> list[str]:
    """The command lines below `Examples:` in a docstring."""
    _, _, examples = inspect.cleandoc(text).partition(_EXAMPLES)
    return [line.strip() for line in examples.splitlines() if line.strip()]


def prose_of(text: str) -> list[str]:
    """The paragraphs of a docstring before its examples, each as one line."""
    prose, _, _ = inspect.cleandoc(text).partition(_EXAMPLES)
    return [" ".join(paragraph.split()) for paragraph in prose.split("\n\n") if paragraph.strip()]


def option_rows(command: TyperCommand | TyperGroup, context: Any) -> dict[str, list[HelpRow]]:  # noqa: ANN401
    """The options of a command by their heading, each with its help."""
    rows: dict[str, list[HelpRow]] = {"Options": []}
    for parameter in command.get_params(context):
        if isinstance(parameter, TyperOption) and not parameter.hidden:
            rows.setdefault(parameter.rich_help_panel or "Options", []).append(_option(parameter))
    return rows


def _help(command: TyperCommand | TyperGroup, context: Any, usage: str, own: Iterable[str]) -> str:  # noqa: ANN401
    """The help of a command or a group, with the sections of its `own` after its usage."""
    sections = [
        *_prose(command),
        _section("Usage", [f"  {context.command_path} {usage}"]),
        *own,
        *(_section(heading, _columns(rows)) for heading, rows in option_rows(command, context).items()),
        _examples(command),
        _section("Exit codes", _columns(_codes(command.epilog))) if command.epilog else "",
    ]
    return "\n\n".join(filter(None, sections))


def _panels(group: TyperGroup, context: Any) -> Iterator[str]:  # noqa: ANN401
    """The commands of a group, by their headings."""
    panels: dict[str, list[HelpRow]] = {}
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command and not command.hidden:
            heading = getattr(command, "rich_help_panel", None) or "Commands"
            panels.setdefault(heading, []).append((name, summary_of(command.help or "")))
    longest = max((len(name) for rows in panels.values() for name, _ in rows), default=0)
    for heading, rows in panels.items():
        yield _section(heading, _columns(rows, longest))


def summary_of(text: str) -> str:
    """The first sentence of a docstring, without what follows a colon."""
    first = next(iter(prose_of(text)), "")
    return first.partition(". ")[0].partition(": ")[0].rstrip(".")


def _codes(epilog: str) -> list[HelpRow]:
    """Parses what `exit_codes` wrote."""
    parts = (line.partition(" ") for line in epilog.splitlines())
    return [(code, meaning) for code, _, meaning in parts]


def _prose(command: TyperCommand | TyperGroup) -> Iterator[str]:
    for paragraph in prose_of(command.help or ""):
        yield "\n".join(textwrap.wrap(paragraph, _width(), break_on_hyphens=False))


def _examples(command: TyperCommand | TyperGroup) -> str:
    lines = [f"  {line}" for line in examples_of(command.help or "")]
    return _section("Examples", lines) if lines else ""


def _section(heading: str, lines: Iterable[str]) -> str:
    return "\n".join([_bold(heading), *lines])


def _columns(rows: Iterable[HelpRow], at_least: int = 0) -> list[str]:
    """Terms at the left, their meaning at the right, folded below itself."""
    rows = list(rows)
    term_width = max((len(term) for term, _ in rows if len(term) <= _MOST_TERM), default=0)
    term_width = max(term_width, at_least)
    indent = " " * (term_width + 4)
    lines: list[str] = []
    for term, meaning in rows:
        folded = textwrap.wrap(meaning, _width() - len(indent), break_on_hyphens=False) or [""]
        if len(term) > term_width:
            lines.append(f"  {term}")
        else:
            lines.append(f"  {term:<{term_width}}  {folded.pop(0)}".rstrip())
        lines += [indent + line for line in folded]
    return lines


def _option(option: TyperOption) -> HelpRow:
    short = [name for name in option.opts if not name.startswith("--")]
    long = [name for name in option.opts if name.startswith("--")]
    names = ", ".join([*short, "/".join([", ".join(long), *option.secondary_opts])])
    return f"{names} {_value(option)}".rstrip(), " ".join([option.help or "", *_notes(option)])


def _value(option: TyperOption) -> str:
    if option.is_flag:
        return ""
    choices = option.type_descriptor.choices
    return "|".join(map(str, choices)) if choices else option.metavar or "VALUE"


def _notes(option: TyperOption) -> Iterator[str]:
    if option.envvar:
        yield f"[${option.envvar}]"
    default = option.default.value if isinstance(option.default, Enum) else option.default
    if option.show_default and not option.is_flag and default not in (None, "", [], ()):
        yield f"[default: {default:g}]" if isinstance(default, float) else f"[default: {default}]"


def _argument(argument: TyperArgument) -> str:
    return str(argument.metavar) if argument.required else f"[{argument.metavar}]"


def _width() -> int:
    return max(40, min(WIDEST, shutil.get_terminal_size().columns))


def _bold(text: str) -> str:
    plain = not sys.stdout.isatty() or "NO_COLOR" in os.environ or os.environ.get("TERM") in {"dumb", "unknown"}
    return text if plain else f"\x1b[1m{text}\x1b[0m"
