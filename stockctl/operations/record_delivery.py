"""Recording a delivery: from an object in the drop bucket to batches, levels and a receipt.

Whatever fails on the way, the whole is done again when the event comes again: a delivery's record says which content
its key stands for, a batch is recorded once, and a receipt is written when all is done and never made worse.
"""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain
from typing import IO, TYPE_CHECKING
from zoneinfo import ZoneInfo

from botocore.exceptions import ClientError

from stockctl.aws.errors import code_of
from stockctl.aws.retry import Patience
from stockctl.domain.delivery import Rejection, Row, UnreadableFile, read_rows, text_lines
from stockctl.domain.instants import iso
from stockctl.domain.receipt import (
    MAX_ROWS,
    Receipt,
    Rejections,
    receipt_of,
    unfinished,
    with_conflict,
    with_conflicts_of,
)
from stockctl.domain.reconciliation import MAX_ACTIONS
from stockctl.domain.stock import Batch, batch_id_of
from stockctl.domain.transaction import RESERVED_PREFIX
from stockctl.operations import conditions
from stockctl.operations.drop_bucket import DropBucket
from stockctl.operations.receive import MAX_BATCHES, Conflict, receive, receive_together
from stockctl.operations.rows import number, text
from stockctl.operations.sorted_rows import StagedRows
from stockctl.operations.stock_table import StockTable
from stockctl.operations.workers import workers_for

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

REMEMBERED_SECONDS = int(timedelta(days=90).total_seconds())
"""How long after its last best-before a delivery's key stays taken."""

MAX_KEY_BYTES = 900
"""A batch's sort key holds the delivery's key and a best-before, in DynamoDB's 1,024 bytes."""

IN_MEMORY_BYTES = 8 << 20

MAX_GROUP = 10 * MAX_BATCHES
"""Rows of one ingredient that a worker takes at once."""

_Missed = list[tuple[Row, Rejection]]


@dataclass(frozen=True)
class Recorder:
    """Where deliveries are recorded, in which time zone their dates are meant, and the time (s since the epoch)."""

    bucket: DropBucket
    stock: StockTable
    transactions: str
    zone: ZoneInfo
    clock: Callable[[], float]
    patience: Patience

    def record(self, delivery: str, version_id: str | None = None) -> Receipt | None:
        """Records one delivery and returns its receipt; None where the object has been deleted meanwhile.

        Raises:
            Busy: contention outlasted the deadline; recording it again does the rest.
        """
        with tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES) as content:
            etag = self.bucket.fetch(delivery, version_id, content)
            if etag is None:
                return None
            with StagedRows() as staged:
                return _Recording(self, delivery, etag, staged).run(content)


@dataclass
class _Recording:
    recorder: Recorder
    delivery: str
    etag: str
    staged: StagedRows
    rejected: Rejections = field(default_factory=Rejections)

    def run(self, content: IO[bytes]) -> Receipt | None:
        is_readable = self._stage(content)
        last_expiry = self.staged.last_expiry()
        if not is_readable or last_expiry is None:
            return self._write_receipt([], 0)
        if not self._claim(last_expiry):
            return self._write_conflict()
        try:
            self._record()
        except Conflict:
            return self._write_conflict()
        return self._write_receipt(self.staged.recorded(MAX_ROWS), self.staged.recorded_count())

    def _stage(self, content: IO[bytes]) -> bool:
        """Puts the good rows in order; False where the file as a whole cannot be read."""
        content.seek(0)
        try:
            if len(self.delivery.encode()) > MAX_KEY_BYTES:
                reason = f"the name of the file is longer than {MAX_KEY_BYTES} bytes"
                raise UnreadableFile(Rejection(1, "", "", reason))
            self.staged.add(self._good_rows(content))
        except UnreadableFile as unreadable:
            self.rejected = Rejections()
            self.rejected.add(unreadable.rejection)
            return False
        return True

    def _good_rows(self, content: IO[bytes]) -> Iterator[Row]:
        for row in read_rows(text_lines(content), self.recorder.zone, int(self.recorder.clock())):
            if isinstance(row, Row):
                yield row
            else:
                self.rejected.add(row)

    def _claim(self, last_expiry: int) -> bool:
        """Writes down which content this key stands for; False where it stands for other content."""
        client: DynamoDBClient = self.recorder.stock.client
        try:
            client.put_item(
                TableName=self.recorder.transactions,
                Item={
                    "transaction_id": text(RESERVED_PREFIX + self.delivery),
                    "request_hash": text(self.etag),
                    "status": text("delivery"),
                    "at": text(iso(self.recorder.clock())),
                    "forget_at": number(last_expiry + REMEMBERED_SECONDS),
                },
                ConditionExpression=conditions.IS_NEW_OR_SAME_DELIVERY,
                ExpressionAttributeValues={":etag": text(self.etag)},
            )
        except ClientError as error:
            if code_of(error) != "ConditionalCheckFailedException":
                raise
            return False
        return True

    def _record(self) -> None:
        """Records the rows by several workers; no more is read than they are at, and no ingredient by two of them."""
        workers = workers_for(self.staged.ingredients())
        waiting: deque[Future[_Missed]] = deque()
        with ThreadPoolExecutor(workers) as threads:
            last = ""
            for groups in _packed(self.staged.groups(MAX_GROUP)):
                while waiting and (len(waiting) >= 2 * workers or groups[0][0].ingredient == last):
                    self._note(waiting.popleft().result())
                waiting.append(threads.submit(self._record_groups, groups))
                last = groups[-1][0].ingredient
            while waiting:
                self._note(waiting.popleft().result())

    def _record_groups(self, groups: list[list[Row]]) -> _Missed:
        """Records groups of one ingredient each, and returns the rows that could not be, with the reason."""
        recorder = self.recorder
        batches = [[self._batch(row) for row in rows] for rows in groups]
        if len(groups) > 1 and receive_together(recorder.stock, batches, recorder.clock):
            return []
        return list(chain.from_iterable(map(self._record_group, groups, batches)))

    def _record_group(self, rows: list[Row], batches: list[Batch]) -> _Missed:
        recorder = self.recorder
        done = receive(recorder.stock, batches, recorder.clock, recorder.patience)
        late = {batch.best_before for batch in done.expired}
        surplus = {batch.best_before for batch in done.surplus}
        expired, full = "has passed: this stock has expired", "has too many live batches; wait until some have expired"
        return [
            *((row, Rejection(row.line, "best_before", row.best_before, expired)) for row in _of(rows, late)),
            *((row, Rejection(row.line, "ingredient", row.ingredient, full)) for row in _of(rows, surplus)),
        ]

    def _note(self, missed: _Missed) -> None:
        self.staged.mark_unrecorded(row for row, _ in missed)
        for _, rejection in missed:
            self.rejected.add(rejection)

    def _batch(self, row: Row) -> Batch:
        return Batch(
            ingredient=row.ingredient,
            batch_id=batch_id_of(self.delivery, row.best_before),
            delivery=self.delivery,
            quantity=row.quantity,
            received=row.quantity,
            best_before=row.best_before,
            expires_at=row.expires_at,
            etag=self.etag,
            received_at=iso(self.recorder.clock()),
        )

    def _write_receipt(self, recorded: list[Row], recorded_rows: int) -> Receipt | None:
        now = self.recorder.clock()
        receipt = receipt_of(self.delivery, self.etag, recorded, recorded_rows, self.rejected, now)

        def unless_there_is_a_better(existing: Receipt | None) -> Receipt | None:
            if existing is None or not existing["recorded"]:
                return with_conflicts_of(existing, receipt)
            return None if existing["etag"] == self.etag else self._conflict_in(existing)

        return self.recorder.bucket.write_receipt(self.delivery, unless_there_is_a_better)

    def _write_conflict(self) -> Receipt | None:
        return self.recorder.bucket.write_receipt(self.delivery, self._conflict_in)

    def _conflict_in(self, existing: Receipt | None) -> Receipt | None:
        """The receipt with this file as a conflict. The first file's own receipt may not be written yet."""
        if existing is None:
            existing = unfinished(self.delivery)
        changed = with_conflict(existing, self.etag, self.recorder.clock())
        return None if changed == existing else changed


def _of(rows: Iterable[Row], best_befores: set[str]) -> Iterator[Row]:
    return (row for row in rows if row.best_before in best_befores)


def _packed(groups: Iterable[list[Row]]) -> Iterator[list[list[Row]]]:
    """Groups together as far as they fit one transaction, in which each ingredient takes two actions of its own."""
    pack: list[list[Row]] = []
    actions = 0
    for group in groups:
        if pack and actions + len(group) + 2 > MAX_ACTIONS:
            yield pack
            pack, actions = [], 0
        pack.append(group)
        actions += len(group) + 2
    if pack:
        yield pack
