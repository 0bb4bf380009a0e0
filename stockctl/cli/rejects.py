"""`ingest --rejects`: the rejected lines as they stand in the file, to be corrected and sent again.

Two columns go before them, `line` and `reason`, which are passed over when the file comes back. They stand first, so
that a line with too few or too many fields keeps what makes it wrong.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stockctl.cli.supplier_files import STDIN
from stockctl.domain.csv_layout import ABOUT_REJECTS, COLUMNS
from stockctl.domain.delivery import DeliveryFile, Row
from stockctl.domain.errors import StockctlError, UsageError
from stockctl.domain.rejection import UnreadableFile

if TYPE_CHECKING:
    from stockctl.cli.supplier_files import Checked
    from stockctl.domain.csv_layout import Layout


def check_rejects(path: Path, names: Sequence[str], files: Sequence[Checked]) -> None:
    """Raises where the rejected lines could not be written, before anything is sent.

    Raises:
        UsageError: it is one of the files to ingest, or the files have different columns.
    """
    if any(name != STDIN and path.exists() and path.samefile(name) for name in names):
        raise UsageError(f"--rejects would overwrite {path}, which is to be ingested", "Name another file.")
    if len({_head(file.layout) for file in files if file.layout}) > 1:
        raise UsageError("--rejects takes files with the same columns and separator", "Ingest them one by one.")


def write_rejects(path: Path, files: Sequence[Checked], documents: Sequence[Mapping[str, Any]]) -> int:
    """Writes the rejected lines of files that were dealt with, below one header, and returns how many rows they are.

    Where there are none it writes nothing, and leaves a file that is there as it is.

    Raises:
        StockctlError: the file cannot be written.
    """
    rows = [row for pair in zip(files, documents, strict=True) for row in _lines(pair[0], _reasons(pair[1]))]
    if not rows:
        return 0
    head = next(_head(file.layout) for file in files if file.layout)
    try:
        with path.open("w", encoding="utf-8", newline="") as out:
            out.writelines([head, *rows])
    except OSError as error:
        raise StockctlError(
            f"{path} cannot be written: {error.strerror}",
            "The other rows have been dealt with; name another file for --rejects.",
        ) from error
    return len(rows)


def _reasons(document: Mapping[str, Any]) -> dict[int, str]:
    """Why each rejected line was rejected, with the column."""
    return {row["line"]: _in_column(row["column"], row["reason"]) for row in document["rejected"]}


def _in_column(column: str, reason: str) -> str:
    return f"{column} {reason}" if column else reason


def _head(layout: Layout) -> str:
    header = layout.header[2:] if _came_back(layout) else layout.header or COLUMNS
    return layout.separator_line + layout.written([*ABOUT_REJECTS, *header])


def _came_back(layout: Layout) -> bool:
    """Whether the file itself was written by `--rejects`."""
    return layout.header[:2] == ABOUT_REJECTS


def _lines(file: Checked, reasons: Mapping[int, str]) -> Iterator[str]:
    """The rejected lines: those that could be seen to be wrong here, and those that the service gave `reasons` for."""
    layout = file.layout
    if layout is None:
        return
    prefix = _prefix(layout.separator) if _came_back(layout) else None
    for line, reason, text in _rejected(file, reasons):
        about = layout.written([str(line), reason]).rstrip("\n")
        yield f"{about}{layout.separator}{prefix.sub('', text, count=1) if prefix else text}\n"


def _rejected(file: Checked, reasons: Mapping[int, str]) -> Iterator[tuple[int, str, str]]:
    """Line, reason and text of each. The service adds rows up, and names the first line of those that are one batch."""
    of_batches: dict[tuple[str, str], str] = {}
    try:
        delivery = DeliveryFile(io.BytesIO(file.file.content), file.reading, file.now)
        for row, text in delivery.rows_with_text():
            if not isinstance(row, Row):
                yield row.line, _in_column(row.column, row.message), text
                continue
            batch = (row.ingredient, row.best_before)
            if row.line in reasons:
                of_batches[batch] = reasons[row.line]
            if batch in of_batches:
                yield row.line, of_batches[batch], text
    except UnreadableFile:
        return


def _prefix(separator: str) -> re.Pattern[str]:
    """What an earlier round put before a line."""
    mark = re.escape(separator)
    return re.compile(rf'[0-9]+{mark}(?:"(?:[^"]|"")*"|[^"{mark}]*){mark}')
