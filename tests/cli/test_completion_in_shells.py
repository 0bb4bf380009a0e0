"""TAB in real shells: what they put on the command line is what the program is given."""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="pseudo terminals are POSIX's"),
    pytest.mark.system,
]

SECONDS = 90.0
"""A key press is answered in a fraction of this, unless the machine is busy."""
START = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
}
SET_UP = {
    "bash": "bind 'set bell-style none'; bind 'set enable-bracketed-paste off'",
    "zsh": "bindkey -e; unsetopt beep; autoload -Uz compinit; compinit -u -D",
}

Typed = Callable[[str], list[str]]


@pytest.fixture(params=["bash", pytest.param("zsh", marks=pytest.mark.ci)])
def typed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Typed]:
    """Types keys into a shell that has the completion script, and returns the words it would run."""
    shell = request.param
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    cache = tmp_path / "cache"
    cache.mkdir()
    names = ["basil, thai", "cheddar cheese", "cheese", "o'brien potato", "ham"]
    (cache / "ingredients-stockctl.txt").write_text("".join(f"{name}\n" for name in sorted(names)))
    (cache / "ingredients-trial.txt").write_text("egg\n")
    (cache / "failures-stockctl.txt").write_text("3f2a-77\n")
    (tmp_path / "stockctl.toml").write_text("[kitchens.london]\n")
    script = tmp_path / "script"
    script.write_text(completion_script(shell))
    with Terminal(START[shell], tmp_path) as terminal:
        terminal.send(f"PS1='> '; {SET_UP[shell]}; source {script}; echo rea''dy\n")
        terminal.wait_for(r"ready")
        yield terminal.words_after


def completion_script(shell: str) -> str:
    """What `stockctl --show-completion` prints in this shell."""
    code = "import sys; sys.argv[0] = 'stockctl'; from stockctl.cli.main import main; main()"
    variables = os.environ | {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    command = [sys.executable, "-c", code, "--show-completion", shell]
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=True).stdout


class Terminal:
    """A program on a pseudo terminal."""

    def __init__(self, command: list[str], folder: Path) -> None:
        import pty  # POSIX only

        self._ours, theirs = pty.openpty()
        programs = folder / "bin"
        programs.mkdir()
        program = programs / "stockctl"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m stockctl "$@"\n')
        program.chmod(0o755)
        variables = os.environ | {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "STOCKCTL_HOME": str(folder),
            "TERM": "dumb",
            "HOME": str(folder),
            "LANG": "C.UTF-8",
        }
        self._process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder, env=variables, start_new_session=True
        )
        os.close(theirs)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._ours)

    def send(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def wait_for(self, pattern: str) -> str:
        """What matches in the output from now on."""
        output, deadline = "", time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            if select.select([self._ours], [], [], 0.2)[0]:
                output += os.read(self._ours, 65_536).decode(errors="replace")
            if found := re.search(pattern, output):
                return found[1] if found.groups() else found[0]
        raise AssertionError(f"{pattern} is not in {output!r}")

    def words_after(self, keys: str) -> list[str]:
        """Types the keys, puts a command before the line that prints its words, and runs that."""
        self.send(f"{keys}\x01printf '<%s>' \x05 'e''nd'\n")
        words: list[str] = re.findall(r"<(.*?)>", self.wait_for(r"((?:<[^\n]*>)<end>)"))
        return words[:-1]


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ("use ched\t2", ["use", "cheddar cheese=2"]),
        ("use bas\t2", ["use", "basil, thai=2"]),
        ("use o\t2", ["use", "o'brien potato=2"]),
        ("use ham=1 ched\t2", ["use", "ham=1", "cheddar cheese=2"]),
        ("stock ched\t", ["stock", "cheddar cheese"]),
        ("stock --stack tr\t eg\t", ["stock", "--stack", "trial", "egg"]),
        ("stock --kitchen lon\t", ["stock", "--kitchen", "london"]),
        ("logs PostTransactions\t", ["logs", "PostTransactions"]),
        ("deploy -p TimeZ\tUTC", ["deploy", "-p", "TimeZone=UTC"]),
        ("failures show 3f\t", ["failures", "show", "3f2a-77"]),
        ("thre\tham=5", ["threshold", "ham=5"]),
    ],
    ids=lambda value: value.replace("\t", "<TAB>") if isinstance(value, str) else None,
)
def test_tab_gives_the_program_whole_names(typed: Typed, keys: str, words: list[str]) -> None:
    assert typed(f"stockctl {keys}") == ["stockctl", *words]
