"""Suppliers' files on this machine: read, and checked as the service would check them."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stockctl.domain.delivery import DeliveryFile, Row, added_up, csv_named, delivery_key
from stockctl.domain.errors import UsageError
from stockctl.domain.receipt import RECEIPTS, Findings, Rejections
from stockctl.domain.rejection import UnreadableFile

if TYPE_CHECKING:
    from stockctl.cli.session import Session
    from stockctl.domain.best_before import DateReading
    from stockctl.domain.csv_layout import Layout

STDIN = "-"


@dataclass(frozen=True)
class SupplierFile:
    """One file to ingest: its name here, the key it is dropped under, and its content."""

    name: str
    key: str
    content: bytes
    is_named: bool = False


@dataclass(frozen=True)
class Checked:
    """What a look at a file here found; `rows` are the good ones, added up, and `layout` is None if it is unreadable.

    `reading` and `now` (s since the epoch) are what its dates were judged by.
    """

    file: SupplierFile
    reading: DateReading
    now: int
    layout: Layout | None
    rows: Sequence[Row]
    findings: Findings

    @property
    def is_empty(self) -> bool:
        """Whether nothing of it can be recorded."""
        return not self.rows


def content_of(session: Session, name: str) -> bytes:
    """What a file holds, or standard input.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        return session.environment.stdin.buffer.read() if name == STDIN else Path(name).read_bytes()
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}", "Name a CSV file, or - for stdin.") from error


def read_file(session: Session, name: str, batch_id: str | None) -> SupplierFile:
    """One file, or standard input, with the key that its delivery gets.

    Raises:
        UsageError: it cannot be read, or its delivery would be taken for a receipt.
    """
    content = content_of(session, name)
    file_name = "stdin.csv" if name == STDIN else Path(name).name
    key = csv_named(batch_id) if batch_id else delivery_key(file_name, hashlib.sha256(content).hexdigest())
    if key.startswith(RECEIPTS):
        raise UsageError(f"a delivery cannot be named {batch_id}: {RECEIPTS} holds receipts", "Choose another name.")
    return SupplierFile("stdin" if name == STDIN else name, key, content, batch_id is not None)


def checked(file: SupplierFile, reading: DateReading, now: int) -> Checked:
    """The rows as the service would see them, were it to look at the file now."""
    good: list[Row] = []
    rejected = Rejections()
    try:
        delivery = DeliveryFile(io.BytesIO(file.content), reading, now)
        for row in delivery.rows():
            if isinstance(row, Row):
                good.append(row)
            else:
                rejected.add(row)
    except UnreadableFile as unreadable:
        rejected = Rejections()
        rejected.add(unreadable.rejection)
        return Checked(file, reading, now, None, (), Findings(rejected=rejected))
    rows = added_up(good)
    findings = Findings(rows, len(rows), rejected, delivery.warnings, delivery.layout.ignored)
    return Checked(file, reading, now, delivery.layout, rows, findings)
