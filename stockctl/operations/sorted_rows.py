"""The rows of one delivery, sorted on disk: in a temporary SQLite database.

A delivery of a million rows takes about 100 MB of temporary disk and a few MB of memory. The file has no name, so
nothing is left of it however the process ends; Lambda reuses workers with their disk.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from operator import attrgetter
from types import TracebackType

from stockctl.domain.delivery import Row

_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA temp_store = FILE;
PRAGMA cache_size = -16000;
CREATE TABLE rows (
    ingredient TEXT, best_before TEXT, line INTEGER, quantity INTEGER, expires_at INTEGER, unrecorded INTEGER,
    PRIMARY KEY (ingredient, best_before)
) WITHOUT ROWID;
"""
_COLUMNS = "line, ingredient, quantity, best_before, expires_at"


class StagedRows:
    """Good rows by ingredient. Rows with the same ingredient and best-before are added up, at the line of the first."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("")
        self._database.executescript(_SCHEMA)

    def __enter__(self) -> StagedRows:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self._database.close()

    def add(self, rows: Iterable[Row]) -> None:
        """Adds rows. If the iterator raises, the staged rows are unusable."""
        self._database.executemany(
            "INSERT INTO rows VALUES (?, ?, ?, ?, ?, 0) "
            "ON CONFLICT DO UPDATE SET quantity = quantity + excluded.quantity",
            ((row.ingredient, row.best_before, row.line, row.quantity, row.expires_at) for row in rows),
        )

    def clear(self) -> None:
        """Forgets all rows."""
        self._database.execute("DELETE FROM rows")

    def matching(self, pairs: Iterable[tuple[str, str]]) -> Iterator[Row]:
        """The recorded rows with one of these ingredients and best-befores."""
        for pair in pairs:
            yield from self._rows("WHERE ingredient = ? AND best_before = ? AND NOT unrecorded", *pair)

    def last_expiry(self) -> int | None:
        """The latest expiry (seconds since the epoch); None if there are none."""
        found: tuple[int | None] = self._database.execute("SELECT max(expires_at) FROM rows").fetchone()
        return found[0]

    def ingredients(self) -> int:
        """The number of ingredients."""
        return int(self._database.execute("SELECT count(DISTINCT ingredient) FROM rows").fetchone()[0])

    def groups(self, most: int) -> Iterator[list[Row]]:
        """Rows of one ingredient at a time, at most `most`; the groups of an ingredient are consecutive."""
        rows = self._rows("ORDER BY ingredient, best_before")
        for _, of_one in groupby(rows, key=attrgetter("ingredient")):
            while group := list(islice(of_one, most)):
                yield group

    def mark_unrecorded(self, rows: Iterable[Row]) -> None:
        """Marks rows that could not be recorded."""
        self._database.executemany(
            "UPDATE rows SET unrecorded = 1 WHERE ingredient = ? AND best_before = ?",
            [(row.ingredient, row.best_before) for row in rows],
        )

    def recorded(self, most: int) -> list[Row]:
        """The first `most` recorded rows, in the order of the file."""
        return list(self._rows("WHERE NOT unrecorded ORDER BY line LIMIT ?", most))

    def recorded_count(self) -> int:
        """The number of recorded rows."""
        return int(self._database.execute("SELECT count(*) FROM rows WHERE NOT unrecorded").fetchone()[0])

    def _rows(self, which: str, *parameters: int | str) -> Iterator[Row]:
        for found in self._database.execute(f"SELECT {_COLUMNS} FROM rows {which}", parameters):  # noqa: S608 - no data in it
            yield Row._make(found)
