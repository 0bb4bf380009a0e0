"""The files in which the emulator keeps S3 objects: an error of writing one reaches the caller, who would else lose it.

A receipt must not outlive what it says was recorded, so the rows that came before an object reach the disk before it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from functools import wraps
from pathlib import Path
from typing import Any

from stockctl.local.emulator import Function, Replacement
from stockctl.local.redo_log import sync_path

S3 = "ministack.services.s3"

errors: ContextVar[list[OSError] | None] = ContextVar("errors", default=None)
"""Collects what went wrong on the disk while a request was handled."""


class ObjectFiles:
    """Watches the emulator write objects, and brings them to the disk."""

    def __init__(self, sync_rows: Callable[[], None]) -> None:
        self._sync_rows = sync_rows
        self._written: set[str] = set()
        self._lock = threading.Lock()

    def replacements(self) -> tuple[Replacement, ...]:
        """What to replace in the emulator."""
        return (
            Replacement(S3, "_persist_object", ("bucket", "key", "obj"), self._after_the_rows),
            Replacement(S3, "_atomic_write", ("fpath", "data", "text"), self._watched),
        )

    def sync(self) -> None:
        """Flushes the files written since the last call."""
        with self._lock:
            written, self._written = self._written, set()
        for path in written:
            with suppress(FileNotFoundError):  # deleted since
                sync_path(path)

    def _after_the_rows(self, original: Function) -> Function:
        @wraps(original)
        def persist(bucket: str, key: str, obj: Any) -> None:  # noqa: ANN401 - the emulator's object
            self._sync_rows()
            original(bucket, key, obj)

        return persist

    def _watched(self, original: Function) -> Function:
        @wraps(original)
        def write(fpath: str, data: Any, *, text: bool = False) -> None:  # noqa: ANN401 - text or bytes
            try:
                original(fpath, data, text=text)
            except OSError as error:
                Path(f"{fpath}.tmp").unlink(missing_ok=True)
                if (found := errors.get()) is not None:
                    found.append(error)
                raise
            with self._lock:
                self._written.add(fpath)

        return write
