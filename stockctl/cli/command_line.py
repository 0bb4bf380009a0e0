"""Command lines as people type them: `help COMMAND`, and shared options in front of the command."""

from __future__ import annotations

from collections.abc import Sequence

from typer.core import TyperCommand, TyperGroup, TyperOption


def command_first(words: Sequence[str], group: TyperGroup) -> list[str]:
    """The same command line with the command in front, as Typer wants it.

    `-o json stock ham` becomes `stock -o json ham`, and `help use` becomes `use --help`.
    """
    if words and words[0] == "help":
        return [*words[1:], "--help"]
    if not words or not words[0].startswith("-"):
        return list(words)
    length = _leading(words, _shared_options(group))
    leading, rest = words[:length], words[length:]
    if not rest or rest[0].startswith("-"):  # an option of the program's own, such as --version
        return list(rest)
    depth = 2 if isinstance(group.commands.get(rest[0]), TyperGroup) else 1
    return [*rest[:depth], *leading, *rest[depth:]]


def _shared_options(group: TyperGroup) -> dict[str, bool]:
    """The options that all commands have, and whether each takes a value."""
    of_each = [
        {
            name: not option.is_flag
            for option in command.params
            if isinstance(option, TyperOption)
            for name in (*option.opts, *option.secondary_opts)
        }
        for command in group.commands.values()
        if isinstance(command, TyperCommand)
    ]
    return {name: takes for name, takes in of_each[0].items() if all(name in one for one in of_each)}


def _leading(words: Sequence[str], options: dict[str, bool]) -> int:
    """The number of words at the beginning that are shared options and their values."""
    length = 0
    while length < len(words):
        name, equals, _ = words[length].partition("=")
        if name in options:
            length += 2 if options[name] and not equals else 1
        elif _is_short(words[length], options):
            length += 1
        else:
            break
    return length


def _is_short(word: str, options: dict[str, bool]) -> bool:
    """Whether it is several flags in one word, as -qv, or a short option with its value, as -ojson."""
    if word.startswith("--") or not word.startswith("-"):
        return False
    if options.get(word[:2]):
        return True
    return all(options.get(f"-{letter}") is False for letter in word[1:])
