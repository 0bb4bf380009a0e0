"""The entry point: turns errors into a message, a hint and an exit code. The commands are in `program.py`."""

from __future__ import annotations

import errno
import io
import os
import re
import sys
import traceback
from typing import TextIO, cast

import typer
from typer.core import TyperGroup
from typer.main import get_command

from stockctl.cli.command_line import command_first
from stockctl.cli.program import program_for
from stockctl.domain.errors import ExitCode, StockctlError, UsageError
from stockctl.terminal.encoding import write_what_can_be
from stockctl.terminal.environment import Environment

_IN_OUR_WORDS = (
    (re.compile(r"Input should be a valid integer.*"), "it is not a whole number"),
    (re.compile(r"Input should be a valid number.*"), "it is not a number"),
    (re.compile(r"Input should be "), "it must be "),
    (re.compile(r" \(Possible options: ([^,)]+)\)"), r" Did you mean \1?"),
    (re.compile(r" \(Possible options: (.+)\)"), r" Did you mean one of \1?"),
)
"""Typer's wording, and what stands for it here."""
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}


def main() -> None:
    """The console script."""
    _open_what_is_closed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            write_what_can_be(stream, os.environ)
    sys.exit(run([_as_typed(word) for word in sys.argv[1:]], Environment()))


def _as_typed(word: str) -> str:
    """A word of the command line, which is UTF-8 even where Python takes it for ASCII, in a C locale."""
    try:
        return os.fsencode(word).decode()
    except UnicodeError:
        return word


def _open_what_is_closed() -> None:
    """Replaces streams that the caller has closed (`>&-`): what is written there is dropped, and nothing is read."""
    sys.stdin = sys.stdin or _nothing("r")
    sys.stdout = sys.stdout or _nothing("w")
    sys.stderr = sys.stderr or _nothing("w")


def _nothing(mode: str) -> TextIO:
    return cast("TextIO", open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123


def run(arguments: list[str], environment: Environment) -> int:
    """Runs one command line and returns its exit code. Expected errors never show a traceback."""
    try:
        command = get_command(program_for(arguments, environment.variables))
        words = command_first(arguments, command) if isinstance(command, TyperGroup) else arguments
        code = command(args=words, obj=environment, prog_name="stockctl", standalone_mode=False)
        environment.stdout.flush()  # a closed pipe is found here, not when the interpreter ends
        return code if isinstance(code, int) else ExitCode.DONE
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):
            return _pipe_closed(environment)
        return end.code if isinstance(end.code, int) else ExitCode.FAILED
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except Exception as error:
        return _ended_by(error, environment)
    finally:
        environment.end_passing()


def _ended_by(error: Exception, environment: Environment) -> int:
    if isinstance(error, BrokenPipeError):
        return _pipe_closed(environment)
    if type(error).__name__ == "NoArgsIsHelpError":  # a group without a command: its help
        environment.notices().print(str(error), soft_wrap=True)
        return ExitCode.USAGE
    if isinstance(error, StockctlError):
        return _explain(error, environment)
    if isinstance(error, typer.TyperException):
        return _explain(_usage_error(error), environment)
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        environment.stdout = sys.stdout = _nothing("w")  # the rest of the output must not fail a second time
    return _explain(_of_this_machine(error) or _translated(error) or _unexpected(error), environment)


def _usage_error(error: typer.TyperException) -> UsageError:
    """Typer's error, worded like all others."""
    message = " ".join(error.format_message().split()).replace("Value error, ", "")
    for theirs, ours in _IN_OUR_WORDS:
        message = theirs.sub(ours, message)
    said, _, meant = message.partition(" Did you mean ")
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "stockctl"
    hint = f"Did you mean {meant}" if meant else f"`{path} --help` shows the usage."
    return UsageError(said[:1].lower() + said[1:].rstrip("."), hint)


def _of_this_machine(error: Exception) -> StockctlError | None:
    """An error of the machine's, not of this program: a file, a folder or a disk."""
    if isinstance(error, OSError) and error.filename:
        hint = "Check that it exists, and that you may read and write it."
        return StockctlError(f"{error.filename} cannot be used: {error.strerror}", hint)
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        message = f"the output cannot be written: {error.strerror}"
        return StockctlError(message, "Free some space, or write elsewhere.")
    return None


def _unexpected(error: Exception) -> StockctlError:
    """A bug: one line, and how to get the traceback."""
    return StockctlError(
        f"unexpected {type(error).__name__}: {error}",
        "This is a bug in stockctl. Run the command again with --debug for the traceback.",
    )


def _translated(error: Exception) -> StockctlError | None:
    if "botocore" not in sys.modules:  # without boto3, no AWS call can have failed
        return None
    from stockctl.aws.errors import translated

    return translated(error)


def _explain(error: StockctlError, environment: Environment) -> int:
    if environment.debug:
        traceback.print_exc(file=environment.stderr)
    environment.complain(error.message, error.hint)
    return error.exit_code


def _pipe_closed(environment: Environment) -> int:
    """The reader of the output is gone (`stockctl stock | head -1`): ends quietly, and keeps the interpreter quiet."""
    environment.stdout = sys.stdout = _nothing("w")
    return ExitCode.DONE
