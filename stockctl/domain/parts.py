"""Parts of a large delivery. Each part is a delivery of its own; they are recorded in parallel.

Rows are sorted by ingredient first, so that those of one ingredient share transactions: they are in one part, or in two
where a part ends. The parts follow from the bytes of the file alone: the same file makes the same parts, so sending it
again changes nothing.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from stockctl.domain.best_before import DateReading
from stockctl.domain.csv_layout import COLUMNS
from stockctl.domain.delivery import DeliveryFile
from stockctl.domain.stock import ingredient_named

ROWS_PER_PART = 5_000


@dataclass(frozen=True)
class Part:
    """A delivery: its key, its content, and the line in the original file for each of its lines."""

    key: str
    content: bytes
    lines: Mapping[int, int] = field(default_factory=dict)

    def line_in_file(self, line: int) -> int:
        """The line in the original file of a line in this part."""
        return self.lines.get(line, line)


def parts_of(key: str, content: bytes, reading: DateReading, most: int = ROWS_PER_PART) -> list[Part]:
    """Splits a file into parts of about `most` rows; a smaller file is one part, unchanged.

    Records that are not CSV are in no part.

    Raises:
        UnreadableFile: the file cannot be read to its end.
    """
    file = DeliveryFile(io.BytesIO(content), reading, 0)
    rows = list(file.records())
    if len(rows) <= most:
        return [Part(key, content)]
    rows.sort(key=lambda row: _ingredient(row[1], file.layout.positions[0]))
    chunks = [rows[start : start + most] for start in range(0, len(rows), most)]
    names = _names(key, len(chunks))
    return [_part(name, file, chunk) for name, chunk in zip(names, chunks, strict=True)]


def _ingredient(fields: list[str], column: int) -> str:
    try:
        return ingredient_named(fields[column])
    except (ValueError, IndexError):
        return ""


def _names(key: str, count: int) -> Iterator[str]:
    stem, _, suffix = key.rpartition(".")
    digits = len(str(count))
    return (f"{stem}.part-{number:0{digits}}-of-{count}.{suffix}" for number in range(1, count + 1))


def _part(name: str, file: DeliveryFile, rows: list[tuple[int, list[str]]]) -> Part:
    layout = file.layout
    # Without a header the first row must show how to read the rest. Where it cannot, a header does.
    header = layout.header or (() if file.is_row(rows[0]) else COLUMNS)
    titles = layout.separator_line + (layout.written(header) if header else "")
    next_line = 1 + titles.count("\n")
    text, lines = [titles], {}
    for line, fields in rows:
        lines[next_line] = line
        text.append(layout.written(fields))
        next_line += 1 + sum(_line_breaks(field) for field in fields)
    return Part(name, "".join(text).encode(), lines)


def _line_breaks(field: str) -> int:
    return field.count("\n") + field.count("\r") - field.count("\r\n")
