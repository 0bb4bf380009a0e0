"""Results in every format from one description: a table for people; TSV, CSV and JSON for programs.

A `Field` describes one field of a record: its name for programs, its value, and how people see it. A `Listing` is
fields and records; `Output.show` prints it in the format asked for. Records that arrive one by one go through
`Output.stream`.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias, TypeVar

from stockctl.terminal.control_characters import printable
from stockctl.terminal.glyphs import glyphs_for
from stockctl.terminal.layout import TableColumn, draw

if TYPE_CHECKING:
    from rich.text import Text

    from stockctl.terminal.environment import Environment

T = TypeVar("T")
Outer = TypeVar("Outer")
JsonValue: TypeAlias = "str | int | float | bool | Sequence[JsonValue] | Mapping[str, JsonValue] | None"

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")  # noqa: RUF001 - full-width signs start one too
"""What a cell begins with that a spreadsheet runs as a formula (OWASP, CSV injection)."""


class OutputFormat(StrEnum):
    """What `--output` takes."""

    TABLE = "table"
    JSON = "json"
    TSV = "tsv"
    CSV = "csv"


@dataclass(frozen=True)
class Field(Generic[T]):
    """One field of a record: its name and value for programs, and how people see it.

    `heading` is the table's heading (default: the name with spaces). A table has the value as `format` makes it
    (default: figures in groups of three, yes or no), and `-` for none; or else what `shown` makes of the record.
    Figures are aligned right unless `justify` differs. A dot in the name nests the field in JSON: `state.bytes` is
    `bytes` of the object `state`.

    Where the terminal is narrow, a column folds (names, ids, sentences) unless it is aligned right or `folds` is False.
    One that `yields` is left out where folding does not make enough room: 1 goes first, then 2; 0 never goes.
    `in_tsv` covers CSV too.
    """

    name: str
    value: Callable[[T], JsonValue]
    heading: str | None = None
    shown: Callable[[T], str] | None = None
    format: Callable[[Any], str] | None = None
    justify: Literal["left", "right"] | None = None
    style: str | None = None
    folds: bool = True
    yields: int = 0
    in_table: bool = True
    in_tsv: bool = True
    in_json: bool = True

    def text(self, record: T) -> str:
        """What people see."""
        if self.shown is not None:
            return self.shown(record)
        value = self.value(record)
        return text_of(value) if self.format is None or value is None or value == "" else self.format(value)

    def of(self, part: Callable[[Outer], T]) -> Field[Outer]:
        """The same field of a record that has the former record as a part."""
        value, shown = self.value, self.shown
        changed = {
            "value": lambda outer: value(part(outer)),
            "shown": None if shown is None else lambda outer: shown(part(outer)),
        }
        return Field[Outer](**{**vars(self), **changed})

    def column(self, records: Sequence[T | None]) -> TableColumn:
        """The column of a table; a record that is None has an empty cell."""
        values = [self.value(record) for record in records if record is not None]
        figures = any(_is_figure(value) for value in values)
        justify = self.justify or ("right" if figures and all(_is_figure(v) or v is None for v in values) else "left")
        heading = self.name.replace("_", " ") if self.heading is None else self.heading
        cells = ["" if record is None else printable(self.text(record)) for record in records]
        is_whole = justify == "right" or not self.folds
        repeats = not (self.in_tsv or self.in_json)
        return TableColumn(heading, cells, justify, self.style, is_whole, self.yields, repeats)


@dataclass(frozen=True)
class Nested(Generic[T]):
    """A list inside each record: a list of objects in JSON; a row each, beside the record's own fields, elsewhere.

    `records` are the inner records of an outer one. With `is_mapping`, JSON has an object from the first field to the
    second instead of a list.
    """

    name: str
    records: Callable[[T], Sequence[Any]]
    fields: Sequence[Field[Any]]
    is_mapping: bool = False

    def json(self, record: T) -> JsonValue:
        """The list as JSON."""
        inner = self.records(record)
        if self.is_mapping:
            name, value = self.fields
            return {str(name.value(each)): value.value(each) for each in inner}
        return [object_of(self.fields, each) for each in inner]


@dataclass(frozen=True)
class Listing(Generic[T]):
    """Records and their fields, to be shown in any format.

    JSON is a list of objects, or with `is_document` the object of the one record. `style` is the rich style of a
    record's rows; `for_people` selects the records a table shows (default: all). `total` is below the table,
    in one line or more. `empty` is printed on stderr where there is nothing to show. By default `nested` is empty.
    """

    fields: Sequence[Field[T]]
    records: Sequence[T]
    nested: Nested[T] = Nested("", lambda _: (), ())
    style: Callable[[T], str] | None = None
    for_people: Callable[[T], bool] | None = None
    total: str = ""
    empty: str = ""
    is_document: bool = False

    @property
    def shown_records(self) -> list[T]:
        """The records that people see."""
        return [record for record in self.records if self.for_people is None or self.for_people(record)]

    def document(self) -> JsonValue:
        """The listing as JSON."""
        objects = [self._object(record) for record in self.records]
        return objects[0] if self.is_document else objects

    def _object(self, record: T) -> dict[str, JsonValue]:
        own = object_of(self.fields, record)
        return {**own, self.nested.name: self.nested.json(record)} if self.nested.name else own

    def names(self) -> list[str]:
        """The header of TSV and CSV."""
        return [field.name for field in [*self.fields, *self.nested.fields] if field.in_tsv]

    def values(self) -> Iterator[list[JsonValue]]:
        """The rows of TSV and CSV; a record with a nested list has one row for each of its entries, at least one."""
        inner = [field for field in self.nested.fields if field.in_tsv]
        for record in self.records:
            own = [field.value(record) for field in self.fields if field.in_tsv]
            for each in self.nested.records(record) or [None]:
                yield own + [None if each is None else field.value(each) for field in inner]

    def columns(self) -> tuple[list[TableColumn], list[str]]:
        """The columns of the table, and the style of each of its rows."""
        outer: list[T | None] = []
        inner: list[Any] = []
        styles: list[str] = []
        for record in self.shown_records:
            entries = self.nested.records(record) or [None]
            outer += [record, *[None] * (len(entries) - 1)]
            inner += entries
            styles += [self.style(record) if self.style else ""] * len(entries)
        columns = [field.column(outer) for field in self.fields if field.in_table]
        columns += [field.column(inner) for field in self.nested.fields if field.in_table]
        return columns, styles


class Output:
    """Prints results in the format asked for, or in the one that fits the stream."""

    def __init__(self, environment: Environment, asked: OutputFormat | None = None) -> None:
        self.environment = environment
        self.format = asked or (OutputFormat.TABLE if environment.stdout_is_terminal else OutputFormat.TSV)

    def show(self, listing: Listing[Any]) -> None:
        """Prints a listing."""
        if self.format is OutputFormat.JSON:
            self.json(listing.document())
        elif self.format is OutputFormat.TABLE:
            self._draw(*listing.columns(), listing.total)
        else:
            self.row(listing.names())
            for values in listing.values():
                self.row(values)
        if listing.empty and not listing.shown_records:
            self.environment.note(listing.empty)

    def stream(
        self, fields: Sequence[Field[T]], line: Callable[[T], str | Text], header: Callable[[], str] | None = None
    ) -> Stream[T]:
        """Prints records one by one, each at once; `line` is what people see of one, below a `header` if there is one.

        The header is asked for when the first record is printed.
        """
        return Stream(self, fields, line, header)

    def json(self, document: object) -> None:
        """Prints one JSON document."""
        self.environment.print(self._dumped(document, indent=2))

    def json_line(self, document: object) -> None:
        """Prints one JSON document on one line, at once: for streams of them."""
        self.environment.print(self._dumped(document))

    def row(self, values: Sequence[JsonValue]) -> None:
        """Prints one row of TSV or CSV, at once."""
        line = _csv_line(values) if self.format is OutputFormat.CSV else "\t".join(map(_tsv_cell, values))
        if self.environment.stdout_is_terminal:
            line = "\t".join(map(printable, line.split("\t")))
        self.environment.print(line)

    def _dumped(self, document: object, indent: int | None = None) -> str:
        """JSON with letters as they are where the stream has them; control characters are always escaped."""
        encoding = (self.environment.stdout.encoding or "utf-8").lower()
        text = json.dumps(document, ensure_ascii=not encoding.startswith("utf"), indent=indent)
        return "\n".join(line if line.isprintable() else _escaped(line) for line in text.split("\n"))

    def _draw(self, columns: Sequence[TableColumn], styles: Sequence[str], total: str) -> None:
        if not styles:  # the notice of an empty result says more than headings alone
            return
        stream = self.environment.stdout
        is_plain = glyphs_for(stream.encoding or "utf-8", self.environment.variables).plain
        console = self.environment.console()
        left_out = draw(console, columns, styles, is_plain=is_plain)
        lines = [*map(printable, total.split("\n"))] if total else []
        if left_out:
            lines.append(f"Not shown, for lack of room: {', '.join(left_out)}.")
        for line in lines:
            console.print(f" {line}", soft_wrap=not self.environment.stdout_is_terminal)


@dataclass
class Stream(Generic[T]):
    """Records printed as they come: JSON lines, TSV or CSV below a header line, or a line each for people."""

    _output: Output
    _fields: Sequence[Field[T]]
    _line: Callable[[T], str | Text]
    _header: Callable[[], str] | None

    def __post_init__(self) -> None:
        if self._output.format in {OutputFormat.TSV, OutputFormat.CSV}:
            self._output.row([field.name for field in self._fields if field.in_tsv])

    def print(self, record: T) -> None:
        """Prints one record."""
        if self._output.format is OutputFormat.JSON:
            self._output.json_line(object_of(self._fields, record))
        elif self._output.format is OutputFormat.TABLE:
            if self._header:
                self._print_line(self._header())
                self._header = None
            self._print_line(self._line(record))
        else:
            self._output.row([field.value(record) for field in self._fields if field.in_tsv])

    def _print_line(self, line: str | Text) -> None:
        environment = self._output.environment
        if isinstance(line, str):
            environment.print(printable(line))
        else:
            environment.console().print(line, soft_wrap=True)


def object_of(fields: Sequence[Field[T]], record: T) -> dict[str, JsonValue]:
    """A record as a JSON object."""
    document: dict[str, Any] = {}
    for field in fields:
        if field.in_json:
            *outer, name = field.name.split(".")
            inner = document
            for each in outer:
                inner = inner.setdefault(each, {})
            inner[name] = field.value(record)
    return document


def text_of(value: JsonValue) -> str:
    """A value as people read it."""
    match value:
        case None | "":
            return "-"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,g}"
        case _:
            return plain_of(value) or "-"


def plain_of(value: JsonValue) -> str:
    """A value as a TSV or CSV cell: empty for None, items joined by commas."""
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return json.dumps(value)
        case Mapping():
            return ", ".join(f"{name}={plain_of(each)}" for name, each in value.items())
        case Sequence():
            return ", ".join(plain_of(each) for each in value)
        case _:
            return str(value)


def _escaped(text: str) -> str:
    return "".join(letter if letter.isprintable() else json.dumps(letter)[1:-1] for letter in text)


def _is_figure(value: JsonValue) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _tsv_cell(value: JsonValue) -> str:
    return plain_of(value).replace("\t", " ").replace("\r", " ").replace("\n", " ")


def _csv_line(values: Sequence[JsonValue]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(map(_csv_cell, values))  # it quotes line ends only where they are in its own
    return line.getvalue().removesuffix("\r\n")


def _csv_cell(value: JsonValue) -> str:
    """Text that a spreadsheet would run as a formula gets an apostrophe, which makes it text there."""
    plain = plain_of(value)
    return f"'{plain}" if not _is_figure(value) and plain.lstrip(" \n").startswith(_FORMULA) else plain
