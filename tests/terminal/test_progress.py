"""The progress of a deployment: plain lines with times in a pipe, finished steps on a terminal."""

from __future__ import annotations

import io
import re

from stockctl.terminal.environment import Environment
from stockctl.terminal.progress import Progress, Stage, Step

CREATING = Step("table StockTable", "creating", Stage.BEGUN, 1.0)
CREATED = Step("table StockTable", "created", Stage.DONE, 3.5)
FAILED = Step("bucket DropBucket", "could not create", Stage.FAILED, 4.0, "the name is taken")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def told(stream: io.StringIO, *steps: Step, quiet: bool = False, **variables: str) -> str:
    environment = Environment(io.StringIO(), io.StringIO(), stream, variables, quiet=quiet)
    with Progress(environment) as progress:
        for step in steps:
            progress.show(step)
    return stream.getvalue()


def test_in_a_pipe_every_step_is_a_line_with_the_time_and_no_control_characters() -> None:
    lines = told(io.StringIO(), CREATING, CREATED, FAILED).splitlines()
    assert [re.sub(r"^\S+ +", "", line) for line in lines] == [
        "1.0 s  creating table StockTable",
        "3.5 s  created table StockTable",
        "4.0 s  could not create bucket DropBucket: the name is taken",
    ]
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ", line) for line in lines)
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", "\n".join(lines))


def test_finished_steps_stay_on_the_terminal_with_their_duration() -> None:
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", told(Terminal(), CREATING, CREATED, FAILED, TERM="xterm"))
    assert "2.5 s  created table StockTable" in shown
    assert "could not create bucket DropBucket: the name is taken" in shown


def test_a_terminal_that_cannot_move_its_cursor_gets_plain_lines() -> None:
    assert "\x1b[" not in told(Terminal(), CREATING, CREATED, TERM="dumb")


def test_quiet_shows_no_progress() -> None:
    assert told(io.StringIO(), CREATING, CREATED, quiet=True) == ""
    assert told(Terminal(), CREATING, CREATED, quiet=True, TERM="xterm") == ""
