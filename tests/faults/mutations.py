"""Takes conditions away and swaps steps, one at a time, on a copy of the code, and says which test notices.

    python -m tests.faults.mutations             every mutant; writes tests/faults/REPORT.md
    python -m tests.faults.mutations NAME ...    those whose names contain one of these

A condition is taken away by making it true of every row, so that the expression stays one that DynamoDB takes.
"""

# ruff: noqa: E501 - source is quoted as it stands in its files

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
REPORT = Path(__file__).with_name("REPORT.md")
BEGIN, END = "<!-- mutants -->", "<!-- end of mutants -->"

STAGES = (
    ("tests/faults/test_crashes.py", "-k", "in_the_end"),
    ("tests/faults/test_long_runs.py", "-k", "seeded"),
    ("tests/faults/test_publishing.py", "tests/faults/test_refusals.py"),
    ("tests/faults/test_interleavings.py",),
)
STAGE_SECONDS = 300


@dataclass(frozen=True)
class Mutant:
    """One change: text that occurs in a file of stockctl, and what stands there instead.

    `equivalent` says why nothing can notice, where that is so.
    """

    name: str
    path: str
    old: str
    new: str
    equivalent: str = ""


CONDITION = '"ConditionExpression": conditions.'
ANY_GENERATION = '"(generation = :generation OR generation <> :generation)"'
ANY_QUANTITY = '"(quantity = :before OR quantity <> :before OR attribute_not_exists(quantity))"'
ANY_ROW = '"(attribute_not_exists(batch_id) OR attribute_exists(batch_id))"'


def without(name: str, condition: str, instead: str) -> Mutant:
    """A condition that is true of every row, wherever it is used."""
    return Mutant(f"without {name}", "aws/conditions.py", f'{condition}"\n', f'{instead}"\n')


MUTANTS = (
    without(
        "the check that a transaction is new",
        '= "attribute_not_exists(transaction_id)',
        '= "attribute_not_exists(transaction_id) OR attribute_exists(transaction_id)',
    ),
    without(
        "the check that a delivery's key stands for its content",
        "OR request_hash = :etag",
        "OR request_hash = :etag OR request_hash <> :etag",
    ),
    without("the check that there is enough", '= "quantity >= :units', '= "(quantity >= :units OR quantity < :units)'),
    without("the expiry guard", "OR next_expiry > :now)", "OR next_expiry > :now OR next_expiry <= :now)"),
    without(
        "the check that nobody delivered first",
        '= "attribute_not_exists(generation)',
        '= "(attribute_not_exists(generation) OR attribute_exists(generation))',
    ),
    without(
        "the check of the roster's ids",
        '= "NOT contains(batches, {id})',
        '= "(NOT contains(batches, {id}) OR contains(batches, {id}))',
    ),
    without(
        "the check of the level's version", '= "version = :version', '= "(version = :version OR version <> :version)'
    ),
    Mutant(
        "a receive without the check of the generation",
        "aws/receive.py",
        "conditions.IS_SAME_GENERATION if level",
        f"{ANY_GENERATION} if level",
    ),
    Mutant(
        "a receive without the check that a row is new",
        "aws/receive.py",
        f"{CONDITION}DOES_NOT_EXIST",
        f'"ConditionExpression": {ANY_ROW}',
        "a row exists only while its id is on the roster, whose condition is in the same transaction",
    ),
    Mutant(
        "an allocation without the check of the roster",
        "aws/reconcile.py",
        f'{CONDITION}IS_SAME_GENERATION,\n            "ExpressionAttributeValues": {{":generation": number(holding.roster.generation)}},',
        f'"ConditionExpression": {ANY_GENERATION},\n            "ExpressionAttributeValues": {{":generation": number(holding.roster.generation)}},',
    ),
    Mutant(
        "an allocation without the check of the quantity",
        "aws/reconcile.py",
        f'{CONDITION}HAS_SAME_QUANTITY,\n            "ExpressionAttributeValues": {{\n',
        f'"ConditionExpression": {ANY_QUANTITY},\n            "ExpressionAttributeValues": {{\n',
    ),
    Mutant(
        "a write-off without the check of the generation",
        "aws/reconcile.py",
        "condition = conditions.IS_SAME_GENERATION",
        f"condition = {ANY_GENERATION}",
        "the roster's generation is checked in the same transaction, and the two are always equal (I2)",
    ),
    Mutant(
        "a write-off without the check of the roster",
        "aws/reconcile.py",
        f'{CONDITION}IS_SAME_GENERATION,\n            "ExpressionAttributeValues": {{\n',
        f'"ConditionExpression": {ANY_GENERATION},\n            "ExpressionAttributeValues": {{\n',
        "the level's generation is checked in the same transaction, and the two are always equal (I2)",
    ),
    Mutant(
        "a write-off without either check of the generation",
        "aws/reconcile.py",
        "conditions.IS_SAME_GENERATION",
        ANY_GENERATION,
    ),
    Mutant(
        "a write-off without the check that due rows are as read",
        "aws/reconcile.py",
        f'{CONDITION}HAS_SAME_QUANTITY,\n            "ExpressionAttributeValues": {{":before": number(batch.quantity)}},',
        f'"ConditionExpression": {ANY_QUANTITY},\n            "ExpressionAttributeValues": {{":before": number(batch.quantity)}},',
    ),
    Mutant(
        "a write-off without the check that a row is gone",
        "aws/reconcile.py",
        f"{CONDITION}DOES_NOT_EXIST",
        f'"ConditionExpression": {ANY_ROW}',
    ),
    Mutant(
        "the clock before the level in a receive",
        "aws/receive.py",
        "        level = table.level(batches[0].ingredient)\n",
        "        early = clock()\n        level = table.level(batches[0].ingredient)\n",
    ),
    Mutant(
        "the guard of a delivery on its own expiry alone",
        "aws/receive.py",
        "number(min(expiries))",
        "number(expiries[0])",
    ),
    Mutant(
        "expired on arrival, received all the same",
        "aws/receive.py",
        "expired = [batch for batch in wanted if batch.is_due(int(now))]\n        wanted = [batch for batch in wanted if not batch.is_due(int(now))]",
        "expired: list[Batch] = []",
    ),
    Mutant(
        "a receive that does not move the roster's generation",
        "aws/receive.py",
        '"ADD batches :ids, generation :one"',
        '"ADD batches :ids, generation :zero"',
    ),
    Mutant("a claim after the recording", "aws/recording.py", "", ""),
    Mutant("a receipt before the recording", "aws/recording.py", "", ""),
    Mutant(
        "receipts that take the place of any other",
        "aws/recording.py",
        'if existing is None or not existing["recorded"]:',
        "if True:",
    ),
    Mutant(
        "a receipt written whatever is there",
        "aws/drop_bucket.py",
        '{"IfMatch": replaced} if replaced else {"IfNoneMatch": "*"}',
        "{}",
    ),
    Mutant("a repeat judged while its id is in another's hands", "aws/use.py", "if record.is_contention:", "if False:"),
    Mutant(
        "a repeat with other items answered as the first",
        "aws/use.py",
        'if record["request_hash"]["S"] != transaction.request_hash:',
        "if False:",
    ),
    Mutant(
        "a batch of uses judged while an id is in another's hands",
        "aws/use_many.py",
        "            return {}\n",
        "            return dict.fromkeys(ids)\n",
    ),
    Mutant(
        "a batch of uses that refuses without asking for records",
        "aws/use_many.py",
        "self.outcomes[position] = known(transaction, record) or insufficient",
        "self.outcomes[position] = insufficient",
    ),
    Mutant("a plan on rows as a Query shows them", "aws/reconcile.py", "holding = table.settled(holding)", "pass"),
    Mutant(
        "a reading whose level and roster differ",
        "aws/stock_table.py",
        ".generation == level.generation:",
        ".generation > 0:",
        "every plan checks a generation: what was read apart cancels its transaction",
    ),
    Mutant(
        "a skewed reading taken for a write-off", "domain/reconciliation.py", "is_skewed=surplus < 0", "is_skewed=False"
    ),
    Mutant("a write-off of nothing", "domain/reconciliation.py", "written_off=max(0, -surplus)", "written_off=0"),
    Mutant(
        "a write-off of all that was due",
        "domain/reconciliation.py",
        "written_off=max(0, -surplus)",
        "written_off=sum(batch.quantity for batch in due)",
    ),
    Mutant(
        "charges to what expires last", "domain/reconciliation.py", "for batch in live:", "for batch in reversed(live):"
    ),
    Mutant("due batches that stay", "domain/reconciliation.py", "due=tuple(due_now)", "due=()"),
    Mutant("rows that are gone and stay on the roster", "domain/reconciliation.py", "gone=tuple(gone_now)", "gone=()"),
    Mutant(
        "a guard that forgets due batches of a later part",
        "domain/reconciliation.py",
        "_next_expiry(due[len(due_now) :], live,",
        "_next_expiry([], live,",
    ),
    Mutant(
        "a batch good for a second too long",
        "domain/stock.py",
        "return self.expires_at <= now",
        "return self.expires_at < now",
    ),
    Mutant(
        "a write-off that keeps the version",
        "aws/reconcile.py",
        '"ADD quantity :minus_units, expired :units, version :one, generation :one "',
        '"ADD quantity :minus_units, expired :units, generation :one "',
    ),
    Mutant("a write-off that keeps the guard", "aws/reconcile.py", '"REMOVE next_expiry SET "', '"SET "'),
    Mutant(
        "conflicts taken for answers",
        "aws/transact.py",
        "    if {reason.code for reason in reasons} <= _PASSING_REASONS:\n        raise Contended(str(error)) from error\n",
        "",
    ),
    Mutant(
        "only what was refused is published again",
        "aws/level_publisher.py",
        "entries = entries[refused[0] :]",
        "entries = [entries[position] for position in refused]",
    ),
    Mutant("what was refused is not published again", "aws/level_publisher.py", "if not refused:", "if True:"),
)


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant: the test that noticed it, or none."""

    mutant: Mutant
    killed_by: str
    seconds: float


def mutated(mutant: Mutant, source: str) -> str:
    """The mutated source.

    Raises:
        ValueError: the mutant no longer applies.
    """
    if mutant.name.startswith("the clock before"):
        source = source.replace("        now = clock()\n", "        now = early\n")
    if mutant.name == "a claim after the recording":
        return _moved(source, "        if not self._claim(", "        return self._write_receipt()\n", 2)
    if mutant.name == "a receipt before the recording":
        return _before(source, "        try:\n            for ingredient, group", "        self._write_receipt()\n")
    if mutant.old not in source:
        raise ValueError(f"{mutant.name}: no longer applies")
    return source.replace(mutant.old, mutant.new)


def _moved(source: str, start: str, target: str, lines: int) -> str:
    """The source with `lines` lines from `start` on moved to before the last occurrence of `target`."""
    at = source.index(start)
    end = at
    for _ in range(lines):
        end = source.index("\n", end) + 1
    block, rest = source[at:end], source[:at] + source[end:]
    last = rest.index(target, rest.index("except Conflict:"))
    return rest[:last] + block + rest[last:]


def _before(source: str, target: str, text: str) -> str:
    at = source.index(target)
    return source[:at] + text + source[at:]


def judged(mutant: Mutant) -> Verdict:
    """Runs the stages on a mutated copy until one of them fails."""
    began = time.monotonic()
    with TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in ("stockctl", "tests", "infra"):
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", copy)
        path = copy / "stockctl" / mutant.path
        path.write_text(mutated(mutant, path.read_text()))
        killed_by = next((killer for stage in STAGES if (killer := _killer(copy, stage))), "")
    return Verdict(mutant, killed_by, time.monotonic() - began)


def _killer(copy: Path, stage: Sequence[str]) -> str:
    """The first test of a stage that fails, or nothing."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "--no-header", "-p", "no:cacheprovider", "--tb=no", *stage]
    try:
        done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False, timeout=STAGE_SECONDS)
    except subprocess.TimeoutExpired:
        return f"{stage[0]}: never ends"
    if done.returncode == 0:
        return ""
    failed = re.search(r"^(?:FAILED|ERROR) (\S+::.*?)(?: - .*)?$", done.stdout, re.MULTILINE)
    return failed[1].removeprefix("tests/faults/") if failed else done.stdout[-200:]


def table(verdicts: Sequence[Verdict]) -> str:
    """The verdicts as a table in Markdown."""
    lines = ["| mutant | noticed by |", "|---|---|"]
    for verdict in verdicts:
        mutant = verdict.mutant
        noticed = f"`{verdict.killed_by}`" if verdict.killed_by else f"nobody: {mutant.equivalent or '**a gap**'}"
        lines.append(f"| {mutant.name} | {noticed} |")
    killed = sum(bool(verdict.killed_by) for verdict in verdicts)
    equivalent = sum(bool(not verdict.killed_by and verdict.mutant.equivalent) for verdict in verdicts)
    lines.append("")
    lines.append(
        f"{len(verdicts)} mutants: {killed} noticed, {equivalent} equivalent, {len(verdicts) - killed - equivalent} gaps."
    )
    return "\n".join(lines)


def main(wanted: Sequence[str]) -> int:
    """Judges the mutants; 1 if one of them survives without a reason."""
    verdicts = []
    for mutant in MUTANTS:
        if wanted and not any(part in mutant.name for part in wanted):
            continue
        verdict = judged(mutant)
        verdicts.append(verdict)
        print(f"{verdict.seconds:5.0f} s  {mutant.name}: {verdict.killed_by or 'SURVIVES'}", flush=True)  # noqa: T201
    if not wanted and REPORT.exists():
        before, rest = REPORT.read_text().split(BEGIN)
        REPORT.write_text(f"{before}{BEGIN}\n{table(verdicts)}\n{END}{rest.split(END)[1]}")
    return int(any(not verdict.killed_by and not verdict.mutant.equivalent for verdict in verdicts))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
