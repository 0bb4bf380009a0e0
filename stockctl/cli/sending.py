"""Sending a file: whole, or in parts that are recorded side by side and shown as one."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from stockctl.client.supplier import WAITING, deliver
from stockctl.domain.parts import Part, parts_of
from stockctl.domain.reasons import EXAMPLES
from stockctl.terminal.charts import bar
from stockctl.terminal.figures import counts, units
from stockctl.terminal.glyphs import glyphs_for

if TYPE_CHECKING:
    from stockctl.cli.supplier_files import Checked
    from stockctl.client.given_up import GivenUp
    from stockctl.client.supplier import Delivered
    from stockctl.operations.claims import Claims
    from stockctl.operations.drop_bucket import DropBucket
    from stockctl.terminal.environment import Environment

Document = dict[str, Any]

PARTS_AT_ONCE = 4
"""Parts of a large file that are being recorded at the same time."""

_BAR_CELLS = 24
_WORST_FIRST = ("conflict", "sent", "partial", "recorded", "duplicate", "rejected")


@dataclass
class Sending:
    """Sends files to a bucket, and shows on a terminal how many rows are recorded."""

    environment: Environment
    bucket: DropBucket
    title: str
    wait: bool
    given_up: GivenUp
    claims: Claims

    def send(self, file: Checked, checked: Document) -> Document:
        """What became of a file; `checked` is what was found here, before it was sent."""
        # A name that was given is taken once: in parts it could be taken twice, by files of different lengths.
        own = Part(file.file.key, file.file.content)
        parts = [own] if file.file.is_named else parts_of(own.key, own.content, file.reading)
        total = sum(len(part.lines) for part in parts) or checked["recorded_rows"] + checked["rejected_rows"]
        self._show(0, total)
        if len(parts) == 1:
            document = _document_of(self._deliver(own))
        else:
            document = self._in_parts(file.file.key, parts, checked, total)
        if document["status"] != "sent":
            return document
        return {**checked, **document, **{name: checked[name] for name in _KNOWN_BEFORE}}

    def _deliver(self, part: Part) -> Delivered:
        return deliver(self.bucket, part.key, part.content, WAITING if self.wait else None, self.given_up, self.claims)

    def _in_parts(self, key: str, parts: list[Part], checked: Document, total: int) -> Document:
        from concurrent.futures import ThreadPoolExecutor

        def one(part: Part) -> Document:
            return _in_file(part, _document_of(self._deliver(part)))

        documents, done = [], 0
        with ThreadPoolExecutor(PARTS_AT_ONCE) as threads:
            for part, document in zip(parts, threads.map(one, parts), strict=True):
                done += len(part.lines)
                self._show(done, total)
                documents.append(document)
        return _joined(key, documents, checked, _in_no_part(parts, checked))

    def _show(self, done: int, total: int) -> None:
        plain = glyphs_for(self.environment.stderr.encoding or "utf-8", self.environment.variables).plain
        filled = bar(done / max(1, total), _BAR_CELLS, plain=plain)
        self.environment.passing(f"{self.title}{filled} {units(done)} of {counts(total, 'row')} recorded")


_KNOWN_BEFORE = ("rejected", "rejected_rows", "reasons", "warnings", "ignored_columns")
"""What a look at a file tells without waiting for its receipt."""


def _document_of(delivered: Delivered) -> Document:
    status = delivered.status.value if delivered.status else "sent"
    return {"delivery": delivered.delivery, "status": status, **delivered.findings}


def _in_file(part: Part, document: Document) -> Document:
    """The same with the lines of the file in place of those of the part."""

    def moved(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        return [{**row, "line": part.line_in_file(row["line"])} for row in rows]

    def moved_reasons(reasons: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        return [{**reason, "examples": moved(reason["examples"])} for reason in reasons]

    return {
        **document,
        "rejected": moved(document["rejected"]),
        "reasons": moved_reasons(document["reasons"]),
        "warnings": moved_reasons(document["warnings"]),
    }


def _in_no_part(parts: list[Part], checked: Document) -> Document:
    """What could not be sent in any part: lines that are not CSV."""
    sent = {line for part in parts for line in part.lines.values()}
    unsent = [row for row in checked["rejected"] if row["line"] not in sent]
    reasons = [reason for reason in checked["reasons"] if reason["examples"][0]["line"] not in sent]
    rows = sum(reason["rows"] for reason in reasons)
    return {"rejected": unsent, "rejected_rows": rows, "reasons": reasons}


def _joined(key: str, documents: list[Document], checked: Document, unsent: Document) -> Document:
    """One document for the parts of a file and what was in no part of it."""
    found = {document["status"] for document in documents}
    status = next(status for status in _WORST_FIRST if status in found)
    rejected = unsent["rejected_rows"] + sum(document["rejected_rows"] for document in documents)
    if status in {"recorded", "duplicate"} and rejected:
        status = "partial"
    rows = itertools.chain(unsent["rejected"], *(document["rejected"] for document in documents))
    return {
        "delivery": key,
        "status": status,
        "parts": [document["delivery"] for document in documents],
        "recorded": list(itertools.chain(*(document["recorded"] for document in documents))),
        "recorded_rows": sum(document["recorded_rows"] for document in documents),
        "rejected": sorted(rows, key=itemgetter("line")),
        "rejected_rows": rejected,
        "reasons": _merged([unsent, *documents], checked, "reasons"),
        "warnings": _merged(documents, checked, "warnings"),
        "ignored_columns": documents[0]["ignored_columns"],
    }


def _merged(documents: list[Document], checked: Document, name: str) -> list[Document]:
    """The reasons or warnings of several documents, each once; where they were found here already, with those examples.

    The rows of a part are not in the order of the file, so its examples are not the first ones.
    """
    known = {(reason["column"], reason["reason"], reason["rows"]): reason for reason in checked[name]}
    merged: dict[tuple[str, str], Document] = {}
    for reason in itertools.chain(*(document[name] for document in documents)):
        one = merged.setdefault((reason["column"], reason["reason"]), {**reason, "rows": 0, "examples": []})
        one["rows"] += reason["rows"]
        one["examples"] = sorted([*one["examples"], *reason["examples"]], key=itemgetter("line"))[:EXAMPLES]
    return [known.get((*key, reason["rows"]), reason) for key, reason in merged.items()]
