"""Takes the sample, and prints the rate of edits that were noticed."""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from math import sqrt
from pathlib import Path

from tests.sampling import judge
from tests.sampling.covering import Covering
from tests.sampling.mutants import count_of_edits, edit_of

ROOT = Path(__file__).parents[2]
ROOMS = ("domain", "operations", "functions", "local", "client")
COPIED = ("stockctl", "tests", "infra", "README.md", ".docs", "pyproject.toml")
INSIDE = "STOCKCTL_SAMPLING"
"""Set in the process that runs in the copy."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutants", type=int, default=300, help="size of the sample")
    parser.add_argument("--controls", type=int, default=10, help="runs without an edit, which must not fail")
    parser.add_argument("--seed", type=int, default=12)
    parser.add_argument("--results", type=Path, default=Path("mutants.jsonl"), help="a line for each edit; continued")
    options = parser.parse_args()
    if INSIDE in os.environ:
        take(options.mutants, options.controls, options.seed, options.results)
    else:
        _in_a_copy(options.results.absolute())


def _in_a_copy(results: Path) -> None:
    """Runs this program again in a copy of the project, whose code it edits."""
    with tempfile.TemporaryDirectory() as folder:
        for name in COPIED:
            source, target = ROOT / name, Path(folder, name)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)
        settings = {INSIDE: "1", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": folder}
        command = [sys.executable, "-m", "tests.sampling", *sys.argv[1:], "--results", str(results)]
        subprocess.run(command, cwd=folder, env=os.environ | settings, check=True)


def take(mutants: int, controls: int, seed: int, results: Path) -> None:
    """Judges a sample, and prints the summary. What the file of results has already is not judged again."""
    found = [(path, number) for path in _files() for number in range(count_of_edits(_source(path)))]
    chosen = random.Random(seed).sample(found, mutants)  # noqa: S311 - a sample, not a secret
    sample = [edit_of(path, _source(path), number) for path, number in chosen]
    known = {line["edit"] for line in _lines(results)}
    covering = _covering(results.with_suffix(".covering.json"))
    judge.load()
    for edit in sample[:controls]:
        if (name := f"control {edit}") not in known:
            _note(results, name, _judged(edit.path, edit.line, _source(edit.path), covering))
    for edit in sample:
        if str(edit) not in known:
            _note(results, str(edit), _judged(edit.path, edit.line, edit.source, covering))
    sys.stdout.write(summary(_lines(results), [str(edit) for edit in sample], len(found)) + "\n")


def _files() -> list[str]:
    return [f"{room}/{path.name}" for room in ROOMS for path in sorted(Path("stockctl", room).glob("*.py"))]


def _source(path: str) -> str:
    return Path("stockctl", path).read_text(encoding="utf-8")


def _covering(saved: Path) -> Covering:
    """Measured in a process of its own, so that this one has imported nothing of the project's."""
    if not saved.exists():
        code = (
            "import json, sys, dataclasses; from tests.sampling.covering import measured\n"
            "json.dump(dataclasses.asdict(measured()), open(sys.argv[1], 'w'))"
        )
        subprocess.run([sys.executable, "-c", code, str(saved)], check=True)
    document = json.loads(saved.read_text())
    by_file = {path: {int(line): tests for line, tests in lines.items()} for path, lines in document["tests"].items()}
    return Covering(document["seconds"], by_file)


def _judged(path: str, line: int, source: str, covering: Covering) -> str:
    tests = judge.chosen(path, covering.of(path, line))
    if not tests:
        return "no test"
    file = Path("stockctl", path)
    original = _source(path)
    file.write_text(source, encoding="utf-8")
    try:
        return judge.verdict(Path.cwd(), tests, sum(covering.seconds[test] for test in tests))
    finally:
        file.write_text(original, encoding="utf-8")


def _note(results: Path, edit: str, verdict: str) -> None:
    with results.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"edit": edit, "verdict": verdict}) + "\n")


def _lines(results: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []


def summary(lines: list[dict[str, str]], sample: list[str], population: int) -> str:
    """The rate with Wilson's 95 % interval, and what was not noticed."""
    verdicts = {line["edit"]: line["verdict"] for line in lines}
    judged = {edit: verdicts[edit] for edit in sample if edit in verdicts}
    counts = Counter(judged.values())
    noticed, total = counts["noticed"] + counts["hung"], len(judged)
    low, high = wilson(noticed, total)
    false = sum(verdict != "survived" for edit, verdict in verdicts.items() if edit.startswith("control "))
    controls = sum(edit.startswith("control ") for edit in verdicts)
    left = sorted(f"{verdict}: {edit}" for edit, verdict in judged.items() if verdict in {"survived", "no test"})
    head = f"{noticed} of {total} noticed ({noticed / total:.1%}, 95 % interval {low:.1%} to {high:.1%}); "
    return "\n".join([head + f"{population} edits in all; {false} of {controls} controls failed", *left])


def wilson(successes: int, total: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's score interval of a proportion."""
    rate, spread = successes / total, z * z / total
    middle = (rate + spread / 2) / (1 + spread)
    width = z * sqrt(rate * (1 - rate) / total + spread / total / 4) / (1 + spread)
    return middle - width, middle + width


if __name__ == "__main__":
    main()
