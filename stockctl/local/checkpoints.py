"""Saves the emulator's state while it runs, so that a process killed at any time loses nothing it acknowledged.

Table rows are in a redo log before each answer leaves (`table_rows.py`), and S3 objects in files of their own. All
else (stacks, functions, queues, bucket settings, streams) is small and saved whole: before a change of it is
acknowledged, and every few seconds where records or messages came. When the log has grown large, and at shutdown, the
rows are saved as well, and the log begins anew.

A save is done by a forked child, which has the state as it was at one moment: requests go on meanwhile. It writes a
new folder; only when that is whole and on disk does the emulator's process put it in the old one's place.
"""

from __future__ import annotations

import asyncio
import errno
import gc
import importlib
import json
import logging
import os
import shutil
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from stockctl.domain.instants import iso_seconds
from stockctl.local import table_rows
from stockctl.local.home import Home, Saved
from stockctl.local.redo_log import SNAPSHOT, sync_path, write_snapshot
from stockctl.local.table_rows import TableRows

SECONDS_BETWEEN = 5.0
REST_FACTOR = 20
"""A save costs a processor while it lasts: at most one part in 20 of the time goes there."""
SECONDS_BETWEEN_NOTES = 0.5
SECONDS_FOR_A_SAVE = 120.0
CODE = "lambda-blobs"
"""The emulator's folder for the code of functions, within its state."""
LOG_BYTES = 32 << 20
"""A log this large, or as large as the rows, is replaced by a new snapshot: it is all read at the next start."""
UNREAD_LOGS = 8
"""A log up to this many times as large is kept while functions have not read the streams: it has their records."""

logger = logging.getLogger("stockctl.local")


class Checkpoints:
    """Knows whether there is something to save, and saves it."""

    def __init__(self, home: Home, rows: TableRows, state: EmulatorState) -> None:
        self._home = home
        self._rows = rows
        self._state = state
        self._saving = asyncio.Lock()
        self._changes = 0
        self._saved_changes = 0
        self._saved_stacks = state.stacks()
        self._snapshot_bytes = 0
        self._needs_snapshot = not any(home.rows.glob(f"*{SNAPSHOT}"))
        self._problem: str | None = None

    def changed(self) -> None:
        """Notes that state besides rows and objects may have changed."""
        self._changes += 1

    def report(self, problem: str) -> None:
        """Keeps a problem of saving for the next command to show, until a save succeeds."""
        if problem != self._problem:
            self._problem = problem
            self._home.record_problem(problem)
            logger.error("%s", problem)
        self.changed()

    @property
    def stacks_changed(self) -> bool:
        """Whether a deployment has ended since the last save."""
        return self._state.stacks() != self._saved_stacks

    async def saved(self) -> bool:
        """Saves what has changed so far; True once it is on disk.

        During a deployment nothing is saved: the state of one that was cut off in the middle is of no use.
        """
        wanted = self._changes
        async with self._saving:
            if self._saved_changes >= wanted and not self.stacks_changed:
                return True
            if self._state.is_deploying():
                return True
            return await self._save(with_rows=self._log_is_large() or self._needs_snapshot)

    async def end(self) -> bool:
        """Saves everything, at the end.

        The emulator forgets its streams. What functions have not read of them is read from the log after the next
        start, so the log is kept.
        """
        async with self._saving:
            return await self._save(with_rows=not self._state.has_unread_streams())

    async def keep(self) -> None:
        """Saves for as long as the task lives."""
        rest = SECONDS_BETWEEN
        while True:
            await asyncio.sleep(rest)
            started = time.monotonic()
            if self._log_is_large() or self._problem:
                self.changed()
            await asyncio.shield(self.saved())  # a save that is under way is brought to its end
            rest = max(SECONDS_BETWEEN, REST_FACTOR * (time.monotonic() - started))

    async def note_read_streams(self) -> None:
        """Notes in the log whenever functions have read the streams, for as long as the task lives."""
        while True:
            await asyncio.sleep(SECONDS_BETWEEN_NOTES)
            if not self._state.has_unread_streams():
                with suppress(OSError):  # functions read again what they have read, which does no harm
                    self._rows.streams_are_read()

    def _log_is_large(self) -> bool:
        if self._rows.log is None:
            return False
        size, large = self._rows.log.earlier + self._rows.log.size, max(LOG_BYTES, self._snapshot_bytes)
        return size > large and (size > UNREAD_LOGS * large or not self._state.has_unread_streams())

    async def _save(self, *, with_rows: bool) -> bool:
        changes, stacks = self._changes, self._state.stacks()
        try:
            number = self._number() if with_rows else None
            await self._in_a_child(number)
            self._take(number)
        except OSError as error:
            self._home.remove_unfinished()
            self.report(f"state cannot be saved: {error.strerror}")
            return False
        self._problem = self._home.full_disk()
        self._saved_changes, self._saved_stacks = changes, stacks
        self._home.record_saved(Saved(iso_seconds(int(time.time())), self._problem))
        return True

    def _number(self) -> int:
        if self._rows.log is None:
            raise OSError(errno.EBADF, "the log is not open")
        self._rows.flush()
        return self._rows.log.rotate()

    async def _in_a_child(self, number: int | None) -> None:
        child = _fork(lambda: self._write(number))
        waiting = asyncio.to_thread(os.waitpid, child, 0)
        try:
            _, status = await asyncio.wait_for(waiting, SECONDS_FOR_A_SAVE)
        except TimeoutError:
            os.kill(child, 9)
            raise OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT)) from None
        if code := os.waitstatus_to_exitcode(status):
            failed = code if code > 0 else errno.EINTR
            raise OSError(failed, os.strerror(failed))

    def _write(self, number: int | None) -> None:
        """What the child does."""
        if number is not None:
            write_snapshot(self._draft(number), table_rows.snapshot())
        self._state.write(self._home.state, self._home.next_state)

    def _take(self, number: int | None) -> None:
        self._home.take_next_state()
        if number is None or self._rows.log is None:
            return
        snapshot = self._draft(number)
        self._snapshot_bytes = snapshot.stat().st_size
        snapshot.replace(snapshot.with_suffix(SNAPSHOT))
        sync_path(self._home.rows)
        self._rows.log.drop_before(number)
        self._needs_snapshot = False

    def _draft(self, number: int) -> Path:
        return self._home.rows / f"{number}.draft"


class EmulatorState:
    """What the emulator's services keep, apart from table rows and objects."""

    def __init__(self) -> None:
        self._app = importlib.import_module("ministack.app")
        self._persistence = importlib.import_module("ministack.core.persistence")
        self._stacks = importlib.import_module("ministack.services.cloudformation")._stacks

    def stacks(self) -> list[tuple[str, ...]]:
        """What tells one state of the stacks from another."""
        fields = ("StackId", "StackStatus", "LastUpdatedTime")
        return [tuple(str(stack.get(field)) for field in fields) for stack in self._stacks._data.values()]

    def is_deploying(self) -> bool:
        """Whether a stack is being changed. One under review is not."""
        statuses = [status for _, status, _ in self.stacks()]
        return any(status.endswith("_IN_PROGRESS") and not status.startswith("REVIEW") for status in statuses)

    def has_unread_streams(self) -> bool:
        """Whether a function has still to read records of a table's stream."""
        functions = importlib.import_module("ministack.services.lambda_svc")
        positions = functions._dynamodb_stream_positions
        return any(
            mapping.get("Enabled", True)
            and positions.get_scoped(account, region, name, 0) < table_rows.end_of_stream(mapping)
            for (account, region, name), mapping in functions._esms.all_items()
        )

    def write(self, current: Path, target: Path) -> None:
        """Writes every service's state to a folder; what is not loaded is taken over from the current one.

        Empties the tables: for a process that ends after it.
        """
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(mode=0o700)
        for table in table_rows.tables().values():
            table["items"] = {}
        if functions := sys.modules.get("ministack.services.lambda_svc"):
            functions.__dict__["CODE_BLOB_DIR"] = str(target / CODE)
        for service, state in self._app._build_persistence_save_dict().items():
            if (found := state()) is not None:
                self._write_service(target / f"{service}.json", service, found)
        _link_missing(current, target)
        sync_path(target)

    def _write_service(self, path: Path, service: str, state: Any) -> None:  # noqa: ANN401 - of any service
        document = {"__ministack_format__": self._persistence._state_format_version(service), "payload": state}
        with path.open("w", encoding="utf-8") as file:
            json.dump(document, file, default=self._persistence._json_default)
            file.flush()
            os.fsync(file.fileno())


def _link_missing(current: Path, target: Path) -> None:
    has_code = (target / CODE).is_dir()
    for path in current.rglob("*"):
        copy = target / path.relative_to(current)
        if path.is_file() and not copy.exists() and not (has_code and path.parent.name == CODE):
            copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.link(path, copy)


def _fork(work: Callable[[], None]) -> int:
    """Starts a child with a copy of this process's memory, which does the work and ends with an error number or 0."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # other threads' locks are not touched in the child
        child = os.fork()
    if child:
        return child
    code = errno.EIO
    try:
        gc.disable()
        os.closerange(3, max(os.sysconf("SC_OPEN_MAX"), 65_536))  # should we be killed, it must not hold port and lock
        work()
        code = 0
    except OSError as error:
        code = error.errno or errno.EIO
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)
