"""Files of table rows: snapshots, and logs of what changed after them.

A folder holds numbered files. `<n>.rows` holds every row as it was when `<n>.log` was begun, so the newest snapshot and
the logs from its number on give the current rows. A line has the changes of one request and a checksum: it is applied
as a whole or not at all. Each change is `[table id, partition key, sort key, row]`, with `null` for a row that was
removed, and `[table id]` where a table was emptied. `[""]` says that functions had read the tables' streams up to
there: what comes after it goes through the streams again after the next start.

A log is written before a change is acknowledged, so a process that is killed loses nothing. It reaches the disk within
a second, so a power failure can lose the last second.
"""

from __future__ import annotations

import json
import os
import threading
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

Change = list[Any]
LOG = ".log"
SNAPSHOT = ".rows"


class DamagedRows(Exception):
    """A file of rows that cannot be read to its end."""


class RedoLog:
    """The log that is written now. One thread appends; any thread may sync."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self._folder = folder
        self.number = 1 + max(numbers(folder, LOG) + numbers(folder, SNAPSHOT), default=0)
        self.earlier = sum((folder / f"{old}{LOG}").stat().st_size for old in numbers(folder, LOG))
        """Bytes of the logs before this one that have no snapshot after them."""
        self._file = self._open()
        self.size = 0
        self._synced = 0
        self._lock = threading.RLock()

    def append(self, changes: list[Change]) -> None:
        """Appends one request's changes.

        Raises:
            OSError: they could not be written; the log is as it was before.
        """
        line = encode(changes)
        written = 0
        try:
            while written < len(line):
                written += os.write(self._file, line[written:])
        except OSError:
            os.ftruncate(self._file, self.size)
            raise
        self.size += len(line)

    def sync(self) -> None:
        """Brings to the disk what has been appended."""
        with self._lock:
            size = self.size
            if size != self._synced:
                os.fsync(self._file)
                self._synced = size

    def rotate(self) -> int:
        """Begins the next log, and returns its number: a snapshot taken now has the same."""
        with self._lock:
            self.sync()
            self.number += 1
            previous, self._file = self._file, self._open()
            self.earlier += self.size
            self.size = self._synced = 0
            os.close(previous)
        return self.number

    def drop_before(self, number: int) -> None:
        """Removes what the snapshot with this number has made superfluous."""
        for suffix in (LOG, SNAPSHOT):
            for old in numbers(self._folder, suffix):
                if old < number:
                    (self._folder / f"{old}{suffix}").unlink(missing_ok=True)
        self.earlier = 0

    def close(self) -> None:
        """Ends the log, on disk."""
        with self._lock:
            self.sync()
            os.close(self._file)

    def _open(self) -> int:
        path = self._folder / f"{self.number}{LOG}"
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        sync_path(self._folder)
        return file


def write_snapshot(path: Path, changes: Iterable[Change]) -> None:
    """Writes one row a line, and an end that says the file is whole; on disk when this returns."""
    with path.open("wb") as file:
        for change in changes:
            file.write(encode([change]))
        file.write(encode([]))
        file.flush()
        os.fsync(file.fileno())


def read_snapshot(folder: Path) -> Iterator[list[Change]]:
    """The rows of the newest snapshot.

    Raises:
        DamagedRows: it is damaged; everything before the damage has been yielded.
    """
    if found := numbers(folder, SNAPSHOT):
        yield from _lines(folder / f"{max(found)}{SNAPSHOT}", is_snapshot=True)


def read_logs(folder: Path) -> Iterator[list[Change]]:
    """What changed after the newest snapshot, one list per request.

    Raises:
        DamagedRows: a log is damaged; everything before the damage has been yielded.
    """
    newest = max(numbers(folder, SNAPSHOT), default=0)
    for number in sorted(numbers(folder, LOG)):
        if number >= newest:
            yield from _lines(folder / f"{number}{LOG}", is_snapshot=False)


def numbers(folder: Path, suffix: str) -> list[int]:
    """The numbers of the files with this suffix."""
    return [int(path.stem) for path in folder.glob(f"*{suffix}") if path.stem.isdecimal()]


def encode(changes: list[Change]) -> bytes:
    """One line: a checksum, and the changes."""
    text = json.dumps(changes, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    return b"%08x %b\n" % (zlib.crc32(text), text)


def sync_path(path: Path | str) -> None:
    """Brings to the disk what a file holds, or which files a folder holds."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _lines(path: Path, *, is_snapshot: bool) -> Iterator[list[Change]]:
    changes: list[Change] | None = None
    with path.open("rb") as file:
        for line in file:
            changes = _decode(line)
            if changes is None:
                break
            yield changes
        rest = file.read(1)
    # A request that was cut off as it was written is the last line of a log, and was never answered.
    if rest or (is_snapshot and changes != []):
        raise DamagedRows(path.name)


def _decode(line: bytes) -> list[Change] | None:
    checksum, _, text = line.rstrip(b"\n").partition(b" ")
    if not line.endswith(b"\n") or checksum != b"%08x" % zlib.crc32(text):
        return None
    changes: list[Change] = json.loads(text.decode("utf-8", "surrogatepass"))
    return changes
