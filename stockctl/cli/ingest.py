"""`stockctl ingest`: checks suppliers' files here, drops them, and shows what was recorded and what was not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stockctl.cli.completion import DELIVERIES
from stockctl.cli.session import Session, with_writing_session
from stockctl.domain.best_before import DateOrder, DateReading
from stockctl.domain.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from stockctl.cli.dry_run import ReachableStack
    from stockctl.cli.supplier_files import Checked, SupplierFile

Document = dict[str, Any]

REPEAT = "Run the same command again to see: nothing is recorded twice."


@with_writing_session
def ingest(
    session: Session,
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="CSV files; - is standard input.")],
    batch_id: Annotated[
        str | None,
        typer.Option(
            "--delivery",
            "--batch-id",
            metavar="NAME",
            help="Name of the delivery. Default: made from the file's name and content.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be recorded or refused; send nothing.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for the receipt (default).")] = True,
    rejects: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the rejected rows to FILE, to correct and send again.")
    ] = None,
    again: Annotated[
        bool,
        typer.Option(
            "--again",
            help="Send the file even if an earlier file of this name had some of its rows; those are counted twice.",
        ),
    ] = False,
    corrects: Annotated[
        str | None,
        typer.Option(
            metavar="DELIVERY",
            help="FILE is what this earlier delivery should have been: book the differences.",
            autocompletion=DELIVERIES.complete,
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="With --corrects: do not ask on a terminal.")] = False,
    new: Annotated[bool, typer.Option("--new", help="Send new ingredients even if they resemble known ones.")] = False,
    all_rows: Annotated[bool, typer.Option("--all-rows", help="Show every row of a large delivery.")] = False,
    time_zone: Annotated[
        str | None,
        typer.Option("--time-zone", metavar="ZONE", help="With --dry-run: time zone for dates. Default: the stack's."),
    ] = None,
    date_order: Annotated[
        DateOrder | None,
        typer.Option("--date-order", help="With --dry-run: order of dates with slashes. Default: the stack's."),
    ] = None,
) -> None:
    """Bring deliveries into stock, from CSV files with the columns ingredient, quantity and best_before.

    A file with the same name and content is the same delivery, so a repeat changes nothing. The same content under
    another name is another delivery: it counts again, and a note says so.

    Exits with 6 if some rows or files were refused, and with 3 if all were. Also exits with 3, and sends nothing, if an
    earlier file of the same name had some of the rows (see --again) or new ingredients resemble known ones (see --new).

    With --corrects, FILE holds the whole delivery as it should have been. What was recorded too little is added, and
    what was recorded too much is discarded as far as it is still there.

    Examples:
        stockctl ingest monday.csv tuesday.csv
        stockctl ingest monday.csv --rejects corrections.csv
        stockctl ingest monday.csv --corrects monday-0f1e2d3c4b5a.csv --dry-run
        cat monday.csv | stockctl ingest - --delivery monday
    """
    from stockctl.cli.dry_run import reachable_stack
    from stockctl.cli.rejects import check_rejects
    from stockctl.cli.supplier_files import read_file

    _check_options(files, batch_id, dry_run=dry_run, reads_dates=bool(time_zone or date_order))
    read = [read_file(session, name, batch_id) for name in files]
    if corrects is not None:
        from stockctl.cli.corrections import correct_delivery

        _check_correction(files, batch_id, wait=wait, has_rejects=rejects is not None, again=again)
        reading = session.deployment.date_reading
        correct_delivery(session, read[0], corrects, reading, dry_run=dry_run, new=new, yes=yes)
        return
    if yes:
        raise UsageError("--yes goes with --corrects: a delivery is not asked about", "Leave it out.")
    stack = reachable_stack(session) if dry_run else None
    reading = _dry_reading(stack, time_zone, date_order) if dry_run else session.deployment.date_reading
    checked = _checked(session, read, reading)
    if rejects:
        check_rejects(rejects, files, checked)
    if dry_run:
        as_read = bool(time_zone or date_order)
        sent = _would_be_sent(session, stack, checked, again=again, new=new, as_read=as_read)
    else:
        sent = _all_sent(session, checked, wait=wait, again=again, new=new)
    documents = _shown(session, checked, sent, rejects, all_rows=all_rows, dry_run=dry_run)
    if code := _exit_code(documents):
        raise typer.Exit(code)


def _check_options(files: list[str], batch_id: str | None, *, dry_run: bool, reads_dates: bool) -> None:
    if batch_id is not None and not batch_id.strip():
        raise UsageError("--delivery is empty", "Name the delivery, or leave the option out.")
    if batch_id and {"", ".", ".."} & set(batch_id.split("/")):
        raise UsageError(
            f"--delivery {batch_id} has an empty part, or one of dots", "Name it as in `monday` or `acme/monday`."
        )
    if batch_id and len(files) > 1:
        raise UsageError("--delivery names one delivery, and there are several files", "Send them one by one.")
    if reads_dates and not dry_run:
        raise UsageError(
            "--time-zone and --date-order go with --dry-run: a stack reads dates in its own way",
            "`stockctl deploy -p TimeZone=ZONE -p DateOrder=DMY` sets that.",
        )


def _check_correction(files: list[str], batch_id: str | None, *, wait: bool, has_rejects: bool, again: bool) -> None:
    if len(files) > 1:
        raise UsageError("--corrects takes one file, the whole delivery as it should have been", "Correct one by one.")
    if batch_id or has_rejects or again or not wait:
        raise UsageError(
            "--corrects cannot be combined with --delivery, --rejects, --again or --no-wait", "Leave those out."
        )


def _shown(
    session: Session,
    files: list[Checked],
    sent: Iterator[Document],
    rejects: Path | None,
    *,
    all_rows: bool,
    dry_run: bool,
) -> list[Document]:
    """Shows what becomes of files as they are sent; what came before a fault, or Ctrl-C, is shown too."""
    from stockctl.cli.ingest_report import report, show
    from stockctl.cli.rejects import write_rejects

    documents: list[Document] = []
    try:
        documents += sent
    finally:
        if documents:
            DELIVERIES.add(session.settings.stack, _recorded_keys(documents))
            done = files[: len(documents)]
            show(session, documents, all_rows=all_rows)
            report(session, done, documents, is_to_be_completed=rejects is None and not dry_run)
            if rejects:
                session.environment.note(_written(rejects, write_rejects(rejects, done, documents), dry_run=dry_run))
    return documents


def _written(rejects: Path, rows: int, *, dry_run: bool) -> str:
    if not rows:
        return f"{rejects}: not written, as there are no rows to correct"
    from stockctl.terminal.figures import counts

    advice = "the other rows were not sent either" if dry_run else "correct what is wrong, then ingest this file"
    return f"{rejects}: has {counts(rows, 'rejected row')}; {advice}"


def _recorded_keys(documents: list[Document]) -> list[str]:
    """The deliveries that were recorded, the newest first."""
    recorded = {"recorded", "partial", "duplicate"}
    return [document["delivery"] for document in reversed(documents) if document["status"] in recorded]


def _exit_code(documents: list[Document]) -> ExitCode:
    refused = [document["status"] in {"rejected", "conflict"} for document in documents]
    if all(refused):
        return ExitCode.REFUSED
    has_rejects = any(document["rejected_rows"] for document in documents)
    return ExitCode.PARTIAL if any(refused) or has_rejects else ExitCode.DONE


def _checked(session: Session, files: list[SupplierFile], reading: DateReading) -> list[Checked]:
    from stockctl.cli.supplier_files import checked

    now = int(session.environment.now().timestamp())
    return [checked(file, reading, now) for file in files]


def _dry_reading(stack: ReachableStack | None, zone: str | None, order: DateOrder | None) -> DateReading:
    """How dates are read in a dry run: as the options say, else as the stack would, else by the stack's defaults."""
    from stockctl.domain.instants import time_zone

    own = stack.deployment.date_reading if stack else DateReading(time_zone("UTC"))
    try:
        return DateReading(time_zone(zone) if zone else own.zone, order or own.date_order)
    except ValueError as error:
        raise UsageError(f"--time-zone: {error}", "Name it as in Europe/London or UTC.") from error


def _would_be_sent(
    session: Session, stack: ReachableStack | None, files: list[Checked], *, again: bool, new: bool, as_read: bool
) -> Iterator[Document]:
    """What would become of files. With `as_read`, the rows are those read here, even of a file that was sent before.

    Raises:
        Refused: nothing would be sent.
    """
    from stockctl.cli.dry_run import foresee

    good = [file for file in files if not file.is_empty]
    found = foresee(session, stack, good, again=again, new=new)
    for file in files:
        document = _document_of(file)
        if earlier := found.documents.get(file.file.key):
            document |= {"status": earlier["status"]} if as_read else earlier
            if as_read:
                session.environment.note(f"{file.file.name}: rows are shown as read with your options, not as recorded")
        if found.refusal and document["status"] in {"recorded", "partial"}:
            document["status"] = "refused"
        yield {**document, "status": "valid" if document["status"] == "recorded" else document["status"]}
    if found.refusal:
        raise found.refusal
    session.environment.note("nothing was sent (--dry-run)")


def _document_of(file: Checked) -> Document:
    return {"delivery": file.file.key, "status": file.findings.status.value, **file.findings.document()}


def _all_sent(session: Session, files: list[Checked], *, wait: bool, again: bool, new: bool) -> Iterator[Document]:
    from stockctl.cli.ingest_checks import early_stock, note_same_content, refuse_misspelt, refuse_resent_rows
    from stockctl.cli.sending import Sending
    from stockctl.client.failure_queues import FailureQueues
    from stockctl.client.given_up import GivenUp
    from stockctl.operations.claims import Claims

    bucket = session.drop_bucket
    table = session.stock_table
    claims = Claims(session.clients.dynamodb, session.deployment.transaction_table)
    given_up = GivenUp(FailureQueues(session.clients, session.deployment))
    good = [file for file in files if not file.is_empty]
    if good and not again:
        refuse_resent_rows(session, bucket, good)
    if good:
        refuse_misspelt(session, table, good, new=new)
        note_same_content(session, bucket, good)
    for number, file in enumerate(files, start=1):
        document = _document_of(file)
        if file.is_empty:
            session.environment.note(f"{file.file.name}: no valid rows, so it was not sent")
            yield document
            continue
        early = early_stock(table, file.rows)
        title = f"file {number} of {len(files)}: {file.file.name}: " if len(files) > 1 else ""
        sending = Sending(session.environment, bucket, title, wait, given_up, claims)
        try:
            sent = sending.send(file, document)
        except KeyboardInterrupt:
            session.environment.warn(f"{file.file.name}: interrupted; it may have been sent. {REPEAT}")
            raise
        for line in early if sent["status"] != "duplicate" else ():
            session.environment.note(line)
        yield sent
