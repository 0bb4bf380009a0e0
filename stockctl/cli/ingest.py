"""`stockctl ingest`: checks suppliers' files here, drops them, and shows what was recorded and what was not."""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stockctl.cli.completion import remember_ingredients
from stockctl.cli.ingredients import did_you_mean
from stockctl.cli.session import Session, with_writing_session
from stockctl.domain.errors import ExitCode, StockctlError, UsageError
from stockctl.terminal.figures import best_before, counts, units
from stockctl.terminal.output import Column, OutputFormat, Table

if TYPE_CHECKING:
    from stockctl.aws.retry import Patience
    from stockctl.client.deployment import Deployment
    from stockctl.client.supplier import Delivered
    from stockctl.domain.delivery import Rejection, Row
    from stockctl.domain.parts import Part
    from stockctl.operations.drop_bucket import DropBucket

STDIN = "-"
NOTES = 10
"""Oddities that are told one by one."""

PARTS_AT_ONCE = 4
"""Parts of a large file that are being recorded at the same time."""

Document = dict[str, Any]


@dataclass(frozen=True)
class SupplierFile:
    """One file to ingest: its name here, the key it is dropped under, and its content."""

    name: str
    key: str
    content: bytes
    is_named: bool = False


@dataclass(frozen=True)
class Checked:
    """What a look at a file here found: the rows that can be recorded, and those that cannot."""

    good: tuple[Row, ...]
    bad: tuple[Rejection, ...]


@with_writing_session
def ingest(
    session: Session,
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="CSV files; - is standard input.")],
    batch_id: Annotated[
        str | None,
        typer.Option("--batch-id", metavar="NAME", help="Name of the delivery, instead of one made from the file."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check the files here; send nothing.")] = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for the receipt.")] = True,
    rejects: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the rejected rows to this CSV, to mend and send again.")
    ] = None,
    time_zone: Annotated[
        str | None,
        typer.Option("--time-zone", metavar="ZONE", help="Whose days dates are, for --dry-run; UTC if left out."),
    ] = None,
) -> None:
    """Bring deliveries into stock, from CSV files with the columns ingredient, quantity and best_before.

    The same file twice is the same delivery, so a repeat changes nothing. Exit code 3 says that nothing of a file
    could be recorded.

    Examples:
        stockctl ingest monday.csv tuesday.csv
        stockctl ingest monday.csv --rejects mend.csv
        cat monday.csv | stockctl ingest - --batch-id monday
    """
    if batch_id is not None and not batch_id.strip():
        raise UsageError("--batch-id is empty", "Name the delivery, or leave the option out.")
    if batch_id and len(files) > 1:
        raise UsageError("--batch-id names one delivery, and there are several files", "Send them one by one.")
    if time_zone and not dry_run:
        raise UsageError(
            "--time-zone goes with --dry-run: a stack reads dates in its own",
            "`stockctl deploy --parameter TimeZone=ZONE` sets that.",
        )
    read = [_read(session, name, batch_id) for name in files]
    coming = _checked_here(session, read, time_zone or "UTC") if dry_run else _all_sent(session, read, wait)
    documents: list[Document] = []
    try:
        documents += coming  # one by one: what came before a fault, or Ctrl-C, is kept
    finally:
        if documents:
            _tell(session, read[: len(documents)], documents, rejects)
    if any(document["status"] in {"rejected", "conflict"} for document in documents):
        raise typer.Exit(ExitCode.REFUSED)


def _checked_here(session: Session, files: list[SupplierFile], zone: str) -> Iterator[Document]:
    for file in files:
        yield _document_of(file, _checked(session, file, zone))
    session.environment.tell("nothing was sent (--dry-run)")


def _all_sent(session: Session, files: list[SupplierFile], wait: bool) -> Iterator[Document]:
    deployment = deployment_of(session)
    for number, file in enumerate(files, start=1):
        if len(files) > 1:
            session.environment.passing(f"file {number} of {len(files)}: {file.name}")
        yield _sent(session, deployment, file, wait)


def _tell(session: Session, files: list[SupplierFile], documents: list[Document], rejects: Path | None) -> None:
    _show(session, documents)
    _tell_rejected(session, files, documents)
    if rejects:
        _write_rejects(rejects, files, documents)


def deployment_of(session: Session) -> Deployment:
    """The parts of the session's stack."""
    from stockctl.client.deployment import Deployment

    return Deployment.of(session.clients, session.target)


def _read(session: Session, name: str, batch_id: str | None) -> SupplierFile:
    from stockctl.domain.delivery import csv_named, delivery_key

    if name == STDIN:
        content = session.environment.stdin.buffer.read()
    else:
        try:
            content = Path(name).read_bytes()
        except OSError as error:
            raise UsageError(f"{name} cannot be read: {error.strerror}", "Name a CSV file, or - for stdin.") from error
    file_name = "stdin.csv" if name == STDIN else Path(name).name
    key = delivery_key(file_name, hashlib.sha256(content).hexdigest())
    if batch_id:
        key = csv_named(batch_id)
    return SupplierFile("stdin" if name == STDIN else name, key, content, batch_id is not None)


def _checked(session: Session, file: SupplierFile, zone: str) -> Checked:
    """The rows as the service would see them, were it to look at the file now."""
    from stockctl.domain.delivery import Row, UnreadableFile, added_up, read_rows, text_lines
    from stockctl.domain.instants import time_zone

    try:
        known_zone = time_zone(zone)
    except ValueError as error:
        raise UsageError(f"--time-zone: {error}", "Name it as in Europe/London or UTC.") from error
    good: list[Row] = []
    bad: list[Rejection] = []
    now = int(session.environment.now().timestamp())
    try:
        for row in read_rows(text_lines(io.BytesIO(file.content)), known_zone, now):
            if isinstance(row, Row):
                good.append(row)
            else:
                bad.append(row)
    except UnreadableFile as unreadable:
        return Checked((), (unreadable.rejection,))
    return Checked(tuple(added_up(good)), tuple(bad))


def _document_of(file: SupplierFile, checked: Checked) -> Document:
    from stockctl.domain.receipt import recorded_row, rejected_row, status_of

    return {
        "delivery": file.key,
        "status": status_of(len(checked.good), len(checked.bad)).value,
        "recorded": [recorded_row(row) for row in checked.good],
        "rejected": [rejected_row(row) for row in checked.bad],
    }


def _sent(session: Session, deployment: Deployment, file: SupplierFile, wait: bool) -> Document:
    from stockctl.client.supplier import WAITING, deliver
    from stockctl.domain.parts import Part, parts_of
    from stockctl.operations.drop_bucket import DropBucket

    checked = _checked(session, file, deployment.time_zone)
    document = _document_of(file, checked)
    if not document["recorded"]:
        session.environment.tell(f"{file.name}: nothing of it can be recorded, so it was not sent")
        return document
    _tell_what_is_odd(session, deployment, checked.good)
    bucket = DropBucket(session.clients.s3, deployment.drop_bucket)
    # A name that was given is taken once: in parts it could be taken twice, by files of different lengths.
    parts = [Part(file.key, file.content)] if file.is_named else parts_of(file.key, file.content)
    if len(parts) == 1:
        return _delivered_document(deliver(bucket, file.key, file.content, WAITING if wait else None))
    documents = _parts_sent(session, bucket, parts, WAITING if wait else None)
    sent = {line for part in parts for line in part.lines.values()}
    return _joined(file.key, documents, [row for row in document["rejected"] if row["line"] not in sent])


def _parts_sent(session: Session, bucket: DropBucket, parts: list[Part], waiting: Patience | None) -> list[Document]:
    """Delivers parts, some of them at the same time; what each became of, with the lines of the file."""
    from concurrent.futures import ThreadPoolExecutor

    from stockctl.client.supplier import deliver

    session.environment.passing(f"0 of {len(parts)} parts recorded")

    def one(part: Part) -> Document:
        document = _delivered_document(deliver(bucket, part.key, part.content, waiting))
        rejected = [{**row, "line": part.line_in_file(row["line"])} for row in document["rejected"]]
        return {**document, "rejected": rejected}

    documents = []
    with ThreadPoolExecutor(PARTS_AT_ONCE) as threads:
        for number, document in enumerate(threads.map(one, parts), start=1):
            session.environment.passing(f"{number} of {len(parts)} parts recorded")
            documents.append(document)
    return documents


def _joined(key: str, documents: list[Document], rejected: list[Document]) -> Document:
    """One document for the parts of a file; `rejected` are rows that could not be sent in any."""
    found = {document["status"] for document in documents}
    rejected = sorted((row for row in itertools.chain(rejected, *_each(documents, "rejected"))), key=_line)
    worst = next((status for status in ("conflict", "sent", "partial") if status in found), None)
    status = worst or ("recorded" if "recorded" in found else "duplicate" if "duplicate" in found else "rejected")
    if status in {"recorded", "duplicate"} and rejected:
        status = "partial"
    recorded = list(itertools.chain(*_each(documents, "recorded")))
    parts = [document["delivery"] for document in documents]
    return {"delivery": key, "status": status, "parts": parts, "recorded": recorded, "rejected": rejected}


def _each(documents: list[Document], name: str) -> Iterator[list[Document]]:
    return (document[name] for document in documents)


def _line(row: Document) -> int:
    return int(row["line"])


def _delivered_document(delivered: Delivered) -> Document:
    return {
        "delivery": delivered.delivery,
        "status": delivered.status.value if delivered.status else "sent",
        "recorded": delivered.recorded,
        "rejected": delivered.rejected,
    }


def _tell_what_is_odd(session: Session, deployment: Deployment, rows: Sequence[Row]) -> None:
    """Warns of ingredients that are new, perhaps misspelt, and of stock that expires before what is here already."""
    notes = list(itertools.islice(_odd(session, deployment, rows), NOTES + 1))
    for note in notes[:NOTES]:
        session.environment.tell(f"note: {note}")
    if len(notes) > NOTES:
        session.environment.tell("note: and more like these")


def _odd(session: Session, deployment: Deployment, rows: Sequence[Row]) -> Iterator[str]:
    from stockctl.operations.stock_table import StockTable

    table = StockTable(session.clients.dynamodb, deployment.stock_table)
    known = {level.ingredient: level for level in table.levels([row.ingredient for row in rows])}
    absent = sorted({row.ingredient for row in rows} - set(known))
    before = table.ingredients() if absent else []
    if absent:
        remember_ingredients(session.settings.stack, {*before, *absent})
    if before:
        more = f" and {units(len(absent) - NOTES)} more" if len(absent) > NOTES else ""
        yield f"new here: {', '.join(absent[:NOTES])}{more}"
        yield from did_you_mean(session, absent[:NOTES])
    for row in rows:
        next_expiry = known[row.ingredient].next_expiry if row.ingredient in known else None
        if next_expiry and row.expires_at < next_expiry:
            yield f"{row.ingredient} of {row.best_before} expires before what is here already"


def _show(session: Session, documents: list[Document]) -> None:
    columns = [
        Column("delivery"),
        Column("status", folds=False),
        Column("ingredient"),
        Column("quantity", "right"),
        Column("best before", folds=False),
    ]
    rows, plain = [], []
    for document in documents:
        about = [document["delivery"], document["status"]]
        for number, row in enumerate(document["recorded"]):
            shown = ["", ""] if number else about
            rows.append([*shown, row["ingredient"], units(row["quantity"]), best_before(row["best_before"])])
            plain.append([*about, row["ingredient"], str(row["quantity"]), row["best_before"]])
        if not document["recorded"]:
            rows.append([*about, "", "", ""])
            plain.append([*about, "", "", ""])
    session.output.show(documents, Table(columns, rows, plain, total=_total(documents)))


def _total(documents: list[Document]) -> str:
    new = [document for document in documents if document["status"] not in {"duplicate", "sent"}]
    recorded = [row for document in new for row in document["recorded"]]
    rejected = sum(len(document["rejected"]) for document in documents)
    brought = f"{counts(len(recorded), 'batch')}, {units(sum(row['quantity'] for row in recorded))} units"
    deliveries = f"{units(len(documents))} {'delivery' if len(documents) == 1 else 'deliveries'}"
    if not new and not rejected:
        return deliveries
    return f"{deliveries}: {brought}" + (f"; {counts(rejected, 'row')} rejected" if rejected else "")


def _tell_rejected(session: Session, files: list[SupplierFile], documents: list[Document]) -> None:
    if session.output.format is OutputFormat.JSON:
        return
    for file, document in zip(files, documents, strict=True):
        for row in document["rejected"]:
            where = " ".join(part for part in (row["column"], repr(row["value"]) if row["value"] else "") if part)
            said = f"{file.name}:{row['line']}: rejected: {where} {row['reason']}".replace("  ", " ")
            session.environment.notices().print(said, soft_wrap=True)  # also to who asked for quiet
        if document["status"] == "sent":
            session.environment.tell(
                f"{file.name}: was sent; the same command without --no-wait says what became of it"
            )
        if document["status"] == "duplicate":
            session.environment.tell(f"{file.name}: was recorded before; nothing changed")
        if document["status"] == "conflict":
            session.environment.tell(f"{file.name}: this name was delivered before with other content; nothing changed")


def _write_rejects(path: Path, files: list[SupplierFile], documents: list[Document]) -> None:
    """The rejected rows as they were sent, under one header, so that mending them is editing them."""
    from stockctl.domain.delivery import COLUMNS, records_at

    try:
        with path.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(COLUMNS)
            for file, document in zip(files, documents, strict=True):
                lines = {row["line"] for row in document["rejected"]}
                writer.writerows(records_at(io.BytesIO(file.content), lines))
    except OSError as error:
        raise StockctlError(
            f"{path} cannot be written: {error.strerror}", "What could be recorded is; name another file for --rejects."
        ) from error
