"""What `ingest --dry-run` asks a stack, where one can be reached; it starts and deploys none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stockctl.aws.clients import Clients
from stockctl.aws.errors import EXPECTED
from stockctl.cli.ingest_checks import early_stock, note_same_content, refuse_misspelt, refuse_resent_rows
from stockctl.client.deployment import Deployment
from stockctl.client.supplier import foreseen
from stockctl.domain.errors import Refused
from stockctl.domain.parts import Part, parts_of
from stockctl.domain.receipt import DeliveryStatus, Findings
from stockctl.domain.rejection import UnreadableFile
from stockctl.operations.claims import Claims
from stockctl.operations.drop_bucket import DropBucket
from stockctl.operations.stock_table import StockTable

if TYPE_CHECKING:
    from stockctl.cli.session import Session
    from stockctl.cli.supplier_files import Checked
    from stockctl.domain.best_before import DateReading


@dataclass(frozen=True)
class ReachableStack:
    """A stack that answers."""

    clients: Clients
    deployment: Deployment


def reachable_stack(session: Session) -> ReachableStack | None:
    """The session's stack, reported on stderr as for other commands, or None where it cannot be reached."""
    from stockctl.cli.target import existing

    try:
        target = existing(session.settings, session.environment)
        if target is None:
            return None
        clients = Clients.of_target(target)
        stack = ReachableStack(clients, Deployment.of(clients, target))
    except EXPECTED:
        return None
    session.environment.note(f"stockctl: {target.describe()}")
    return stack


@dataclass
class Foreseen:
    """What sending files would come to: duplicates and conflicts by their keys, and why nothing would be sent."""

    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    refusal: Refused | None = None


def foresee(
    session: Session, stack: ReachableStack | None, files: Sequence[Checked], *, again: bool, new: bool
) -> Foreseen:
    """Compares files with what a stack has, as they would be compared before they are sent."""
    found = Foreseen()
    if stack is None:
        session.environment.note("note: no stack was reached, so nothing was compared with its deliveries and stock")
        return found
    bucket = DropBucket(stack.clients.s3, stack.deployment.drop_bucket)
    table = StockTable(stack.clients.dynamodb, stack.deployment.stock_table)
    claims = Claims(stack.clients.dynamodb, stack.deployment.transaction_table)
    reading = stack.deployment.date_reading
    try:
        if not again:
            refuse_resent_rows(session, bucket, files)
        refuse_misspelt(session, table, files, new=new, dry_run=True)
        note_same_content(session, bucket, files)
    except Refused as refusal:
        found.refusal = refusal
    for file in files:
        if document := _decided(bucket, claims, file, reading):
            found.documents[file.file.key] = document
        else:
            for line in early_stock(table, file.rows):
                session.environment.note(line)
    return found


def _decided(bucket: DropBucket, claims: Claims, file: Checked, reading: DateReading) -> dict[str, Any] | None:
    """What differs in a file's document because its key was sent before; None where it would be recorded.

    `reading` is the stack's, which the parts of a large file were made with.
    """
    own = Part(file.file.key, file.file.content)
    try:
        parts = [own] if file.file.is_named else parts_of(own.key, own.content, reading)
    except UnreadableFile:  # as the stack reads dates: --date-order reads them in another way
        return None
    results = [foreseen(bucket, part.key, part.content, claims) for part in parts]
    decided = [result for result in results if result]
    if any(result.status is DeliveryStatus.CONFLICT for result in decided):
        return {**Findings().document(), "status": "conflict"}
    if len(decided) < len(results):
        return None
    return {**(decided[0].findings if len(decided) == 1 else {}), "status": "duplicate"}
