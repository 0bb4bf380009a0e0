"""The documents and help are compared with the program: every command, option, field and link in them is real."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer

import stockctl
from stockctl.cli.help import examples_of, prose_of
from stockctl.cli.program import program
from stockctl.domain.api import (
    Answer,
    answer_to,
    answer_to_return,
    busy,
    holding_document,
    invalid,
    level_document,
    not_found,
)
from stockctl.domain.delivery import Row
from stockctl.domain.errors import ExitCode
from stockctl.domain.level_change import LevelChange
from stockctl.domain.reasons import Reasons
from stockctl.domain.receipt import Findings, Rejections, receipt_of
from stockctl.domain.rejection import Rejection
from stockctl.domain.returns import Excess, NoTransaction, NotRecorded, Return, Returned, ReturnedUnits, TooMany
from stockctl.domain.stock import Batch, Holding, Level, Roster
from stockctl.domain.transaction import (
    Accepted,
    Fault,
    Insufficient,
    InvalidRequest,
    Reused,
    Shortage,
    Transaction,
    Unknown,
)
from tests.reference import (
    DELIVERIES,
    DOCUMENTS,
    OPERATING,
    README,
    REFERENCE,
    ROOT,
    SECTIONS,
    alarms,
    arguments_of,
    commands,
    options_of,
    with_reference,
)

TEXT = README.read_text(encoding="utf-8")
OTHER_PROGRAMS = re.compile(r"`[^`\n]*(?:pytest|python -m|pip|aws) [^`\n]*`")
"""Command lines of other programs, whose options are not ours."""
OPTIONS_OF_OTHERS = {"--help", "--version", "--install-completion", "--show-completion", "--long", "--runs"}
"""Options of the program as a whole, of our pytest, and of the long runs."""

documents = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


@pytest.mark.parametrize("document", SECTIONS, ids=lambda path: str(path.relative_to(ROOT)))
def test_generated_parts_are_what_the_program_says(document: Path) -> None:
    assert with_reference(document) == document.read_text(encoding="utf-8"), "run `python -m tests.reference`"


def test_the_readme_is_short() -> None:
    assert len(TEXT.splitlines()) <= 200


@documents
def test_every_option_a_document_names_exists(document: Path) -> None:
    known = set(OPTIONS_OF_OTHERS)
    for command in commands().values():
        for rows in options_of(command).values():
            known |= {name for term, _ in rows for name in re.findall(r"--[a-z][a-z-]*", term)}
    text = _without_other_programs(document.read_text(encoding="utf-8"))
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))
    assert named - known == set()


def _without_other_programs(text: str) -> str:
    text = re.sub(r"```.*?```", lambda block: block[0] if "stockctl " in block[0] else "", text, flags=re.DOTALL)
    text = re.sub(r"[^\n]*-m (?:pip|venv|tests|pytest)[^\n]*", "", text)
    return OTHER_PROGRAMS.sub("", text)


def test_the_price_of_alarms_is_that_of_the_template() -> None:
    text = OPERATING.read_text(encoding="utf-8")
    count, price = re.findall(r"\| (\d+) alarms at 0\.10 \| ([\d.]+) \|", text)[0]
    assert (int(count), float(price)) == (len(alarms()), len(alarms()) / 10)


@documents
def test_every_link_leads_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        name, _, heading = target.partition("#")
        linked = (document.parent / name) if name else document
        assert linked.exists(), target
        if heading:
            assert heading in _anchors(linked.read_text(encoding="utf-8")), target


def _anchors(text: str) -> set[str]:
    """The headings of a document as its links name them."""
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {_anchor(heading) for heading in headings}


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.casefold()).replace(" ", "-")


def test_sections_that_the_code_refers_to_exist() -> None:
    for path in [*Path(stockctl.__file__).parent.rglob("*.py"), *(ROOT / "tests").rglob("*.py")]:
        text = " ".join(path.read_text(encoding="utf-8").split())
        for document, heading in re.findall(r'([\w/]*README\.md), "([^"(]+)"', text):
            assert _anchor(heading) in _anchors((ROOT / document).read_text(encoding="utf-8")), path


@pytest.mark.parametrize("name", commands())
def test_every_command_has_a_sentence_examples_and_exit_codes(name: str) -> None:
    command = commands()[name]
    first = prose_of(command.help or "")[0]
    assert re.match(r"[A-Z][a-z]+ ", first)
    assert not re.match(r"(?:\w+[^s]s|Says) ", first), "imperative: `Deploy the stack`, not `Deploys`"
    assert first.endswith(".")
    assert examples_of(command.help or "")
    assert re.findall(r"^\d+", command.epilog or "", flags=re.MULTILINE)


@pytest.mark.parametrize("name", commands())
def test_every_argument_and_option_has_help(name: str) -> None:
    command = commands()[name]
    options = [row for rows in options_of(command).values() for row in rows]
    for term, meaning in [*arguments_of(command), *options]:
        assert re.match(r"[A-Z$].*[.\]]$", meaning), f"{name} {term}: {meaning!r}"


@pytest.mark.parametrize("code", ExitCode)
def test_every_exit_code_is_in_the_readme_and_explained_in_the_reference(code: ExitCode) -> None:
    assert re.search(rf"[,:] {code.value} [A-Za-z]", TEXT, flags=re.MULTILINE)
    assert f"| {code} | {code.meaning} |" in REFERENCE.read_text(encoding="utf-8")


def examples() -> Iterator[str]:
    """Every command line in the documents and in help."""
    for document in DOCUMENTS:
        yield from re.findall(r"(?:^|[ /`(])(stockctl [a-z][^`\n)]*)", _code(document.read_text(encoding="utf-8")))
    for command in commands().values():
        yield from examples_of(command.help or "")


def _code(text: str) -> str:
    """Code spans and blocks of a document, one a line."""
    found = re.findall(r"```(?:sh|console)\n(.*?)```|(`[^`\n]+`)", text, flags=re.DOTALL)
    return "\n".join(block or span for block, span in found)


@pytest.mark.parametrize("line", sorted(set(examples())))
def test_every_documented_example_parses(line: str) -> None:
    words = shlex.split(line.replace("\\|", "|").replace(";", " ; "))
    words = words[words.index("stockctl") + 1 :]
    words = words[: next((place for place, word in enumerate(words) if word in {"|", "&&", ";", ">"}), len(words))]
    if len(words) == 1:  # a command is named, not run
        assert words[0] in {name.split()[0] for name in commands()}
        return
    command: Any = typer.main.get_command(program())
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    command.make_context("stockctl", words)  # raises what is wrong with the words


def test_every_picture_is_there_and_small() -> None:
    pictures = sorted((ROOT / ".docs").glob("*.svg"))
    shown = {Path(name).name for document in DOCUMENTS for name in _pictures_in(document)}
    assert {picture.name for picture in pictures} == shown
    for picture in pictures:
        drawing = picture.read_text(encoding="utf-8")
        assert len(drawing) < 200_000
        assert "/tmp/" not in drawing  # noqa: S108 - no path of the machine that drew it
        assert "/home/" not in drawing


def _pictures_in(document: Path) -> list[str]:
    return re.findall(r"!\[[^\]]*\]\(([^)]+)\)", document.read_text(encoding="utf-8"))


# --- Contracts -------------------------------------------------------------------------------------------------


LEVEL = Level("ham", 5, 10, 3, 2, 4_000_000_000, 1, 2, "use a", "2026-11-24T08:00:00.000Z")
BATCH = Batch("ham", "d@2096-10-02", "d", 5, 10, "2096-10-02", 4_000_000_000, "e", "2026-11-24T08:00:00.000Z")


def answers() -> Iterator[Answer]:
    """One of each answer to a transaction."""
    transaction = Transaction("a", {"ham": 1})
    outcomes = (Accepted({"ham": 1}), Insufficient((Shortage("ham", 2, 1),)), Reused(), Unknown())
    yield from (answer_to(transaction, outcome) for outcome in outcomes)
    yield from (busy(), invalid(InvalidRequest([Fault("a", "b")])))


def answers_to_returns() -> Iterator[Answer]:
    """One of each answer to a return that answers to transactions have no like of."""
    request, part = Return("r", "a", {}), ReturnedUnits("ham", 1, "2096-10-02", "monday.csv", 0, "return/r@2096-10-02")
    excess = TooMany((Excess("ham", 2, 1, 0),))
    for outcome in (Returned((part, replace(part, batch_id=""))), excess, NotRecorded(), NoTransaction(), Reused()):
        yield answer_to_return(request, outcome)


@pytest.mark.parametrize("answer", list(answers_to_returns()), ids=lambda answer: str(answer.status_code))
def test_every_answer_to_a_return_is_in_the_readme(answer: Answer) -> None:
    word = answer.body.get("code", "returned")
    assert re.search(rf'^\| {answer.status_code}\b.*"{word}".*$', TEXT, flags=re.MULTILINE)


@pytest.mark.parametrize("answer", list(answers()), ids=lambda answer: str(answer.body.get("code", "accepted")))
def test_every_answer_to_a_transaction_is_in_the_readme(answer: Answer) -> None:
    word = answer.body.get("code", "accepted")
    assert re.search(rf'^\| {answer.status_code} \| `{{.*"{word}".*$', TEXT, flags=re.MULTILINE)


def contracts() -> Iterator[Mapping[str, Any]]:
    """One of each document that other programs read."""
    yield from (answer.body for answer in (*answers(), *answers_to_returns(), not_found("")))
    yield level_document(LEVEL)
    holding = Holding(LEVEL, Roster(frozenset({BATCH.batch_id}), 1, 5), (BATCH,))
    yield holding_document(holding, with_deliveries=True)
    yield LevelChange("ham", 1, 1, datetime.now(UTC), "expired", 1, 0, 0).document()
    rejected, row = Rejections(), Row(2, "ham", 1, "2096-10-02", 4_000_000_000)
    rejected.add(Rejection(3, "quantity", "-3", "why"))
    warnings = Reasons([Rejection(2, "best_before", "2096-10-02", "why")])
    yield receipt_of("d", "e", "c", Findings([row], 1, rejected, warnings, ["price"]), 0.0)


@pytest.mark.parametrize("document", list(contracts()), ids=lambda document: ",".join(document)[:40])
def test_every_field_that_other_programs_read_is_documented(document: Mapping[str, Any]) -> None:
    shown = [_fields(block) for block in documented_json()]
    assert _fields(document) in shown


def documented_json() -> Iterator[Any]:
    """Every JSON document in README and receipt documentation; a field without a value stands for any value."""
    documented = TEXT + DELIVERIES.read_text(encoding="utf-8")
    blocks = re.findall(r"```json\n(.*?)```", documented, flags=re.DOTALL)
    spans = re.findall(r"`(\{.*?\})`", TEXT)
    for text in [*blocks, *spans]:
        with_values = re.sub(r'([{,]\s*"\w+")(?=\s*[,}])', r"\1: 0", text)
        document = json.loads(with_values.replace("...", ""))
        yield document
        yield from (one for value in document.values() if isinstance(value, list) for one in value)


def _fields(document: Any) -> Any:
    """The names of a document's fields, with those of the documents in its lists."""
    if not isinstance(document, dict):
        return None
    return {name: _fields(value[0]) if isinstance(value, list) and value else None for name, value in document.items()}
