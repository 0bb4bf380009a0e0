"""Keys are read as they are pressed, and the terminal is left as it was."""

from __future__ import annotations

import io
import os
import sys
import time
from types import SimpleNamespace
from typing import Any

import pytest

from stockctl.terminal.environment import Environment
from stockctl.terminal.keys import NoKeys, decoded, reading_keys


@pytest.mark.parametrize(
    ("sent", "keys"),
    [
        ("q", ["q"]),
        ("\x1b[A\x1b[B", ["up", "down"]),
        ("\x1bOC\x1bOD", ["right", "left"]),
        ("\r", ["enter"]),
        ("\x1b", ["escape"]),
        ("\x1b[5~\x1b[6~", ["page up", "page down"]),
        ("\x1b[H\x1b[F\x1bOH\x1b[4~", ["home", "end", "home", "end"]),
        ("\x1b[3~p", ["p"]),
        ("\x1b[1;5Cq", ["q"]),
        ("ps\x1b[C", ["p", "s", "right"]),
    ],
)
def test_sequences_become_names(sent: str, keys: list[str]) -> None:
    assert decoded(sent) == keys


def test_without_a_terminal_there_are_no_keys() -> None:
    with reading_keys(Environment(stdin=io.StringIO("q"))) as keys:
        assert isinstance(keys, NoKeys)
        assert keys.pressed() == []


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo terminals are POSIX's")
def test_a_real_terminal_gives_keys_at_once_and_gets_its_settings_back() -> None:
    import pty  # POSIX only
    import termios

    ours, theirs = pty.openpty()
    stdin: Any = SimpleNamespace(isatty=lambda: True, fileno=lambda: theirs)
    before = termios.tcgetattr(theirs)
    with reading_keys(Environment(stdin=stdin)) as keys:
        assert keys.pressed() == []
        os.write(ours, b"p\x1b[A")
        time.sleep(0.05)
        assert keys.pressed() == ["p", "up"]
    assert termios.tcgetattr(theirs) == before
    os.close(ours)
    os.close(theirs)
