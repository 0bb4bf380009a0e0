"""The layout of a delivery: what separates its columns, and which column is which.

A header names the columns, in any order, by their names or synonyms. It decides the separator too, and may be below a
title, comments and blank lines. Without a header a file is read by position, but only if its first line is a row.
"""

from __future__ import annotations

import csv
import io
import itertools
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from stockctl.domain.rejection import Rejection, UnreadableFile

COLUMNS = ("ingredient", "quantity", "best_before")
SEPARATORS = (",", ";", "\t", "|")
LINES_BEFORE_HEADER = 10
"""Lines that are searched for a header."""

ABOUT_REJECTS = ("line", "reason")
"""Columns that `ingest --rejects` adds; they are ignored when the file is sent again."""

WANTED = "the columns wanted are ingredient, quantity and best_before"
_SYNONYMS = {
    "ingredient": "ingredient item product article name sku",
    "quantity": "quantity qty amount units count pieces",
    "best_before": "bestbefore bestbeforedate expiry expirydate expirationdate expires useby usebydate bbe bbd bestby",
}
_MEANING = {word: column for column, words in _SYNONYMS.items() for word in words.split()}
_SEPARATOR_LINE = re.compile(r'"?sep=([^\w"\s]|\t|)"?[,;|\t]*\s*', re.IGNORECASE)

Record = tuple[int, list[str] | Rejection]
"""The number of the line that a record begins on, and its fields."""


@dataclass(frozen=True)
class Layout:
    """How the lines of a delivery become rows.

    `positions` are those of COLUMNS among the fields, `width` is the number of columns, `begins` the number of the
    first line after the header, and `header` the fields of the header, empty where there is none. `ignored` names the
    columns that are not read.
    """

    separator: str
    positions: tuple[int, int, int] = (0, 1, 2)
    width: int = len(COLUMNS)
    begins: int = 1
    header: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    @property
    def decimal_comma(self) -> bool:
        """Whether a comma in a number can only be a decimal sign."""
        return self.separator != ","

    def written(self, fields: Sequence[str]) -> str:
        """One record as text, with its line end. The writer quotes line ends only where they are in its own."""
        line = io.StringIO()
        csv.writer(line, delimiter=self.separator, lineterminator="\r\n").writerow(fields)
        return line.getvalue().removesuffix("\r\n") + "\n"

    @property
    def separator_line(self) -> str:
        """What must stand at the top of a file for this separator to be understood."""
        return "" if self.separator in SEPARATORS else f"sep={self.separator}\n"


IsRow = Callable[[Layout, int, list[str]], Rejection | None]
"""Says of a record why it is no row in a layout; None where it is one."""


def laid_out(lines: Iterable[str], is_row: IsRow) -> tuple[Layout, Iterator[str]]:
    """The layout of a file, and its lines from `Layout.begins` on.

    Raises:
        UnreadableFile: the file is empty, or its columns cannot be identified.
    """
    lines = iter(lines)
    first, passed = list(itertools.islice(lines, LINES_BEFORE_HEADER)), 0
    if not any(map(_is_filled, first)):
        passed, line = next(filter(lambda each: _is_filled(each[1]), enumerate(lines, start=len(first))), (0, ""))
        first = [line]
    top = next((number for number, line in enumerate(first) if _is_filled(line)), 0)
    separators: Sequence[str] = SEPARATORS
    if found := _SEPARATOR_LINE.fullmatch(first[top]):
        separators, top = (found[1] or ",",), top + 1
    layout = _layout_of(first[top:], passed + top, separators, is_row)
    return layout, itertools.chain(first[layout.begins - 1 - passed :], lines)


def _is_filled(line: str) -> bool:
    return bool(line.strip(" \t\r\n,;|"))


def _layout_of(lines: list[str], passed: int, separators: Sequence[str], is_row: IsRow) -> Layout:
    faults: list[tuple[float, Rejection]] = []
    for separator in separators:  # a row first: what it says must not be passed over as a title
        layout = Layout(separator, begins=passed + 1)
        found = _why_no_row(layout, lines, passed, is_row)
        if found is None:
            return layout
        faults.append(found)
    if layout_of_header := _by_header(lines, passed, separators, is_row):
        return layout_of_header
    fields, why = max(faults, key=lambda found: found[0])
    raise UnreadableFile(why if fields == math.inf else _no_header(lines, passed, why))


def _why_no_row(layout: Layout, lines: list[str], passed: int, is_row: IsRow) -> tuple[float, Rejection] | None:
    """Why the first record is no row in a layout, and how much of an explanation that is; None where it is one.

    The more fields a separator makes, the more likely it is the file's. A quote that is never closed explains the most.
    """
    try:
        line, fields = next(records(lines, layout.separator, passed), (passed + 1, None))
    except UnreadableFile as error:
        return math.inf, error.rejection
    if fields is None:
        raise UnreadableFile(Rejection(line, "", "", "the file is empty"))
    if isinstance(fields, Rejection):
        return 0, fields
    fault = is_row(layout, line, fields)
    return (len(fields), fault) if fault else None


def _by_header(lines: list[str], passed: int, separators: Sequence[str], is_row: IsRow) -> Layout | None:
    """The layout of the first header that is whole under one of the separators."""
    layouts: list[Layout] = []
    broken: list[UnreadableFile] = []
    for separator in separators:
        try:
            layouts += filter(None, [_header_among(lines, passed, separator, is_row)])
        except UnreadableFile as error:
            broken.append(error)
    if broken and not layouts:
        raise broken[0]
    return min(layouts, key=lambda layout: layout.begins, default=None)


def _no_header(lines: list[str], passed: int, why: Rejection) -> Rejection:
    number, line = next((number, line) for number, line in enumerate(lines, start=passed + 1) if line.strip())
    detail = f", and as a row its {why.column} {why.message}" if why.column else ""
    return Rejection(number, "", line.strip(), "is neither a header nor a row", WANTED + detail)


def _header_among(lines: list[str], passed: int, separator: str, is_row: IsRow) -> Layout | None:
    """The layout that the first header among these lines makes with a separator.

    Raises:
        UnreadableFile: a line is a header, but lacks or repeats a column.
    """
    by_position = Layout(separator)
    incomplete = None
    for line, fields in _complete_records(lines, separator, passed):
        meanings = meanings_of(fields)
        missing = [column for column in COLUMNS if column not in meanings]
        if not missing:
            ends = line + separator.join(fields).count("\n")
            return _with_header(separator, fields, meanings, line, ends)
        if incomplete is None and len(missing) == 1:
            incomplete = Rejection(
                line, missing[0], separator.join(fields), f"the header lacks the column {missing[0]}", WANTED
            )
        if is_row(by_position, line, fields) is None:
            break
    if incomplete:
        raise UnreadableFile(incomplete)
    return None


def _complete_records(lines: list[str], separator: str, passed: int) -> Iterator[tuple[int, list[str]]]:
    """The records among the first lines of a file, after which one may be cut off."""
    with suppress(UnreadableFile):
        for line, fields in records(lines, separator, passed):
            if not isinstance(fields, Rejection):
                yield line, fields


def _with_header(separator: str, fields: list[str], meanings: dict[str, list[int]], line: int, ends: int) -> Layout:
    for column, positions in meanings.items():
        if len(positions) > 1:
            words = " and ".join(fields[position].strip() for position in positions)
            reason = f"the header repeats the column {column}"
            advice = f"it has {words}; rename all but one"
            raise UnreadableFile(Rejection(line, column, separator.join(fields), reason, advice))
    used = [meanings[column][0] for column in COLUMNS]
    names = [field.strip() for field in fields]
    width = max(position for position, name in enumerate(names) if name) + 1
    ignored = (name for position, name in enumerate(names) if name and position not in used)
    return Layout(
        separator,
        positions=(used[0], used[1], used[2]),
        width=width,
        begins=ends + 1,
        header=tuple(fields),
        ignored=tuple(name for name in ignored if name not in ABOUT_REJECTS),
    )


def meanings_of(fields: list[str]) -> dict[str, list[int]]:
    """The positions of each column. Its own name has precedence over synonyms."""
    words = [re.sub(r"[\s_-]+", "", field).casefold() for field in fields]
    found: dict[str, list[int]] = {}
    for position, word in enumerate(words):
        if column := _MEANING.get(word):
            found.setdefault(column, []).append(position)
    for column, positions in found.items():
        own = [position for position in positions if words[position] == column.replace("_", "")]
        found[column] = own or positions
    return found


def records(lines: Iterable[str], separator: str, passed: int = 0) -> Iterator[Record]:
    """Each record with the number of the line it begins on, `passed` lines having gone before; blank ones are left out.

    A record that is not CSV comes as a rejection.

    Raises:
        UnreadableFile: a quote that is opened is never closed.
    """
    reader = csv.reader(lines, delimiter=separator, strict=True)
    while True:
        begins = passed + reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "end of data" in str(error) or "field larger" in str(error):
                # It has swallowed all that follows, so what was meant is not known.
                reason = "the file is not CSV: a quote that is opened here is never closed"
                raise UnreadableFile(Rejection(begins, "", "", reason, "close it, or double it")) from error
            yield begins, Rejection(begins, "", "", "is not CSV: text follows a closing quote", "double the quote")
        else:
            if any(field.strip() for field in fields):
                yield begins, fields
