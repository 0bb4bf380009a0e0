"""The three shapes of a result: a table for people, TSV for pipes, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from stockctl.terminal.environment import Environment


class OutputFormat(StrEnum):
    """What `--output` takes."""

    TABLE = "table"
    JSON = "json"
    TSV = "tsv"


@dataclass(frozen=True)
class Column:
    """One column: its name, how it is aligned, and an optional rich style."""

    name: str
    justify: Literal["left", "right"] = "left"
    style: str | None = None


@dataclass(frozen=True)
class Table:
    """Rows to show. `rows` are what people read; `plain` (default: `rows`) is what TSV prints, without grouping.

    `styles` has a rich style for each row, where rows differ in that.
    """

    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    plain: Sequence[Sequence[str]] | None = None
    title: str | None = None
    styles: Sequence[str] | None = None


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
        print(json.dumps(document, ensure_ascii=False, indent=2), file=self.environment.stdout, flush=True)

    def json_line(self, document: object) -> None:
        """Prints one JSON document on one line, at once: for streams of them."""
        print(json.dumps(document, ensure_ascii=False), file=self.environment.stdout, flush=True)

    def line(self, fields: Sequence[str]) -> None:
        """Prints one line of TSV, at once: for streams of them, in a terminal too."""
        print("\t".join(_one_field(field) for field in fields), file=self.environment.stdout, flush=True)

    def _tsv(self, table: Table) -> None:
        lines = [[column.name for column in table.columns], *(table.plain if table.plain is not None else table.rows)]
        for line in lines:
            self.line(line)

    def _table(self, table: Table) -> None:
        from rich import box
        from rich.table import Table as RichTable
        from rich.text import Text

        drawn = RichTable(box=box.SIMPLE_HEAD, title=table.title, title_justify="left", pad_edge=False)
        for column in table.columns:
            drawn.add_column(column.name, justify=column.justify, style=column.style, overflow="fold")
        for row, style in zip(table.rows, table.styles or [""] * len(table.rows), strict=True):
            drawn.add_row(*(Text(value) for value in row), style=style)
        self.environment.console().print(drawn)


def _one_field(value: str) -> str:
    return value.replace("\t", " ").replace("\r", " ").replace("\n", " ")
