"""The emulator's table rows: every change goes to a redo log before its answer leaves.

All writes of the emulator's DynamoDB go through three functions, which are replaced here. They note the change; the
request's handler then logs what it noted, in one line, so that a transaction is kept whole or not at all. Where the
log cannot be written, as on a full disk, the change is taken back and the request fails: nothing is acknowledged that
would be lost.
"""

from __future__ import annotations

import importlib
import json
import logging
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

from stockctl.local.emulator import Function, Replacement
from stockctl.local.redo_log import Change, DamagedRows, RedoLog, read_logs, read_snapshot

DYNAMODB = "ministack.services.dynamodb"
REFUSED = b'{"__type":"InternalServerError","message":"The change cannot be saved: %b"}'

STREAMS_READ: Change = [""]
"""In the log: functions have read the streams up to here. It is the change of no table."""
STREAMED_AGAIN = 50_000
"""Changes that go through the streams again after a start, at most: functions are seldom this far behind."""

Table = dict[str, Any]
Row = dict[str, Any] | None
Answer = tuple[int, dict[str, str], bytes]

logger = logging.getLogger("stockctl.local")


class TableRows:
    """Logs changes of rows, and restores rows from snapshot and logs."""

    def __init__(self, folder: Path, report: Callable[[str], None]) -> None:
        self._folder = folder
        self._report = report
        self._pending: list[tuple[Table, str, str, Any]] = []
        self._emptied: list[Table] = []
        self._stream_lengths: dict[str, int] = {}
        self._read_up_to = (0, 0)
        self.log: RedoLog | None = None

    def replacements(self) -> tuple[Replacement, ...]:
        """What to replace in the emulator. Without any one of these, changes would be lost."""
        request = ("method", "path", "headers", "body", "query_params")
        return (
            Replacement(DYNAMODB, "_set_item", ("table", "pk_val", "sk_val", "item"), self._noting),
            Replacement(DYNAMODB, "_remove_item", ("table", "pk_val", "sk_val"), self._noting),
            Replacement(DYNAMODB, "_items_replaced", ("table",), self._noting_all),
            Replacement(DYNAMODB, "handle_request", request, self._logging),
        )

    def restore(self) -> bool:
        """Puts the saved rows in their tables, and begins a new log; False where rows of tables known are damaged."""
        found = tables()
        is_whole = True
        if any(self._folder.glob("*.rows")):
            for table in found.values():  # rows that an earlier version kept with the tables are in the first snapshot
                table["items"] = defaultdict(dict)
        unread: deque[tuple[str, Row, Row]] = deque(maxlen=STREAMED_AGAIN)
        try:
            for changes in read_snapshot(self._folder):
                for change in changes:
                    _apply(found.get(change[0]), change)
            for changes in read_logs(self._folder):
                _replay(found, changes, unread)
        except DamagedRows as damage:
            logger.error("cannot read %s to its end", damage)
            is_whole = False
        for table in found.values():
            recount(table)
        for name, old, new in unread:
            _stream_again(found[name], old, new)
        return is_whole

    def begin(self) -> RedoLog:
        """Begins a new log. Changes before this are not logged."""
        self._forget()
        self.log = RedoLog(self._folder)
        return self.log

    def streams_are_read(self) -> None:
        """Notes in the log that functions have read the streams: after a start they need not do so again.

        Raises:
            OSError: it could not be written, so they will.
        """
        if self.log is not None and self._read_up_to != (self.log.number, self.log.size):
            self.log.append([STREAMS_READ])
            self._read_up_to = self.log.number, self.log.size

    def sync(self) -> None:
        """Brings to the disk what has been logged."""
        if self.log is not None:
            self.log.sync()

    def flush(self) -> None:
        """Logs what has been noted.

        Raises:
            OSError: it could not be written; the changes have been taken back.
        """
        if not self._pending and not self._emptied:
            return
        changes: list[Change] = [[table["TableId"]] for table in self._emptied]
        changes += [change for table in self._emptied for change in rows_of(table)]
        changes += [[table["TableId"], pk, sk, _row(table, pk, sk)] for table, pk, sk, _ in self._pending]
        try:
            if self.log is not None:
                self.log.append(changes)
        except OSError:
            self._take_back()
            raise
        finally:
            self._forget()

    def _forget(self) -> None:
        self._pending.clear()
        self._emptied.clear()
        self._stream_lengths.clear()

    def _noting(self, original: Function) -> Function:
        @wraps(original)
        def change(table: Table, pk_val: str, sk_val: str, *item: Any) -> Any:  # noqa: ANN401 - the emulator's row
            name = table["TableName"]
            if name not in self._stream_lengths:
                self._stream_lengths[name] = len(_stream(name))
            old = original(table, pk_val, sk_val, *item)
            self._pending.append((table, pk_val, sk_val, old))
            return old

        return change

    def _noting_all(self, original: Function) -> Function:
        @wraps(original)
        def change(table: Table) -> None:
            original(table)
            self._emptied.append(table)

        return change

    def _logging(self, original: Callable[..., Awaitable[Answer]]) -> Function:
        @wraps(original)
        async def handle(
            method: str, path: str, headers: Mapping[str, str], body: bytes, query_params: Mapping[str, Any]
        ) -> Answer:
            try:
                answer = await original(method, path, headers, body, query_params)
            finally:
                refused = self._refusal(body)
            return refused or answer

        return handle

    def _refusal(self, body: bytes) -> Answer | None:
        """Logs the request's changes; the answer instead of its own where that failed."""
        try:
            self.flush()
        except OSError as error:
            reason = str(error.strerror)
            self._report(f"changes are refused: {reason}")
            _forget_token(body)
            return 500, {"Content-Type": "application/x-amz-json-1.0"}, REFUSED % reason.encode()
        return None

    def _take_back(self) -> None:
        """Undoes what has been noted, and removes its records from the streams. No handler runs in between."""
        for table, pk, sk, old in reversed(self._pending):
            change = [table["TableId"], pk, sk, old]
            _apply(table, change)
        for table in {id(table): table for table, *_ in self._pending}.values():
            recount(table)
        for name, length in self._stream_lengths.items():
            del _stream(name)[length:]


def tables() -> dict[str, Table]:
    """Every table of the emulator, by its id."""
    return {table["TableId"]: table for table in _emulator()._tables.all_values()}


def snapshot() -> Iterator[Change]:
    """Every row of every table."""
    for table in tables().values():
        yield from rows_of(table)


def recount(table: Table) -> None:
    """After its rows were changed behind the emulator's back: its counts, and its indexes once they are asked for."""
    table.pop(_emulator()._INDEX_MEMBERS, None)
    _emulator()._update_counts(table)


def rows_of(table: Table) -> Iterator[Change]:
    """Every row of one table."""
    for pk, rows in table["items"].items():
        for sk, row in rows.items():
            yield [table["TableId"], pk, sk, row]


def end_of_stream(mapping: Mapping[str, Any]) -> int:
    """The position after the last record of the stream that a function reads; 0 where it is not a table's."""
    for (account, region, name), table in _emulator()._tables.all_items():
        if table.get("LatestStreamArn") == mapping.get("EventSourceArn"):
            return int(_emulator().stream_end_position(name, account_id=account, region=region))
    return 0


def _replay(found: Mapping[str, Table], changes: list[Change], unread: deque[tuple[str, Row, Row]]) -> None:
    """Makes logged changes, and keeps those that functions may not have read."""
    for change in changes:
        if change == STREAMS_READ:
            unread.clear()
        else:
            unread.extend(_replayed(found.get(change[0]), change))


def _replayed(table: Table | None, change: Change) -> Iterator[tuple[str, Row, Row]]:
    """Makes a logged change; what it was, for the stream."""
    is_of_a_row = table is not None and len(change) > 1
    old = _row(table, change[1], change[2]) if table is not None and is_of_a_row else None
    _apply(table, change)
    if is_of_a_row:
        yield change[0], old, change[3]


def _stream_again(table: Table, old: Row, new: Row) -> None:
    """Puts a change in the table's stream, which functions may not have read when the last run ended."""
    settings = table.get("StreamSpecification") or {}
    if old == new or not settings.get("StreamEnabled"):
        return
    emulator = _emulator()
    kind = ("MODIFY" if old else "INSERT") if new else "REMOVE"
    record = emulator._build_change_record(table, kind, old, new, settings.get("StreamViewType", "NEW_AND_OLD_IMAGES"))
    [scope] = [scope for scope, known in emulator._tables.all_items() if known is table]
    emulator._stream_records._data.setdefault(scope, []).append(record)


def _stream(table: str) -> list[Any]:
    records: list[Any] = _emulator()._stream_records.get(table) or []
    return records


def _row(table: Table, pk: str, sk: str) -> Row:
    row: Row = table["items"].get(pk, {}).get(sk)
    return row


def _apply(table: Table | None, change: Change) -> None:
    if table is None:  # deleted since
        return
    if len(change) == 1:
        table["items"] = defaultdict(dict)
        return
    _, pk, sk, row = change
    if row is not None:
        table["items"][pk][sk] = row
    elif pk in table["items"]:
        table["items"][pk].pop(sk, None)
        if not table["items"][pk]:
            del table["items"][pk]


def _forget_token(body: bytes) -> None:
    """A client repeats a failed request under its token, which must not count as done."""
    token = json.loads(body).get("ClientRequestToken")
    if token:
        _emulator()._txn_idempotency.pop(token, None)


def _emulator() -> Any:  # noqa: ANN401 - a module without types
    return importlib.import_module(DYNAMODB)
