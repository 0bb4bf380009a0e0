"""What `ingest` asks before it sends: whether rows are being sent again, and whether new ingredients are misspelt."""

from __future__ import annotations

import io
import itertools
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from stockctl.aws.errors import code_of
from stockctl.cli.completion import INGREDIENTS
from stockctl.cli.ingredients import NAMED, misspelt, questions
from stockctl.domain.delivery import Row, digest_in_key, file_of, whole_delivery
from stockctl.domain.errors import Refused
from stockctl.domain.fingerprint import Fingerprint
from stockctl.domain.lookalikes import lookalikes
from stockctl.domain.receipt import is_of
from stockctl.domain.resend import Resent, resent
from stockctl.terminal.figures import counts

if TYPE_CHECKING:
    from stockctl.cli.session import Session
    from stockctl.cli.supplier_files import Checked
    from stockctl.operations.drop_bucket import DropBucket
    from stockctl.operations.stock_table import StockTable

NOTES = 10
"""Oddities that are reported one by one."""


def refuse_resent_rows(session: Session, bucket: DropBucket, files: Sequence[Checked]) -> None:
    """Refuses files with rows that an earlier delivery of the same file name recorded.

    Raises:
        Refused: a row would count twice.
    """
    for file in files:
        try:
            if bucket.receipt(file.file.key):
                continue  # it is the same content again, which changes nothing
            earlier = next(resent(file.rows, bucket.earlier_receipts(file.file.key)), None)
        except ClientError as error:
            if code_of(error) != "AccessDenied":
                raise
            session.environment.note("note: earlier deliveries were not compared: s3:ListBucket is not allowed")
            return
        if earlier:
            raise _resent_refusal(file, earlier)


def note_same_content(session: Session, bucket: DropBucket, files: Sequence[Checked]) -> None:
    """Notes files whose content was recorded under another name, or is sent under two names now: it counts again."""
    firsts: dict[Fingerprint, Checked] = {}
    same: dict[str, str] = {}
    for file in files:
        first = firsts.setdefault(Fingerprint.of(io.BytesIO(file.file.content)), file)
        if first.file.key != file.file.key:
            same[file.file.key] = first.file.name
    try:
        same |= _recorded_under_others(bucket, {file.file.key: content for content, file in firsts.items()})
        for file in files:
            other = same.pop(file.file.key, None)
            if other and not any(receipt["recorded_rows"] for receipt in bucket.receipts_of(file.file.key)):
                session.environment.note(f"note: {file.file.name} has the content of {other}, and counts again")
    except ClientError as error:
        if code_of(error) != "AccessDenied":
            raise


def _recorded_under_others(bucket: DropBucket, contents: Mapping[str, Fingerprint]) -> dict[str, str]:
    """For each key whose content was recorded under another key: that key."""
    by_tag = {tag: key for key, content in contents.items() for tag in content.tags}
    by_digest = {digest_in_key(content.checksum): key for key, content in contents.items()}
    found: dict[str, str] = {}
    for delivery, tag in bucket.dropped():
        key = by_tag.get(tag) or by_digest.get(file_of(delivery)[1])
        if key and key not in found and whole_delivery(delivery) != key and _recorded(bucket, delivery, contents[key]):
            found[key] = whole_delivery(delivery)
    return found


def _recorded(bucket: DropBucket, delivery: str, content: Fingerprint) -> bool:
    """Whether a delivery of this content, or of a part of it, was recorded."""
    receipt = bucket.receipt(delivery)
    if receipt is None or not receipt["recorded_rows"]:
        return False
    return is_of(receipt, content) or whole_delivery(delivery) != delivery


def _resent_refusal(file: Checked, earlier: Resent) -> Refused:
    rows = ", ".join(f"{row.ingredient} {row.best_before}" for row in earlier.rows[:NAMED])
    more = f" and {counts(len(earlier.rows) - NAMED, 'more row')}" if len(earlier.rows) > NAMED else ""
    message = f"{file.file.name} has rows that {earlier.delivery} recorded before: {rows}{more}; nothing was sent"
    correct = f"`--corrects {shlex.quote(whole_delivery(earlier.delivery))}` books the difference to that delivery."
    if earlier.was_partial:
        correct = f"That delivery was recorded in part: send only the rows that were rejected, corrected. Or: {correct}"
    return Refused(message, f"{correct} `--again` sends the whole file, and those rows count twice.")


def refuse_misspelt(
    session: Session, table: StockTable, files: Sequence[Checked], *, new: bool, dry_run: bool = False
) -> None:
    """Notes new ingredients, and asks about those that look like a known one, unless `new` says they are.

    A dry run asks nothing.

    Raises:
        Refused: they may be misspelt, and nobody says that they are not.
    """
    known = set(table.ingredients())
    absent = sorted({row.ingredient for file in files for row in file.rows} - known)
    alike = lookalikes(absent, known)
    if absent and not dry_run:
        INGREDIENTS.replace(session.settings.stack, {*known, *absent})
    if absent and known:
        more = f" and {counts(len(absent) - NOTES, 'other')}" if len(absent) > NOTES else ""
        session.environment.note(f"note: new ingredients: {', '.join(absent[:NOTES])}{more}")
    for question in questions(alike)[:NOTES]:
        session.environment.note(f"note: {question}")
    if not alike or new:
        return
    can_ask = session.environment.stdin_is_terminal and not dry_run
    if can_ask and session.environment.agrees("Send them as new ingredients?"):
        return
    raise misspelt(alike, "send", "sent")


def early_stock(table: StockTable, rows: Sequence[Row]) -> list[str]:
    """Notes on rows that expire before what is in stock already."""
    early = list(itertools.islice(_early(table, rows), NOTES + 1))
    notes = [f"note: {row.ingredient} of {row.best_before} expires before what is here already" for row in early]
    if len(early) > NOTES:
        notes[NOTES] = "note: other rows expire before what is here already, too"
    return notes


def _early(table: StockTable, rows: Sequence[Row]) -> Iterator[Row]:
    known = {level.ingredient: level for level in table.levels([row.ingredient for row in rows])}
    for row in rows:
        next_expiry = known[row.ingredient].next_expiry if row.ingredient in known else None
        if next_expiry and row.expires_at < next_expiry:
            yield row
