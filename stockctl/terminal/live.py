"""The live loop: draws frames on the alternate screen, takes keys, and leaves the last frame on the normal screen."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from stockctl.terminal.keys import Keys, reading_keys
from stockctl.terminal.suspension import Suspension, suspending
from stockctl.terminal.watch_screen import View, frame

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from stockctl.terminal.environment import Environment
    from stockctl.terminal.watch_model import Watched

FRAMES_PER_SECOND = 4


class Source(Protocol):
    """What feeds a screen."""

    @property
    def watched(self) -> Watched:
        """What is known."""
        ...

    def refresh(self, view: View) -> View:
        """Takes in what has come, and returns the view with its times, reading and notes brought up to date."""
        ...

    def is_over(self) -> bool:
        """Whether there is nothing more to wait for."""
        ...


def watch_live(
    source: Source, view: View, environment: Environment, below: int = 1, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Shows the source until it is over, or `q` or Ctrl-C is pressed; the last frame stays on the normal screen.

    `below` lines are left free under that last frame, for the prompt and for what is printed next.

    Raises:
        KeyboardInterrupt: Ctrl-C, after the screen has been put back.
    """
    screen = _LiveScreen(source, view)
    console = environment.console()
    try:
        with suspending() as suspension:
            goes_on = True
            while goes_on:
                with reading_keys(environment) as keys:
                    goes_on = screen.run(console, keys, suspension, sleep)
                suspension.take()
    finally:
        console.print(screen.last_frame(console.width, min(console.height - below, 40)))


class _LiveScreen:
    """One source, shown by the view that the operator's keys have led to."""

    def __init__(self, source: Source, view: View) -> None:
        self._source = source
        self._view = view

    def run(self, console: Console, keys: Keys, suspension: Suspension, sleep: Callable[[float], None]) -> bool:
        """Draws until it is over, or until Ctrl-Z: then there is more to come."""
        from rich.live import Live  # only a live screen needs it

        with Live(
            console=console, screen=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
        ) as live:
            while not self._source.is_over() and self._goes_on_after(keys.pressed()):
                if suspension.is_wanted:
                    return True
                self._view = self._source.refresh(self._view)
                live.update(frame(self._source.watched, self._view, *console.size), refresh=True)
                sleep(1 / FRAMES_PER_SECOND)
        return False

    def last_frame(self, width: int, height: int) -> Text:
        """What stays on the normal screen: the present, with no keys to press any more."""
        view = replace(self._source.refresh(replace(self._view, paused=False)), keys=False)
        shown = frame(self._source.watched, view, width, height)
        shown.rstrip()  # what is printed next stands right below it
        return shown

    def _goes_on_after(self, keys: list[str]) -> bool:
        for key in keys:
            if key == "q" and self._view.typed is None:
                return False
            self._view = after_key(key, self._view, self._source.watched)
        return True


def after_key(key: str, view: View, watched: Watched) -> View:
    """What the operator sees after a key."""
    names = [one.name for one in watched.sorted(view.order)]
    if view.typed is not None:
        return _after_key_in_name(key, view, view.typed, names)
    if key == "/" and names:
        return replace(view, typed="")
    if key in {"p", "s"}:
        return replace(view, paused=not view.paused) if key == "p" else replace(view, order=view.order.following())
    if not names:
        return view
    if view.opened is not None:
        return _after_key_in_one(key, view, sorted(names))
    return _after_key_in_all(key, view, names)


def _after_key_in_name(key: str, view: View, typed: str, names: list[str]) -> View:
    """A name is being typed: it leads to the first ingredient that begins with it, else has it anywhere."""
    if key == "escape":
        return replace(view, typed=None)
    if key == "enter":
        return replace(view, typed=None, opened=_found(typed, names) or view.opened)
    typed = typed[:-1] if key == "backspace" else typed + key if len(key) == 1 else typed
    found = _found(typed, names)
    view = replace(view, typed=typed)
    if found is None:
        return view
    return replace(view, chosen=found) if view.opened is None else replace(view, opened=found)


def _found(typed: str, names: list[str]) -> str | None:
    wanted = typed.casefold()
    if not wanted:
        return None
    return next((name for name in names if name.startswith(wanted)), next((n for n in names if wanted in n), None))


def _after_key_in_one(key: str, view: View, names: list[str]) -> View:
    step = {"left": -1, "up": -1, "right": 1, "down": 1}.get(key)
    if key in {"escape", "backspace", "a"} and len(names) > 1:
        return replace(view, opened=None, chosen=view.opened)
    if step is None or view.opened not in names:
        return view
    return replace(view, opened=names[(names.index(view.opened) + step) % len(names)])


def _after_key_in_all(key: str, view: View, names: list[str]) -> View:
    chosen = view.chosen if view.chosen in names else names[0]
    place = names.index(chosen)
    match key:
        case "enter" | "right":
            return replace(view, opened=chosen, chosen=chosen)
        case "down":
            return replace(view, chosen=names[min(place + 1, len(names) - 1)])
        case "up":
            return replace(view, chosen=names[max(place - 1, 0)])
        case _:
            return view
