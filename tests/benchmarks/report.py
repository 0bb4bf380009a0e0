"""The tables of one run, as Markdown."""

from __future__ import annotations

import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

RESULTS = Path(__file__).parent / "README.md"
MARKS = ("<!-- results -->\n", "<!-- end of results -->")


@dataclass
class Report:
    """Tables in the order they were measured; each takes the place of the one of the same title in the file."""

    tables: dict[str, str] = field(default_factory=dict)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Adds a table and prints it."""
        lines = [columns, ["---"] + ["--:"] * (len(columns) - 1), *([_written(value) for value in row] for row in rows)]
        text = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        self.tables[title] = text
        print(f"\n### {title}\n\n{text}")  # noqa: T201 - the point of a benchmark

    def write(self, path: Path = RESULTS) -> None:
        """Puts what was measured between the marks of the document; tables that were not measured now stay."""
        before, _, rest = path.read_text(encoding="utf-8").partition(MARKS[0])
        earlier, _, after = rest.partition(MARKS[1])
        today = time.strftime("%Y-%m-%d", time.gmtime())
        about = f"measured {today}, Python {platform.python_version()}"
        fresh = {title: f"{text}\n\n<sub>{about}</sub>" for title, text in self.tables.items()}
        parts = [f"### {title}\n\n{text}\n" for title, text in sorted((_tables_in(earlier) | fresh).items())]
        path.write_text("\n".join([f"{before}{MARKS[0]}", *parts, f"{MARKS[1]}{after}"]), encoding="utf-8")


def _tables_in(text: str) -> dict[str, str]:
    parts = text.split("### ")[1:]
    return {part.partition("\n")[0]: part.partition("\n")[2].strip() for part in parts}


def _written(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
