"""The pictures in the documents, drawn from real runs on an embedded cloud: `python -m tests.pictures`.

Each command runs on its own pseudo terminal; the final screen becomes an SVG. POSIX only.
"""

from __future__ import annotations

import io
import os
import re
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

FOLDER = Path(__file__).parent.parent / ".docs"
COLUMNS, LINES = 100, 31
_LEAVES_SCREEN = b"\x1b[?1049l"
_FONT_FACES = re.compile(r"@font-face \{\{.*?\}\}", re.DOTALL)
"""Fonts that a browser would download; any monospaced font will do."""


def main() -> None:
    """Draws every picture, and stops the embedded cloud they were made on."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        stage = Stage(Path(work))
        try:
            draw_stock(stage)
            draw_simulation(stage)
            draw_watch(stage)
        finally:
            stage.run("local", "down")


class Stage:
    """A folder with a delivery, and an embedded cloud of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        own = {"STOCKCTL_HOME": str(folder / "home"), "STOCKCTL_LOCAL_PORT": str(port), "STOCKCTL_TARGET": "local"}
        self.variables = {**os.environ, **own, "TERM": "xterm-256color", "COLORTERM": "truecolor", "TZ": "UTC"}
        self.variables.pop("NO_COLOR", None)
        today = datetime.now(UTC).date()
        rows = [("ham", "3000", 38), ("pepperoni", "2000", 112), ("mushroom", "1000", 1), ("basil", "-3", 2)]
        lines = [f"{name},{units},{today + timedelta(days=days)}" for name, units, days in rows]
        lines.append(f"salami,50,{today - timedelta(days=30)}")
        text = "\n".join(["ingredient,quantity,best_before", *lines])
        (folder / "monday.csv").write_text(text + "\n", encoding="utf-8")

    def run(self, *words: str) -> None:
        """Runs a command that is not shown."""
        subprocess.run([sys.executable, "-m", "stockctl", *words], cwd=self.folder, env=self.variables, check=False)

    def shown(self, *words: str) -> Text:
        """The prompt, the command, and the final screen."""
        output = on_a_terminal([sys.executable, "-m", "stockctl", *words], self.folder, self.variables)
        visible = output.rpartition(_LEAVES_SCREEN)[2].decode().replace("\r\n", "\n")
        prompt = Text.assemble(("$ ", "green"), (" ".join(["stockctl", *words]), "bold"), "\n")
        return prompt.append_text(Text.from_ansi(_without_moves(visible).rstrip()).append("\n\n"))


def _without_moves(output: str) -> str:
    """The lines that are left on a terminal, with colours: progress that was erased is gone."""
    lines = [""]
    place = 0
    for part in re.split(r"(\n|\r|\x1b\[\d*A|\x1b\[2K)", output):
        if part == "\n":
            place += 1
            lines += [""] * (place == len(lines))
        elif part.endswith("A") and part.startswith("\x1b["):
            place = max(0, place - int(part[2:-1] or 1))
        elif part == "\x1b[2K":
            lines[place] = ""
        elif part != "\r":
            lines[place] += part
    return re.sub(r"\x1b\[\?[0-9;]*[a-zA-Z]|\x1b\[[0-9;]*[A-HJKfsu]", "", "\n".join(lines))


def on_a_terminal(command: Sequence[str], folder: Path, variables: Mapping[str, str]) -> bytes:
    """Everything a command writes to a pseudo terminal."""
    import fcntl
    import pty
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    output = b""
    with subprocess.Popen(command, cwd=folder, env=variables, stdin=theirs, stdout=theirs, stderr=theirs):
        os.close(theirs)
        while True:
            try:
                part = os.read(ours, 65_536)
            except OSError:  # the command has ended
                break
            if not part:
                break
            output += part
    os.close(ours)
    return output


def draw(name: str, shown: Sequence[Text]) -> None:
    """Writes the screens as a picture."""
    console = Console(width=COLUMNS, record=True, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    for text in shown:
        console.print(text, end="", soft_wrap=True)
    drawn = console.export_svg(title="stockctl", theme=MONOKAI, code_format=_FONT_FACES.sub("", CONSOLE_SVG_FORMAT))
    drawn = "\n".join(line.rstrip() for line in drawn.splitlines()) + "\n"
    (FOLDER / f"{name}.svg").write_text(drawn, encoding="utf-8")


def draw_stock(stage: Stage) -> None:
    """A delivery with two bad rows, a transaction, and the stock after it."""
    stage.run("local", "up")
    stage.run("deploy")
    commands = (["ingest", "monday.csv"], ["use", "ham=10", "mushroom=5"], ["threshold", "mushroom=1200"], ["stock"])
    draw("stock", [stage.shown(*words) for words in commands])


def draw_simulation(stage: Stage) -> None:
    """The end of a service."""
    draw("simulate", [stage.shown("simulate", "--seed", "7", "--speed", "4")])


def draw_watch(stage: Stage) -> None:
    """One ingredient, late in a service."""
    stage.run("deploy", "--stack", "watched")
    words = [
        "simulate",
        "pepperoni",
        "--stack",
        "watched",
        "--seed",
        "5",
        "--speed",
        "4",
        "--duration",
        "6m",
        "--quiet",
    ]
    command = [sys.executable, "-m", "stockctl", *words]
    with subprocess.Popen(command, cwd=stage.folder, env=stage.variables, stdout=subprocess.DEVNULL):
        time.sleep(40)
        stage.run("threshold", "pepperoni=500", "--stack", "watched")
        time.sleep(30)
        shown = stage.shown("watch", "pepperoni", "--stack", "watched", "--since", "75s", "--duration", "8s", "--quiet")
    draw("watch", [shown])


if __name__ == "__main__":
    main()
