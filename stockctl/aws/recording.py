"""Recording a delivery: from an object in the drop bucket to batches, levels and a receipt.

Whatever fails on the way, the whole is done again when the event comes again: a delivery's record says which content
its key stands for, a batch is recorded once, and a receipt is written when all is done and never made worse.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from typing import IO, TYPE_CHECKING
from zoneinfo import ZoneInfo

from botocore.exceptions import ClientError

from stockctl.aws import conditions
from stockctl.aws.drop_bucket import DropBucket
from stockctl.aws.errors import code_of
from stockctl.aws.receive import Conflict, RosterFull, receive
from stockctl.aws.retry import Patience
from stockctl.aws.rows import number, text
from stockctl.aws.stock_table import StockTable
from stockctl.domain.delivery import Rejection, Row, UnreadableFile, added_up, read_rows, text_lines
from stockctl.domain.instants import iso
from stockctl.domain.receipt import Receipt, receipt_of, unfinished, with_conflict, with_conflicts_of
from stockctl.domain.stock import Batch, batch_id_of
from stockctl.domain.transaction import RESERVED_PREFIX

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

REMEMBERED_SECONDS = int(timedelta(days=90).total_seconds())
"""How long after its last best-before a delivery's key stays taken."""

MAX_KEY_BYTES = 900
"""A batch's sort key holds the delivery's key and a best-before, in DynamoDB's 1,024 bytes."""

IN_MEMORY_BYTES = 8 << 20


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
            return _Recording(self, delivery, etag).run(content)


@dataclass
class _Recording:
    recorder: Recorder
    delivery: str
    etag: str
    recorded: list[Row] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)

    def run(self, content: IO[bytes]) -> Receipt | None:
        rows = self._readable_rows(content)
        if not rows:
            return self._write_receipt()
        if not self._claim(max(row.expires_at for row in rows)):
            return self._write_conflict()
        try:
            for ingredient, group in _by_ingredient(rows):
                self._record_ingredient(ingredient, list(group))
        except Conflict:
            return self._write_conflict()
        return self._write_receipt()

    def _readable_rows(self, content: IO[bytes]) -> list[Row]:
        content.seek(0)
        rows: list[Row] = []
        try:
            if len(self.delivery.encode()) > MAX_KEY_BYTES:
                reason = f"the name of the file is longer than {MAX_KEY_BYTES} bytes"
                raise UnreadableFile(Rejection(1, "", "", reason))
            for row in read_rows(text_lines(content), self.recorder.zone, int(self.recorder.clock())):
                if isinstance(row, Row):
                    rows.append(row)
                else:
                    self.rejected.append(row)
        except UnreadableFile as unreadable:
            self.rejected = [unreadable.rejection]
            return []
        return added_up(rows)

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

    def _record_ingredient(self, ingredient: str, rows: list[Row]) -> None:
        by_best_before = {row.best_before: row for row in rows}
        try:
            done = receive(
                self.recorder.stock, [self._batch(row) for row in rows], self.recorder.clock, self.recorder.patience
            )
        except RosterFull:
            reason = "has too many live batches; wait until some have expired"
            self.rejected += [Rejection(row.line, "ingredient", ingredient, reason) for row in rows]
            return
        self.recorded += [by_best_before[batch.best_before] for batch in (*done.recorded, *done.known)]
        late = [by_best_before[batch.best_before] for batch in done.expired]
        reason = "has passed: this stock has expired"
        self.rejected += [Rejection(row.line, "best_before", row.best_before, reason) for row in late]

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

    def _write_receipt(self) -> Receipt | None:
        self.recorded.sort(key=lambda row: row.line)
        self.rejected.sort(key=lambda rejection: rejection.line)
        receipt = receipt_of(self.delivery, self.etag, self.recorded, self.rejected, self.recorder.clock())

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


def _by_ingredient(rows: Iterable[Row]) -> Iterator[tuple[str, Iterator[Row]]]:
    return groupby(sorted(rows, key=lambda row: row.ingredient), key=lambda row: row.ingredient)
