"""Deliveries: reading a supplier's CSV, row by row, without ever losing a good row to a bad one.

README.md, "Deliveries", describes the format. Reading is lazy: rows come out as the file goes in, so that memory does
not grow with the file.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from typing import IO
from zoneinfo import ZoneInfo

from stockctl.domain.instants import expiry_of
from stockctl.domain.stock import MAX_QUANTITY, ingredient_named

COLUMNS = ("ingredient", "quantity", "best_before")
_DIGITS = re.compile(r"[0-9]{1,30}")


@dataclass(frozen=True)
class Row:
    """One good row: units of an ingredient with a best-before, and when that is (s since the epoch)."""

    line: int
    ingredient: str
    quantity: int
    best_before: str
    expires_at: int


@dataclass(frozen=True)
class Rejection:
    """One bad row: where it is, which column, what stood there, and why it cannot be recorded."""

    line: int
    column: str
    value: str
    reason: str


class UnreadableFile(Exception):
    """The file as a whole cannot be read, so nothing of it is recorded."""

    def __init__(self, rejection: Rejection) -> None:
        super().__init__(rejection.reason)
        self.rejection = rejection


def text_lines(content: IO[bytes]) -> Iterator[str]:
    """The lines of UTF-8 content, line endings kept, a byte order mark dropped.

    Raises:
        UnreadableFile: it is not UTF-8.
    """
    line = 1
    try:
        for text in io.TextIOWrapper(content, encoding="utf-8-sig", newline=""):
            yield text
            line += 1
    except UnicodeDecodeError as error:
        raise UnreadableFile(Rejection(line, "", "", "the file is not UTF-8 text")) from error


def read_rows(lines: Iterable[str], zone: ZoneInfo, now: int) -> Iterator[Row | Rejection]:
    """The rows of a delivery, good and bad, in the order of the file; blank lines are passed over.

    Raises:
        UnreadableFile: the file is empty, is not CSV, or its header lacks a column.
    """
    header: tuple[str, ...] | None = None
    is_empty = True
    for line, fields in records_of(lines):
        if isinstance(fields, Rejection):
            yield fields
        elif is_empty and (header := header_of(fields, line)):
            pass
        else:
            yield _row(line, fields, header or COLUMNS, zone, now)
        is_empty = False
    if is_empty:
        raise UnreadableFile(Rejection(1, "", "", "the file is empty"))


def records_of(lines: Iterable[str]) -> Iterator[tuple[int, list[str] | Rejection]]:
    """Each record with the number of the line it begins on; a record that is not CSV as a rejection."""
    reader = csv.reader(lines, strict=True)
    while True:
        begins = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "end of data" in str(error):  # it has swallowed all that follows, so nobody can tell what was meant
                reason = "the file is not CSV: a quote that is opened here is never closed"
                raise UnreadableFile(Rejection(begins, "", "", reason)) from error
            yield begins, Rejection(begins, "", "", f"is not CSV: {error}")
        else:
            if any(field.strip() for field in fields):
                yield begins, fields


def header_of(fields: list[str], line: int) -> tuple[str, ...] | None:
    """The column names, where the first record is a header: it names at least one of the columns."""
    names = tuple(field.strip().casefold() for field in fields)
    if not set(names) & set(COLUMNS):
        return None
    for column in COLUMNS:
        if names.count(column) != 1:
            fault = "lacks" if column not in names else "repeats"
            raise UnreadableFile(Rejection(line, column, ",".join(fields), f"the header {fault} the column {column}"))
    return names


def records_at(content: IO[bytes], lines: Container[int]) -> Iterator[list[str]]:
    """The records that begin on these lines, as they stand there, in the order of COLUMNS; for people to mend.

    Of a file that cannot be read to its end, those before the fault.
    """
    order: tuple[str, ...] = COLUMNS
    try:
        for position, (line, fields) in enumerate(records_of(text_lines(content))):
            if isinstance(fields, Rejection):
                continue
            if position == 0 and (header := header_of(fields, line)):
                order = header
            elif line in lines:
                values = dict(zip(order, fields, strict=False))
                yield [values.get(column, "") for column in COLUMNS]
    except UnreadableFile:
        return


def _row(line: int, fields: list[str], header: tuple[str, ...], zone: ZoneInfo, now: int) -> Row | Rejection:
    if len(fields) > len(header):
        extra = ",".join(fields[len(header) :])
        return Rejection(line, "", extra, f"has {len(fields)} fields where {len(header)} are expected")
    values = {name: value.strip() for name, value in zip(header, fields, strict=False)}
    for column in COLUMNS:
        if not values.get(column):
            return Rejection(line, column, "", "is missing")
    column = ""
    try:
        column = "ingredient"
        ingredient = ingredient_named(values[column])
        column = "quantity"
        quantity = quantity_of(values[column])
        column = "best_before"
        expires_at = expiry_of(values[column], zone)
        if expires_at <= now:
            raise ValueError("has passed: this stock has expired")
    except ValueError as error:
        return Rejection(line, column, values[column], str(error))
    return Row(line, ingredient, quantity, values["best_before"], expires_at)


def quantity_of(text: str) -> int:
    """The units a person wrote: a whole number from 1 to 1,000,000,000, digits only.

    Raises:
        ValueError: it is not that.
    """
    if not _DIGITS.fullmatch(text) or not 1 <= int(text) <= MAX_QUANTITY:
        raise ValueError(f"is not a whole number from 1 to {MAX_QUANTITY:,}")
    return int(text)


def added_up(rows: Iterable[Row]) -> list[Row]:
    """Rows with the same ingredient and best-before become one, at the line of the first, with their units added up."""
    merged: dict[tuple[str, str], Row] = {}
    for row in rows:
        key = (row.ingredient, row.best_before)
        before = merged.get(key)
        merged[key] = (
            Row(before.line, row.ingredient, before.quantity + row.quantity, row.best_before, row.expires_at)
            if before
            else row
        )
    return list(merged.values())


def delivery_key(file_name: str, content_digest: str) -> str:
    """The S3 key that a file is dropped under: its name and its content, so that the same file is the same delivery."""
    stem, _, suffix = csv_named(file_name).rpartition(".")
    return f"{stem}-{content_digest[:12]}.{suffix}"


def csv_named(name: str) -> str:
    """The name with a suffix that the drop bucket tells of: `.csv` or `.CSV`; S3 knows no other way to fold cases."""
    stem, dot, suffix = name.rpartition(".")
    if not dot or suffix.casefold() != "csv":
        return f"{name}.csv"
    return name if suffix in {"csv", "CSV"} else f"{stem}.csv"
