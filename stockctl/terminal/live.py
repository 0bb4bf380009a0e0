"""The live loop: draws frames on the alternate screen, reads keys, and leaves the last frame on the normal screen."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from stockctl.terminal.keys import Keys, reading_keys
from stockctl.terminal.suspension import Suspension, suspending
from stockctl.terminal.watch_model import Watched, match_of
from stockctl.terminal.watch_screen import View, frame

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from stockctl.terminal.environment import Environment

FRAMES_PER_SECOND = 4
LEAST_LINES = 12
"""The last frame has at least this many lines; on the normal screen it may scroll."""
PAGE = 10
"""Ingredients that PgUp and PgDn move by."""


class Source(Protocol):
    """What a screen shows."""

    @property
    def watched(self) -> Watched:
        """The data to show."""
        ...

    def refresh(self, view: View) -> View:
        """Reads what has come, and returns the view with current times, reading and notes."""
        ...

    def is_over(self) -> bool:
        """Whether the screen ends."""
        ...


def watch_live(
    source: Source,
    view: View,
    environment: Environment,
    *,
    below: int = 1,
    settle: Callable[[], None] = lambda: None,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Shows the source until it ends, or `q` or Ctrl-C is pressed; the last frame stays on the normal screen.

    `settle` is called before that frame is drawn, which shows what has come by then. `below` lines are left free below
    it, for the prompt and later output.

    Raises:
        KeyboardInterrupt: Ctrl-C, after the screen has been put back.
    """
    screen = _LiveScreen(source, view)
    console = environment.console()
    try:
        with suspending() as suspension:
            continues = True
            while continues:
                with reading_keys(environment) as keys:
                    continues = screen.run(console, keys, suspension, sleep)
                suspension.take()
    finally:
        settle()
        console.print(screen.last_frame(console.width, max(LEAST_LINES, min(console.height - below, 40))))


class _LiveScreen:
    """One source, and the view that the operator's keys have chosen."""

    def __init__(self, source: Source, view: View) -> None:
        self._source = source
        self._view = view

    def run(self, console: Console, keys: Keys, suspension: Suspension, sleep: Callable[[float], None]) -> bool:
        """Draws until the source is over; True after Ctrl-Z, when drawing will go on."""
        from rich.live import Live  # only a live screen needs it

        with Live(
            console=console, screen=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
        ) as live:
            while not self._source.is_over() and self._continues_after(keys.pressed()):
                if suspension.is_wanted:
                    return True
                self._view = self._source.refresh(self._view)
                live.update(frame(self._source.watched, self._view, *console.size), refresh=True)
                sleep(1 / FRAMES_PER_SECOND)
        return False

    def last_frame(self, width: int, height: int) -> Text:
        """The frame that stays on the normal screen, marked as ended."""
        view = replace(self._view, paused=False, help=False, typed=None)
        view = replace(self._source.refresh(view), ended=True)
        shown = frame(self._source.watched, view, width, height)
        shown.rstrip()  # what is printed next stands right below it
        return shown

    def _continues_after(self, keys: list[str]) -> bool:
        for key in keys:
            if key == "q" and self._view.typed is None:
                return False
            self._view = after_key(key, self._view, self._source.watched)
        return True


def after_key(key: str, view: View, watched: Watched) -> View:
    """The view after a key."""
    names = [one.name for one in watched.sorted(view.order)]
    if view.typed is not None:
        return _after_key_in_name(key, view, view.typed, names)
    if view.help or key == "?":  # any key closes the help
        return replace(view, help=not view.help)
    if key in {"p", "s"}:
        return replace(view, paused=not view.paused) if key == "p" else replace(view, order=view.order.following())
    if not names:
        return view
    if key == "/":
        return replace(view, typed="")
    return _after_key_in_all(key, view, names) if view.opened is None else _after_key_in_one(key, view, sorted(names))


def _after_key_in_name(key: str, view: View, typed: str, names: list[str]) -> View:
    """The view after a key while a name is typed: it moves to the first match."""
    if key == "escape":
        return replace(view, typed=None)
    if key == "enter":
        return replace(view, typed=None, opened=match_of(typed, names) or view.opened)
    typed = typed[:-1] if key == "backspace" else typed + key if len(key) == 1 else typed
    found = match_of(typed, names)
    view = replace(view, typed=typed)
    if found is None:
        return view
    return replace(view, chosen=found) if view.opened is None else replace(view, opened=found)


def _after_key_in_one(key: str, view: View, names: list[str]) -> View:
    if key in {"escape", "backspace", "a"} and len(names) > 1:
        return replace(view, opened=None, chosen=view.opened)
    if view.opened not in names:
        return view
    place = names.index(view.opened)
    steps = {"left": -1, "up": -1, "right": 1, "down": 1}
    if key in steps:
        return replace(view, opened=names[(place + steps[key]) % len(names)])
    return replace(view, opened=names[_jumped(key, place, len(names))])


def _after_key_in_all(key: str, view: View, names: list[str]) -> View:
    chosen = view.chosen if view.chosen in names else names[0]
    if key in {"enter", "right"}:
        return replace(view, opened=chosen, chosen=chosen)
    place = _jumped(key, names.index(chosen), len(names))
    return replace(view, chosen=names[place]) if names[place] != chosen else view


def _jumped(key: str, place: int, count: int) -> int:
    """Where a key leads in a list: a row, a page, or to an end."""
    steps = {"up": -1, "down": 1, "page up": -PAGE, "page down": PAGE, "home": -count, "end": count}
    return max(0, min(count - 1, place + steps.get(key, 0)))
