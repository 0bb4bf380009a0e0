"""Deliveries: reading a supplier's file, row by row, without ever losing a good row to a bad one.

Reading is lazy: rows come out as the file goes in, so that memory does not grow with the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import IO, NamedTuple

from stockctl.domain.best_before import FAR_AHEAD, DateReading
from stockctl.domain.csv_layout import COLUMNS, Layout, laid_out, records
from stockctl.domain.decoding import decoded_lines
from stockctl.domain.instants import NEVER
from stockctl.domain.quantities import quantity_of, thousands_in
from stockctl.domain.reasons import Reasons
from stockctl.domain.rejection import Rejection, UnreadableFile, Unusable
from stockctl.domain.stock import ingredient_named

HAS_EXPIRED = "has passed: this stock has expired"
_REMEMBERED = 10_000
"""Names and dates that are kept once they were read: a file repeats them."""


class Row(NamedTuple):
    """One good row: units of an ingredient with a best-before, and when that is (s since the epoch)."""

    line: int
    ingredient: str
    quantity: int
    best_before: str
    expires_at: int


class DeliveryFile:
    """The rows of one file, to be read once. `now` (s since the epoch) is when they are judged.

    `warnings` fills as rows are read: what is recorded all the same, but looks like a slip.

    Raises:
        UnreadableFile: the file is not text, is empty, or its columns cannot be identified.
    """

    def __init__(self, content: IO[bytes], reading: DateReading, now: float) -> None:
        self._now = int(now)
        self._best_before = lru_cache(_REMEMBERED)(reading.best_before)
        self._ingredient = lru_cache(_REMEMBERED)(ingredient_named)
        self.warnings = Reasons()
        self.layout, self._lines = laid_out(decoded_lines(content), self._why_no_row)

    def rows(self) -> Iterator[Row | Rejection]:
        """The rows, good and bad, in the order of the file; blank lines are passed over.

        Raises:
            UnreadableFile: the file has no rows, or cannot be read to its end.
        """
        return self._rows_in(self._lines)

    def rows_with_text(self) -> Iterator[tuple[Row | Rejection, str]]:
        """The same, each with the text it was read from as it stands in the file, without its line end."""
        text: list[str] = []
        begins = self.layout.begins

        def read() -> Iterator[str]:
            for line in self._lines:
                text.append(line)
                yield line

        for row in self._rows_in(read()):
            yield row, "".join(text[row.line - begins :]).rstrip("\r\n")
            begins += len(text)
            text.clear()

    def records(self) -> Iterator[tuple[int, list[str]]]:
        """The fields of each row, good or bad, with the number of its line; records that are not CSV are left out.

        Raises:
            UnreadableFile: the file cannot be read to its end.
        """
        for line, fields in records(self._lines, self.layout.separator, self.layout.begins - 1):
            if not isinstance(fields, Rejection):
                yield line, fields

    def is_row(self, record: tuple[int, list[str]]) -> bool:
        """Whether a record alone shows that it is a row."""
        return self._why_no_row(self.layout, *record) is None

    def _rows_in(self, lines: Iterable[str]) -> Iterator[Row | Rejection]:
        layout, is_empty = self.layout, True
        far, row = self._now + FAR_AHEAD, self._row
        for line, fields in records(lines, layout.separator, layout.begins - 1):
            is_empty = False
            found = fields if isinstance(fields, Rejection) else row(layout, line, fields)
            if isinstance(found, Row) and far < found.expires_at != NEVER:
                self.warnings.add(Rejection(line, "best_before", found.best_before, "is more than 20 years ahead"))
            yield found
        if is_empty:
            raise UnreadableFile(Rejection(layout.begins, "", "", "the file has a header and no rows"))

    def _row(self, layout: Layout, line: int, fields: list[str]) -> Row | Rejection:
        if len(fields) > layout.width and any(map(str.strip, fields[layout.width :])):
            return _too_many(layout, line, fields)
        if len(fields) < layout.width:
            fields = fields + [""] * (layout.width - len(fields))
        at_ingredient, at_quantity, at_best_before = layout.positions
        column, value = COLUMNS[0], fields[at_ingredient]
        try:
            ingredient = self._ingredient(value)
            column, value = COLUMNS[1], fields[at_quantity].strip()
            if not value:
                raise Unusable("is missing")
            quantity = quantity_of(value, decimal_comma=layout.decimal_comma)
            column, value = COLUMNS[2], fields[at_best_before].strip()
            best_before, expires_at = self._best_before(value)
            if expires_at <= self._now:
                raise Unusable(HAS_EXPIRED)
        except ValueError as fault:
            advice = fault.advice if isinstance(fault, Unusable) else ""
            return Rejection(line, column, value.strip(), str(fault), advice)
        return Row(line, ingredient, quantity, best_before, expires_at)

    def _why_no_row(self, layout: Layout, line: int, fields: list[str]) -> Rejection | None:
        row = self._row(layout, line, fields)
        return row if isinstance(row, Rejection) and row.reason != HAS_EXPIRED else None


def _too_many(layout: Layout, line: int, fields: list[str]) -> Rejection:
    at_quantity = layout.positions[1]
    number = thousands_in(*fields[at_quantity : at_quantity + 2])
    advice = f"write {number}" if number else f"put quotes around a value with {layout.separator!r} in it"
    value = layout.separator.join(fields)
    return Rejection(line, "", value, f"has {len(fields)} fields where {layout.width} are expected", advice)


def added_up(rows: Iterable[Row]) -> list[Row]:
    """Rows with the same ingredient and best-before become one, at the line of the first, with their units added up."""
    merged: dict[tuple[str, str], Row] = {}
    for row in rows:
        key = (row.ingredient, row.best_before)
        before = merged.get(key)
        merged[key] = before._replace(quantity=before.quantity + row.quantity) if before else row
    return list(merged.values())


def delivery_key(file_name: str, content_digest: str) -> str:
    """The S3 key that a file is dropped under: its name and its content, so that the same file is the same delivery."""
    stem, _, suffix = csv_named(file_name).rpartition(".")
    return f"{stem}{digest_in_key(content_digest)}.{suffix}"


def digest_in_key(content_digest: str) -> str:
    """What the key of a file has of the digest of its content."""
    return f"-{content_digest[:12]}"


def csv_named(name: str) -> str:
    """The name with the suffix `.csv` or `.CSV`, as the keys of deliveries from the command line end."""
    stem, dot, suffix = name.rpartition(".")
    if not dot or suffix.casefold() != "csv":
        return f"{name}.csv"
    return name if suffix in {"csv", "CSV"} else f"{stem}.csv"


_PART = re.compile(r"\.part-\d+-of-(?P<parts>\d+)(?=\.[cC][sS][vV]$)")


def whole_delivery(delivery: str) -> str:
    """The key of the delivery that this one is a part of, or its own key."""
    return _PART.sub("", delivery)


def belongs_to(key: str, delivery: str) -> bool:
    """Whether a key is that of this delivery or of one of its parts."""
    return delivery in {key, whole_delivery(key)}


_OF_ONE_FILE = re.compile(r"(?P<name>.*?)(?P<digest>-[0-9a-f]{12})?(?:\.part-\d+-of-\d+)?\.[cC][sS][vV]", re.DOTALL)


def file_of(delivery: str) -> tuple[str, str]:
    """The name of the file that a delivery was made from, without its suffix, and what tells its content from others'.

    Deliveries of one file that was sent in parts have both in common; of a file that was corrected, the name alone.
    """
    found = _OF_ONE_FILE.fullmatch(delivery)
    return (found["name"], found["digest"] or "") if found else (delivery, "")


def is_delivery(delivery: str, name: str) -> bool:
    """Whether a name means this delivery: its key, the key of the whole that it is a part of, or its file's name."""
    (stem, digest), (wanted, wanted_digest) = file_of(delivery), file_of(csv_named(name))
    return name == delivery or (stem == wanted and wanted_digest in {digest, ""})
