"""Record a delivery: from an object in the drop bucket to batches, levels and a receipt.

It can be repeated after any failure: the claim says which content a key stands for, a batch is recorded once, and the
receipt is written last (stockctl/README.md, "Record a delivery").
"""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain
from typing import IO

from stockctl.domain.best_before import DateReading
from stockctl.domain.delivery import HAS_EXPIRED, DeliveryFile, Row
from stockctl.domain.fingerprint import Fingerprint
from stockctl.domain.instants import iso
from stockctl.domain.reasons import Reasons
from stockctl.domain.receipt import (
    MAX_ROWS,
    Findings,
    Receipt,
    Rejections,
    is_of,
    receipt_of,
    unfinished,
    with_conflict,
    with_conflicts_of,
)
from stockctl.domain.reconciliation import MAX_ACTIONS
from stockctl.domain.rejection import Rejection, UnreadableFile
from stockctl.domain.resend import WAS_RECORDED_BEFORE
from stockctl.domain.stock import Batch, batch_id_of
from stockctl.operations.claims import Claim, Claims
from stockctl.operations.drop_bucket import DropBucket
from stockctl.operations.receive import MAX_BATCHES, Conflict, receive, receive_together
from stockctl.operations.rows import batch_key
from stockctl.operations.sorted_rows import StagedRows
from stockctl.operations.use import Tables
from stockctl.operations.workers import workers_for

MAX_KEY_BYTES = 900
"""A batch's sort key holds the delivery's key and a best-before, in DynamoDB's 1,024 bytes."""

MAX_MEGABYTES = 100
"""The size of a delivery, unless the stack's parameter MaxDeliverySize says otherwise."""

IN_MEMORY_BYTES = 8 << 20

MAX_GROUP = 10 * MAX_BATCHES
"""Rows of one ingredient that a thread records at once."""

_Missed = list[tuple[Row, Rejection]]


@dataclass(frozen=True)
class Recorder:
    """Where deliveries come from and are recorded, how their dates are read, and how large (MB) they may be."""

    bucket: DropBucket
    tables: Tables
    reading: DateReading
    max_megabytes: int = MAX_MEGABYTES

    @property
    def claims(self) -> Claims:
        """The claims of deliveries to their keys."""
        return Claims(self.tables.stock.client, self.tables.transactions)

    def record(self, delivery: str, version_id: str | None = None) -> Receipt | None:
        """Records one delivery and returns its receipt; None if the object has been deleted.

        Raises:
            Busy: contention outlasted the deadline; recording it again does the rest.
        """
        with tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES) as content, StagedRows() as staged:
            etag = self.bucket.fetch(delivery, version_id, content, self.max_megabytes << 20)
            if etag is None:
                return None
            fingerprint = Fingerprint.of(content, etag)
            return _Recording(self, delivery, etag, fingerprint, staged).run(content)


@dataclass
class _Recording:
    recorder: Recorder
    delivery: str
    etag: str
    fingerprint: Fingerprint
    staged: StagedRows
    rejected: Rejections = field(default_factory=Rejections)
    warnings: Reasons = field(default_factory=Reasons)
    ignored_columns: tuple[str, ...] = ()
    missed: set[int] = field(default_factory=set)
    is_new: bool = False

    def run(self, content: IO[bytes]) -> Receipt | None:
        at = self.recorder.tables.clock()
        is_readable = self._stage(content, at)
        if is_readable and any(reason.reason == HAS_EXPIRED for reason in self.rejected.reasons):
            earlier = self.recorder.claims.find(self.delivery, self.fingerprint)
            if earlier and earlier.at < at:  # an attempt that began before these rows expired may have recorded them
                self._stage(content, earlier.at)
        last_expiry = self.staged.last_expiry()
        if not is_readable or last_expiry is None:
            return self._write_receipt()
        claims = self.recorder.claims
        claim = claims.take(self.delivery, self.etag, self.fingerprint, at, last_expiry)
        if claim is None:
            return self._write_conflict()
        self.is_new = claim.is_new
        try:
            self._record(claim)
        except Conflict:
            return self._write_conflict()
        claims.complete(self.delivery, claim.etag, self.missed)
        self._warn_of_resent_rows()
        return self._write_receipt()

    def _stage(self, content: IO[bytes], at: float) -> bool:
        """Sorts the good rows; False if the file as a whole cannot be read."""
        self.staged.clear()
        self.rejected = Rejections()
        try:
            self._check_limits(content)
            content.seek(0)
            file = DeliveryFile(content, self.recorder.reading, at)
            self.warnings, self.ignored_columns = file.warnings, file.layout.ignored
            self.staged.add(self._good_rows(file))
        except UnreadableFile as unreadable:
            self.staged.clear()
            self.rejected = Rejections()
            self.rejected.add(unreadable.rejection)
            return False
        return True

    def _check_limits(self, content: IO[bytes]) -> None:
        if len(self.delivery.encode()) > MAX_KEY_BYTES:
            reason = f"the name of the file is longer than {MAX_KEY_BYTES} bytes"
            raise UnreadableFile(Rejection(1, "", "", reason))
        if content.seek(0, 2) > self.recorder.max_megabytes << 20:
            reason = f"the file is larger than {self.recorder.max_megabytes} MB"
            raise UnreadableFile(Rejection(1, "", "", reason, "send it as several files"))

    def _good_rows(self, file: DeliveryFile) -> Iterator[Row]:
        for row in file.rows():
            if isinstance(row, Row):
                yield row
            else:
                self.rejected.add(row)

    def _record(self, claim: Claim) -> None:
        """Records the rows with several threads. Reads ahead only a little, and never gives an ingredient to two
        threads."""
        workers = workers_for(self.staged.ingredients())
        waiting: deque[Future[_Missed]] = deque()
        with ThreadPoolExecutor(workers) as threads:
            last = ""
            for groups in _packed(self.staged.groups(MAX_GROUP)):
                while waiting and (len(waiting) >= 2 * workers or groups[0][0].ingredient == last):
                    self._note(waiting.popleft().result())
                waiting.append(threads.submit(self._record_groups, claim, groups))
                last = groups[-1][0].ingredient
            while waiting:
                self._note(waiting.popleft().result())

    def _record_groups(self, claim: Claim, groups: list[list[Row]]) -> _Missed:
        """Records groups of one ingredient each; returns the rows that were not recorded, with reasons."""
        tables = self.recorder.tables
        batches = [[self._batch(claim, row) for row in rows] for rows in groups]
        if len(groups) > 1 and receive_together(tables.stock, batches, tables.clock):
            return []
        pairs = zip(groups, batches, strict=True)
        return list(chain.from_iterable(self._record_group(claim, *pair) for pair in pairs))

    def _record_group(self, claim: Claim, rows: list[Row], batches: list[Batch]) -> _Missed:
        tables = self.recorder.tables
        done = receive(tables.stock, batches, tables.clock, tables.patience)
        late = {batch.best_before for batch in done.expired}
        surplus = {batch.best_before for batch in done.surplus}
        full = "has too many live batches; wait until some have expired"
        expired = (row for row in _of(rows, late) if not self._was_recorded(claim, row))
        return [
            *((row, Rejection(row.line, "best_before", row.best_before, HAS_EXPIRED)) for row in expired),
            *((row, Rejection(row.line, "ingredient", row.ingredient, full)) for row in _of(rows, surplus)),
        ]

    def _note(self, missed: _Missed) -> None:
        self.staged.mark_unrecorded(row for row, _ in missed)
        self.missed |= {row.line for row, _ in missed}
        for _, rejection in missed:
            self.rejected.add(rejection)

    def _was_recorded(self, claim: Claim, row: Row) -> bool:
        """Whether an earlier attempt recorded a row that has expired since: the claim knows, or else the batch does."""
        if claim.missed is not None:
            return row.line not in claim.missed
        stock = self.recorder.tables.stock
        key = batch_key(row.ingredient, batch_id_of(self.delivery, row.best_before))
        batch = stock.client.get_item(TableName=stock.name, Key=key, ConsistentRead=True).get("Item")
        return batch is not None and batch["etag"].get("S") == claim.etag

    def _warn_of_resent_rows(self) -> None:
        """Warns of rows that an earlier delivery of the same file has brought: a drop cannot be asked what it means."""
        for earlier in self.recorder.bucket.earlier_receipts(self.delivery):
            pairs = ((row["ingredient"], row["best_before"]) for row in earlier["recorded"])
            for row in self.staged.matching(pairs):
                value = f"{row.ingredient} {row.best_before}"
                self.warnings.add(Rejection(row.line, "", value, WAS_RECORDED_BEFORE, earlier["delivery"]))

    def _batch(self, claim: Claim, row: Row) -> Batch:
        return Batch(
            ingredient=row.ingredient,
            batch_id=batch_id_of(self.delivery, row.best_before),
            delivery=self.delivery,
            quantity=row.quantity,
            received=row.quantity,
            best_before=row.best_before,
            expires_at=row.expires_at,
            etag=claim.etag,
            received_at=iso(self.recorder.tables.clock()),
        )

    def _write_receipt(self) -> Receipt | None:
        findings = Findings(
            recorded=self.staged.recorded(MAX_ROWS),
            recorded_rows=self.staged.recorded_count(),
            rejected=self.rejected,
            warnings=self.warnings,
            ignored_columns=self.ignored_columns,
        )
        now = self.recorder.tables.clock()
        receipt = receipt_of(self.delivery, self.etag, self.fingerprint.checksum, findings, now)

        def unless_there_is_a_better(existing: Receipt | None) -> Receipt | None:
            if existing is None or not existing["recorded"]:
                return with_conflicts_of(existing, receipt)
            if not is_of(existing, self.fingerprint):
                return self._conflict_in(existing)
            # Where the tables were lost, a receipt outlives the rows it is about: then this is the first attempt.
            return with_conflicts_of(existing, receipt) if self.is_new else None

        return self.recorder.bucket.write_receipt(self.delivery, unless_there_is_a_better)

    def _write_conflict(self) -> Receipt | None:
        return self.recorder.bucket.write_receipt(self.delivery, self._conflict_in)

    def _conflict_in(self, existing: Receipt | None) -> Receipt | None:
        """The receipt with this file as a conflict, None if it has it already.

        If the first file has no receipt yet, the new one has the status `recording`.
        """
        if existing is None:
            existing = unfinished(self.delivery)
        changed = with_conflict(existing, self.etag, self.fingerprint, self.recorder.tables.clock())
        return None if changed == existing else changed


def _of(rows: Iterable[Row], best_befores: set[str]) -> Iterator[Row]:
    return (row for row in rows if row.best_before in best_befores)


def _packed(groups: Iterable[list[Row]]) -> Iterator[list[list[Row]]]:
    """Combines groups as far as they fit one transaction. Each ingredient takes two more actions: level, roster."""
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
