"""The progress of a deployment. On a terminal: a line for each finished resource and one for those in progress.
Elsewhere: a plain line with the time for each step."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from stockctl.terminal.durations import short

if TYPE_CHECKING:
    from types import TracebackType

    from rich.live import Live
    from rich.text import Text

    from stockctl.terminal.environment import Environment

NAMED_AT_ONCE = 3
"""Resources named in the bottom line; the others are counted."""


class Stage(Enum):
    """The stage of a step."""

    BEGUN = "dim"
    DONE = "green"
    FAILED = "bold red"


@dataclass(frozen=True)
class Step:
    """A step: `doing` is a verb (`creating`, `created`).

    `elapsed` is seconds since the start; by default it is measured here.
    """

    what: str
    doing: str
    stage: Stage
    elapsed: float | None = None
    reason: str = ""


class Progress:
    """Shows steps on stderr while it is open."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._begun: dict[str, tuple[float, Step]] = {}
        self._start = time.monotonic()
        self._live: Live | None = None

    def __enter__(self) -> Progress:
        if self._environment.shows_progress:
            from rich.live import Live

            console = self._environment.notices()
            self._live = Live(get_renderable=self._under_way, console=console, transient=True, refresh_per_second=4)
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, step: Step) -> None:
        """Shows one step."""
        elapsed = time.monotonic() - self._start if step.elapsed is None else step.elapsed
        if step.stage is Stage.BEGUN:
            began = self._begun.get(step.what, (elapsed, step))[0]
            self._begun[step.what] = (began, step)
        else:
            began = self._begun.pop(step.what, (elapsed, step))[0]
        if self._live is None:
            self._stamp(step, elapsed)
        elif step.stage is not Stage.BEGUN:
            self._live.console.print(_finished(step, elapsed - began), soft_wrap=True)

    def _stamp(self, step: Step, elapsed: float) -> None:
        moment = self._environment.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        self._environment.note(f"{moment} {elapsed:6.1f} s  {step.doing} {step.what}{_because(step)}")

    def _under_way(self) -> Text:
        from rich.text import Text

        steps = [step for _, step in self._begun.values()]
        names = [f"{step.what}{_because(step)}" for step in steps[:NAMED_AT_ONCE]]
        more = f" and {len(steps) - NAMED_AT_ONCE} more" if len(steps) > NAMED_AT_ONCE else ""
        doing = f"{steps[0].doing} {', '.join(names)}{more}" if steps else "waiting"
        line = f"{short(time.monotonic() - self._start):>12}  {doing}"
        return Text(line, style="dim", overflow="ellipsis", no_wrap=True)


def _finished(step: Step, took: float) -> Text:
    from rich.text import Text

    return Text.assemble(f"{took:10.1f} s  ", (step.doing, step.stage.value), f" {step.what}{_because(step)}")


def _because(step: Step) -> str:
    return f": {step.reason}" if step.reason else ""
