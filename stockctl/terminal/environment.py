"""Streams, variables and clock of a command; tests pass their own."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

from stockctl.domain.errors import StockctlError
from stockctl.terminal.control_characters import printable

if TYPE_CHECKING:
    from rich.console import Console


@dataclass
class Environment:
    """Streams, environment variables and clock of one run."""

    stdin: TextIO = field(default_factory=lambda: sys.stdin)
    stdout: TextIO = field(default_factory=lambda: sys.stdout)
    stderr: TextIO = field(default_factory=lambda: sys.stderr)
    variables: Mapping[str, str] = field(default_factory=lambda: os.environ)
    quiet: bool = False
    verbose: bool = False
    debug: bool = False
    _is_passing: bool = field(default=False, init=False)

    def now(self) -> datetime:
        """The time, in UTC."""
        return datetime.now(UTC)

    @property
    def stdout_is_terminal(self) -> bool:
        return self.stdout.isatty()

    @property
    def stderr_is_terminal(self) -> bool:
        return self.stderr.isatty()

    @property
    def stdin_is_terminal(self) -> bool:
        return self.stdin.isatty()

    @property
    def draws_screens(self) -> bool:
        """Whether stdout is a terminal with cursor movement."""
        return self.stdout_is_terminal and self._moves_cursor

    @property
    def shows_progress(self) -> bool:
        """Whether stderr is a terminal with cursor movement, and the user did not ask for quiet."""
        return not self.quiet and self.stderr_is_terminal and self._moves_cursor

    @property
    def _moves_cursor(self) -> bool:
        return self.variables.get("TERM") not in {"dumb", "unknown"}

    def passing(self, line: str) -> None:
        """Shows the progress of a long command on a terminal, until the next output."""
        if not self.shows_progress:
            return
        room = shutil.get_terminal_size().columns - 1
        self.stderr.write(f"\r\x1b[2K{printable(line)[:room]}")
        self.stderr.flush()
        self._is_passing = True

    def end_passing(self) -> None:
        """Clears the line that shows progress, if there is one."""
        if self._is_passing:
            self.stderr.write("\r\x1b[2K")
            self.stderr.flush()
            self._is_passing = False

    def print(self, line: str) -> None:
        """Prints one line of results, at once."""
        self.end_passing()
        print(line, file=self.stdout, flush=True)

    def console(self) -> Console:
        """The console for results."""
        self.end_passing()
        return self._console(self.stdout)

    def notices(self) -> Console:
        """The console on stderr, for everything but results."""
        self.end_passing()
        return self._console(self.stderr)

    def note(self, line: str) -> None:
        """Prints one line on stderr, unless the user asked for quiet."""
        if not self.quiet:
            self._print(line)

    def warn(self, line: str) -> None:
        """Prints one line on stderr, with --quiet too."""
        self._print(line)

    def complain(self, line: str, hint: str | None = None) -> None:
        """Prints an error on stderr, and what to do about it, with --quiet too."""
        self._print(line, ("error: ", "bold red"))
        if hint:
            self._print(hint, ("hint:  ", "cyan"))

    def asks(self, question: str) -> str:
        """The user's answer on the terminal; empty if there is none. The line of the question is ended in any case."""
        self.notices().print(f"{question} ", end="", soft_wrap=True)
        try:
            answer = self.stdin.readline()
        except KeyboardInterrupt:
            self.notices().print()
            raise
        if not answer:  # Ctrl-D leaves the cursor behind the question
            self.notices().print()
        return answer.strip()

    def agrees(self, question: str) -> bool:
        """Whether the user answers yes on the terminal."""
        return self.asks(f"{question} [y/N]").casefold() in {"y", "yes"}

    def confirm(self, question: str, refusal: str) -> None:
        """Asks on a terminal before something is booked; a script is not asked.

        Raises:
            StockctlError: the answer was no; `refusal` is its message.
        """
        if self.stdin_is_terminal and not self.agrees(question):
            raise StockctlError(refusal, None)

    def trace(self, line: str) -> None:
        """Prints one dim line on stderr with --verbose."""
        if self.verbose:
            self._print(line, style="dim")

    def _print(self, line: str, label: tuple[str, str] = ("", ""), style: str = "") -> None:
        """Prints a line on stderr: folded between words on a terminal, whole in a pipe."""
        from rich.text import Text

        text = "\n".join(map(printable, line.split("\n")))
        self.notices().print(Text.assemble(label, (text, style)), soft_wrap=not self.stderr_is_terminal)

    def _console(self, stream: TextIO) -> Console:
        from rich.console import Console

        return Console(file=stream, highlight=False, markup=False, emoji=False, _environ=self.variables)
