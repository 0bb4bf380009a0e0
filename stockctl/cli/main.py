"""Turns errors into one message, one hint and one exit code. The commands are in `program.py`."""

from __future__ import annotations

import io
import sys
import traceback

from stockctl.cli.program import app
from stockctl.domain.errors import ExitCode, StockctlError
from stockctl.terminal.environment import Environment


def main() -> None:
    """The console script."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that lacks a letter shows another, and nothing fails
            stream.reconfigure(errors="replace")
    sys.exit(run(sys.argv[1:], Environment()))


def run(arguments: list[str], environment: Environment) -> int:
    """Runs one command line and returns its exit code. Never lets a traceback reach the user for an expected error."""
    try:
        app(args=arguments, obj=environment, prog_name="stockctl")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else ExitCode.FAILED
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        return _pipe_closed(environment)
    except StockctlError as error:
        return _explain(error, environment)
    except Exception as error:
        return _explain(_translated(error) or _unexpected(error), environment)
    return ExitCode.DONE


def _unexpected(error: Exception) -> StockctlError:
    """A defect of ours: said in one line, with the way to see all of it."""
    return StockctlError(
        f"unexpected {type(error).__name__}: {error}",
        "This is a defect of stockctl's. Run it again with --debug to see where.",
    )


def _translated(error: Exception) -> StockctlError | None:
    if "botocore" not in sys.modules:  # then no AWS call can have failed
        return None
    from stockctl.aws.errors import translated

    return translated(error)


def _explain(error: StockctlError, environment: Environment) -> int:
    if environment.debug:
        traceback.print_exc(file=environment.stderr)
    environment.complain(error.message)
    if error.hint:
        console = environment.notices()
        console.print("hint:  ", style="cyan", end="")
        console.print(error.hint, soft_wrap=True)
    return error.exit_code


def _pipe_closed(environment: Environment) -> int:
    """The reader of our output has gone (`stockctl stock | head -1`): end quietly, and keep the interpreter quiet."""
    environment.stdout = sys.stdout = open("/dev/null", "w", encoding="utf-8")  # noqa: SIM115, PTH123
    return ExitCode.DONE
