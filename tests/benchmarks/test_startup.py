"""How soon the program is there, help and TAB: beside a bare Typer program, and `aws --version` where that is there."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.benchmarks.report import Report

ROUNDS = 15
BARE = """
import typer
app = typer.Typer()
@app.command()
def main(name: str = "world") -> None:
    print(name)
app()
"""


def test_help_is_there_about_as_soon_as_a_bare_program_is(tmp_path: Path, report: Report) -> None:
    bare = tmp_path / "bare"
    bare.write_text(BARE)
    commands = {
        "`python -c pass`": [sys.executable, "-c", "pass"],
        "a bare Typer program, `--help`": [sys.executable, str(bare), "--help"],
        "`stockctl --version`": [sys.executable, "-m", "stockctl", "--version"],
        "`stockctl --help`": [sys.executable, "-m", "stockctl", "--help"],
        "a bare Typer program, TAB": [*_tab("bare", "bare --na"), sys.executable, str(bare)],
        "`stockctl`, TAB": [*_tab("stockctl", "stockctl wa"), sys.executable, "-m", "stockctl"],
        "`stockctl stock`, TAB": [*_tab("stockctl", "stockctl stock ha"), sys.executable, "-m", "stockctl"],
        "`import boto3`": [sys.executable, "-c", "import boto3; boto3.client"],
    }
    if aws := shutil.which("aws"):
        commands["`aws --version`"] = [aws, "--version"]
    taken = _taken(commands)
    bare_seconds = taken["a bare Typer program, `--help`"]
    rows = [[name, 1_000 * seconds, seconds / bare_seconds] for name, seconds in taken.items()]
    report.table("Start", ["", "ms", "ratio to a bare Typer program"], rows)
    assert taken["`stockctl --help`"] < 2 * bare_seconds
    assert taken["`stockctl`, TAB"] < 2 * taken["a bare Typer program, TAB"]
    assert taken["`stockctl stock`, TAB"] < 2 * taken["a bare Typer program, TAB"]


def _tab(program: str, line: str) -> list[str]:
    """What a shell sets before it asks a program for completions."""
    words = f"COMP_WORDS={line}", f"COMP_CWORD={line.count(' ')}", f"_{program.upper()}_COMPLETE=complete_bash"
    return ["env", *words]


def _taken(commands: dict[str, list[str]]) -> dict[str, float]:
    """Medians, in seconds; the commands take turns, so that a busy moment hits them all."""
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            began = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            seconds[name].append(time.perf_counter() - began)
    return {name: median(times) for name, times in seconds.items()}
