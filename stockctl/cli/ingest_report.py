"""How `ingest` shows what became of files: rows for people or a summary, and each reason for a rejection once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from stockctl.terminal.figures import best_before, counts, units
from stockctl.terminal.output import Field, Listing, Nested, OutputFormat

if TYPE_CHECKING:
    from stockctl.cli.session import Session
    from stockctl.cli.supplier_files import Checked

Document = dict[str, Any]

ROWS_SHOWN = 50
"""Rows of one delivery that a table shows; of more, a summary."""

_OWN: tuple[Field[Document], ...] = (
    Field("delivery", lambda document: document["delivery"]),
    Field("status", lambda document: document["status"], folds=False),
)
_DETAILS = ("recorded_rows", "rejected", "rejected_rows", "reasons", "warnings", "ignored_columns", "parts")
_NOTICES = {
    "sent": "was sent; the same command without --no-wait shows what became of it",
    "duplicate": "was recorded before; nothing changed",
    "conflict": "this name was delivered before with other content; nothing changed. To correct that delivery, use "
    "--corrects with its name",
}


def show(session: Session, documents: Sequence[Document], *, all_rows: bool) -> None:
    """Prints the documents in the format asked for."""
    is_large = any(len(document["recorded"]) > ROWS_SHOWN for document in documents)
    if session.output.format is OutputFormat.TABLE and is_large and not all_rows:
        session.output.show(_summary(documents))
        session.environment.note("--all-rows or -o json shows every row")
    else:
        session.output.show(_rows(documents))


def _rows(documents: Sequence[Document]) -> Listing[Document]:
    recorded: Nested[Document] = Nested(
        "recorded",
        lambda document: document["recorded"],
        [
            Field[Document]("ingredient", lambda row: row["ingredient"]),
            Field[Document]("quantity", lambda row: row["quantity"]),
            Field[Document]("best_before", lambda row: row["best_before"], format=best_before, folds=False),
        ],
    )
    return Listing([*_OWN, *map(_detail, _DETAILS)], documents, recorded, total=_total(documents))


def _detail(name: str) -> Field[Document]:
    return Field(name, lambda document: document.get(name, []), in_table=False, in_tsv=False)


def _summary(documents: Sequence[Document]) -> Listing[Document]:
    fields: list[Field[Document]] = [
        *_OWN,
        Field("ingredients", lambda document: len({row["ingredient"] for row in document["recorded"]})),
        Field("batches", lambda document: document["recorded_rows"]),
        Field("units", lambda document: sum(row["quantity"] for row in document["recorded"])),
        Field("rejected", lambda document: document["rejected_rows"]),
    ]
    return Listing(fields, documents, total=_total(documents))


def _total(documents: Sequence[Document]) -> str:
    new = [document for document in documents if document["status"] not in {"duplicate", "sent", "refused"}]
    recorded = sum(document["recorded_rows"] for document in new)
    brought = sum(row["quantity"] for document in new for row in document["recorded"])
    rejected = sum(document["rejected_rows"] for document in documents)
    deliveries = f"{units(len(documents))} {'delivery' if len(documents) == 1 else 'deliveries'}"
    if not new and not rejected:
        return deliveries
    counted = f"{deliveries}: {counts(recorded, 'batch')}, {counts(brought, 'unit')}"
    return counted + (f"; {counts(rejected, 'rejection')}" if rejected else "")


def report(
    session: Session, files: Sequence[Checked], documents: Sequence[Document], *, is_to_be_completed: bool = False
) -> None:
    """Prints on stderr, for people, what was rejected and why, and what else there is to know.

    With `is_to_be_completed`, that includes what to do about the rows of a file that were rejected.
    """
    if session.output.format is OutputFormat.JSON:
        return
    for file, document in zip(files, documents, strict=True):
        name = file.file.name
        for reason in document["reasons"]:
            session.environment.warn(_sentence(name, "rejected", reason))
        for warning in document["warnings"]:
            session.environment.note(_sentence(name, "note", warning))
        if document["ignored_columns"]:
            session.environment.note(f"{name}: columns not read: {', '.join(document['ignored_columns'])}")
        if notice := _NOTICES.get(document["status"]):
            session.environment.note(f"{name}: {notice}")
        if document["status"] == "partial" and is_to_be_completed:
            session.environment.note(f"{name}: send only the corrected rows; --rejects FILE writes them to a file")


def _sentence(name: str, kind: str, reason: Mapping[str, Any]) -> str:
    """One reason: of one row with its line, of many with their number and examples."""
    column = f"{reason['column']} " if reason["column"] else ""
    examples = reason["examples"]
    if reason["rows"] == 1 and examples:
        (example,) = examples
        value = f"{example['value']!r} " if example["value"] else ""
        advice = f": {example['advice']}" if example["advice"] else ""
        return f"{name}:{example['line']}: {kind}: {column}{value}{reason['reason']}{advice}"
    return f"{name}: {kind}: {counts(reason['rows'], 'row')}: {column}{reason['reason']}: {_shown(reason)}"


def _shown(reason: Mapping[str, Any]) -> str:
    """The examples, with `...` if there are more rows."""
    examples = [_example(example) for example in reason["examples"]]
    return ", ".join([*examples, *(["..."] if reason["rows"] > len(examples) else [])])


def _example(example: Mapping[str, Any]) -> str:
    value = f" {example['value']!r}" if example["value"] else ""
    advice = f" ({example['advice']})" if example["advice"] else ""
    return f"line {example['line']}{value}{advice}"
