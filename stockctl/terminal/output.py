"""The three shapes of a result: a table for people, TSV for pipes, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from stockctl.terminal.glyphs import glyphs_for

if TYPE_CHECKING:
    from stockctl.terminal.environment import Environment


FOLDED = 14
"""Cells that are enough for a name or an id where there is little room."""
GAP = 2
"""Cells between two columns."""


_ASCII_HEAD = "    \n    \n -- \n    \n    \n    \n    \n    \n"
"""A line below the heading, and no other, as rich has it in finer characters."""


class OutputFormat(StrEnum):
    """What `--output` takes."""

    TABLE = "table"
    JSON = "json"
    TSV = "tsv"


@dataclass(frozen=True)
class Column:
    """One column: its heading for people, how it is aligned, an optional rich style, and its name for programs.

    `field` is the heading of the column in TSV: the name of the same field in the JSON document, where that differs
    from the heading; None keeps a column out of TSV. Where the terminal is narrow, a column folds (names, ids,
    sentences) unless it is of figures, at the right, or `folds` is False. One that `yields` is left out altogether
    where folding does not make enough room: 1 is the first to go, then 2; 0 never goes.
    """

    name: str
    justify: Literal["left", "right"] = "left"
    style: str | None = None
    field: str | None = ""
    folds: bool = True
    yields: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether its values stay on one line."""
        return self.justify == "right" or not self.folds


@dataclass(frozen=True)
class Table:
    """Rows to show. `rows` are what people read; `plain` (default: `rows`) is what TSV prints, without grouping.

    `styles` has a rich style for each row, where rows differ in that; `total` is a line for people, below the table.
    """

    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    plain: Sequence[Sequence[str]] | None = None
    title: str | None = None
    styles: Sequence[str] | None = None
    total: str = ""


class Output:
    """Prints one result in the format asked for, or the one that fits the stream."""

    def __init__(self, environment: Environment, asked: OutputFormat | None = None) -> None:
        self.environment = environment
        self.format = asked or (OutputFormat.TABLE if environment.stdout_is_terminal else OutputFormat.TSV)

    def show(self, document: object, table: Table) -> None:
        """Prints `document` as JSON, or `table` for people or as TSV."""
        if self.format is OutputFormat.JSON:
            self.json(document)
        elif self.format is OutputFormat.TSV:
            self._tsv(table)
        else:
            self._table(table)

    def json(self, document: object) -> None:
        """Prints one JSON document."""
        print(self._dumped(document, indent=2), file=self.environment.stdout, flush=True)

    def json_line(self, document: object) -> None:
        """Prints one JSON document on one line, at once: for streams of them."""
        print(self._dumped(document), file=self.environment.stdout, flush=True)

    def _dumped(self, document: object, indent: int | None = None) -> str:
        """JSON, in letters as they are where the stream has them all, else in JSON's own escapes: nothing is lost."""
        encoding = (self.environment.stdout.encoding or "utf-8").lower()
        return json.dumps(document, ensure_ascii=not encoding.startswith("utf"), indent=indent)

    def line(self, fields: Sequence[str]) -> None:
        """Prints one line of TSV, at once: for streams of them, in a terminal too."""
        print("\t".join(_one_field(field) for field in fields), file=self.environment.stdout, flush=True)

    @property
    def _is_plain(self) -> bool:
        stream = self.environment.stdout
        return glyphs_for(stream.encoding or "utf-8", self.environment.variables).plain

    def _tsv(self, table: Table) -> None:
        columns = [column for column in table.columns if column.field is not None]
        self.line([column.field or column.name.replace(" ", "_") for column in columns])
        for row in table.rows if table.plain is None else table.plain:
            self.line(row)

    def _table(self, table: Table) -> None:
        if not table.rows:  # a heading over nothing says less than the notice that goes with it
            return
        from rich import box
        from rich.table import Table as RichTable
        from rich.text import Text

        console = self.environment.console()
        kept = _fitting(table, console.width)
        lines = box.Box(_ASCII_HEAD, ascii=True) if self._is_plain else box.SIMPLE_HEAD
        drawn = RichTable(
            box=lines, title=table.title, title_justify="left", pad_edge=False, padding=(0, GAP - 1, 0, 0)
        )
        for column in (table.columns[index] for index in kept):
            drawn.add_column(
                column.name, justify=column.justify, style=column.style, overflow="fold", no_wrap=column.is_whole
            )
        for row, style in zip(table.rows, table.styles or [""] * len(table.rows), strict=True):
            drawn.add_row(*(Text(shown(row[index])) for index in kept), style=style)
        console.print(drawn)
        if table.total:
            console.print(f" {table.total}", soft_wrap=True)


def shown(text: str) -> str:
    """Text from data as a terminal may have it: what cannot be printed, as escape sequences, is a question mark."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _fitting(table: Table, width: int) -> list[int]:
    """Which columns are shown: those that yield are left out, in their order, until the others have room."""
    kept = list(range(len(table.columns)))
    for index in sorted(kept, key=lambda one: table.columns[one].yields):
        if table.columns[index].yields and sum(_width(table, one) + GAP for one in kept) > width - 1:
            kept.remove(index)
    return kept


def _width(table: Table, index: int) -> int:
    """What a column needs; one that folds is content with little."""
    from rich.cells import cell_len

    column = table.columns[index]
    widest = max((cell_len(text) for text in [column.name, *(row[index] for row in table.rows)]), default=0)
    return widest if column.is_whole else min(widest, FOLDED)


def _one_field(value: str) -> str:
    return value.replace("\t", " ").replace("\r", " ").replace("\n", " ")
