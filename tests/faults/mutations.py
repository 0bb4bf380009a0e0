"""Takes conditions away and swaps steps, one at a time, on a copy of the code, and says which test notices.

    python -m tests.faults.mutations             every mutant; writes tests/faults/REPORT.md
    python -m tests.faults.mutations NAME ...    those whose names contain one of these

A condition is taken away by making it true of every row, so that the expression stays one that DynamoDB takes.
"""

# ruff: noqa: E501 - source is quoted as it stands in its files

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
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
    ("tests/functions/test_stock_received.py", "-k", "receipt"),
    ("tests/operations/test_publish.py", "tests/operations/test_discard.py"),
    ("tests/domain/test_reconciliation.py", "tests/domain/test_history.py", "tests/domain/test_discard.py"),
    ("tests/functions/test_post_return.py", "tests/cli/test_history_and_show.py", "tests/cli/test_discard.py"),
    ("tests/cli/test_count.py", "tests/cli/test_corrections.py"),
    (
        "tests/faults/test_interleavings.py",
        "-k",
        "discard or return or count or correction or stale or same or first or contents or parts or empty",
    ),
    ("tests/faults/test_interleavings.py",),
)
STAGE_SECONDS = 900


@dataclass(frozen=True)
class Mutant:
    """One change: text that occurs in a file of stockctl, and what stands there instead.

    `nth` is which of its occurrences, from 1; 0 is all. `equivalent` says why nothing can notice, where that is so.
    """

    name: str
    path: str
    old: str
    new: str
    nth: int = 0
    equivalent: str = ""


ANY_GENERATION = '"(generation = :generation OR generation <> :generation)"'
ANY_UNITS = '"(batch_units = :batch_units OR batch_units <> :batch_units)"'
ANY_QUANTITY = '"(quantity = :before OR quantity <> :before OR attribute_not_exists(quantity))"'
ANY_ROW = '"(attribute_not_exists(batch_id) OR attribute_exists(batch_id))"'

ANY_RECORD = '"(attribute_not_exists(transaction_id) OR attribute_exists(transaction_id))"'
ANY_RECORD_OF = f'{ANY_RECORD} if record_id.startswith("{{}}") else conditions.IS_NEW'
"""The same for the records of one operation, by their prefix."""

CONDITIONS = "operations/conditions.py"
CORRECT = "operations/correct.py"
COUNT = "operations/count.py"
DISCARD = "operations/discard.py"
RECEIVE = "operations/receive.py"
RECORDS = "operations/transaction_records.py"
RECONCILE = "operations/reconcile.py"
RECORDING = "operations/record_delivery.py"
RETURN = "operations/return_units.py"
SERVING = "operations/serving.py"
USE = "operations/use.py"
USE_MANY = "operations/use_batch.py"
HISTORY = "domain/history.py"
PLAN = "domain/reconciliation.py"

IN_ALLOCATION, IN_MOVING, IN_WRITE_OFF, IN_SHRINKING = 1, 2, 3, 4
"""Which of the uses of a condition in reconcile.py."""

LEVEL_CHECKED = "the level's generation is checked in the same transaction, and the two are always equal (I2)"
ROSTER_CHECKED = "the roster's generation is checked in the same transaction, and the two are always equal (I2)"

MUTANTS = (
    # Conditions, wherever they are used: true of every row.
    Mutant(
        "no check that a transaction is new",
        CONDITIONS,
        '"attribute_not_exists(transaction_id)"',
        '"attribute_not_exists(transaction_id) OR attribute_exists(transaction_id)"',
    ),
    Mutant(
        "no check of what a delivery's key stands for",
        "operations/claims.py",
        "return _claim_from(there) if _is_of(there, content) else None",
        "return _claim_from(there)",
    ),
    Mutant(
        "no check that there is enough",
        CONDITIONS,
        '"quantity >= :units"',
        '"(quantity >= :units OR quantity < :units)"',
    ),
    Mutant("no expiry guard", CONDITIONS, "next_expiry > :now)", "next_expiry > :now OR next_expiry <= :now)"),
    Mutant(
        "no check that nobody delivered first",
        CONDITIONS,
        '"attribute_not_exists(generation)"',
        '"(attribute_not_exists(generation) OR attribute_exists(generation))"',
    ),
    Mutant(
        "no check of the roster's ids",
        CONDITIONS,
        '"NOT contains(batches, {id})"',
        '"(NOT contains(batches, {id}) OR contains(batches, {id}))"',
    ),
    Mutant(
        "no check of the level's version",
        CONDITIONS,
        '"version = :version"',
        '"(version = :version OR version <> :version)"',
    ),
    # Conditions, one use at a time.
    Mutant("receive: no check of the generation", RECEIVE, "conditions.IS_SAME_GENERATION", ANY_GENERATION),
    Mutant(
        "receive: no check that a row is new",
        RECEIVE,
        "conditions.DOES_NOT_EXIST",
        ANY_ROW,
        equivalent="a row of a batch exists only while its id is on the roster, whose condition is in the same transaction; and the delivery's claim has told other content apart",
    ),
    Mutant(
        "allocation: no check of the generation",
        RECONCILE,
        "conditions.IS_SAME_GENERATION",
        ANY_GENERATION,
        IN_ALLOCATION,
    ),
    Mutant(
        "next expiry: no check of the generation", RECONCILE, "conditions.IS_SAME_GENERATION", ANY_GENERATION, IN_MOVING
    ),
    Mutant("allocation: no check of the roster's units", RECONCILE, "conditions.HAS_SAME_UNITS", ANY_UNITS, 1),
    Mutant(
        "allocation: neither check of the roster",
        RECONCILE,
        "conditions.all_of(conditions.IS_SAME_GENERATION, conditions.HAS_SAME_UNITS)",
        f"conditions.all_of({ANY_GENERATION}, {ANY_UNITS})",
        1,
    ),
    Mutant("allocation: no check of a batch's quantity", RECONCILE, "conditions.HAS_SAME_QUANTITY", ANY_QUANTITY, 1),
    Mutant(
        "write-off: no check of the level's generation",
        RECONCILE,
        "conditions.IS_SAME_GENERATION",
        ANY_GENERATION,
        IN_WRITE_OFF,
        ROSTER_CHECKED,
    ),
    Mutant(
        "write-off: no check of the roster's generation",
        RECONCILE,
        "conditions.IS_SAME_GENERATION",
        ANY_GENERATION,
        IN_SHRINKING,
        LEVEL_CHECKED,
    ),
    Mutant(
        "no check of any generation in a reconciliation", RECONCILE, "conditions.IS_SAME_GENERATION", ANY_GENERATION
    ),
    Mutant("write-off: no check of the roster's units", RECONCILE, "conditions.HAS_SAME_UNITS", ANY_UNITS, 2),
    Mutant("no check of the roster's units in a reconciliation", RECONCILE, "conditions.HAS_SAME_UNITS", ANY_UNITS),
    Mutant(
        "write-off: no check that due rows are as read",
        RECONCILE,
        "conditions.HAS_SAME_QUANTITY",
        ANY_QUANTITY,
        2,
        "whoever charges a row changes the roster's units, whose check is in the same transaction; and a row that is gone meanwhile would be deleted anyway",
    ),
    Mutant("no check of any quantity in a reconciliation", RECONCILE, "conditions.HAS_SAME_QUANTITY", ANY_QUANTITY),
    Mutant("write-off: no check that a row is gone", RECONCILE, "conditions.DOES_NOT_EXIST", ANY_ROW),
    Mutant(
        "discard: no check that there is enough",
        DISCARD,
        "conditions.IS_AVAILABLE",
        '"(quantity >= :units OR quantity < :units)"',
    ),
    Mutant(
        "discard: no check that the request is new",
        RECORDS,
        "conditions.IS_NEW",
        ANY_RECORD_OF.format("discard#"),
    ),
    Mutant("discard: no check of a batch's quantity", DISCARD, "conditions.HAS_SAME_QUANTITY", ANY_QUANTITY),
    Mutant(
        "discard: no check of the generation",
        DISCARD,
        "conditions.IS_SAME_GENERATION",
        ANY_GENERATION,
        equivalent="it changes level and roster by differences, and only batches whose quantity is the one that was read: whatever moved the generation on did not touch them",
    ),
    Mutant(
        "discard: the roster keeps its units",
        DISCARD,
        '"ADD batch_units :minus_units, generation :one"',
        '"SET generation = :one ADD batch_units :minus_units"',
    ),
    Mutant("discard: refused on rows that were not read whole", DISCARD, "if not holding.is_consistent:", "if False:"),
    Mutant("discard: a repeat is judged anew", DISCARD, "return _known(tables, request) or batches", "return batches"),
    Mutant(
        "discard: nothing is there, and nothing says so",
        DISCARD,
        "        return [record]\n",
        "        return [_take_from_roster(table, holding, 0)]\n",
    ),
    Mutant("count: no check that the id is new", RECORDS, "conditions.IS_NEW", ANY_RECORD_OF.format("count#")),
    Mutant(
        "count: no check of the level's version",
        COUNT,
        "conditions.IS_SAME_VERSION",
        '"(version = :version OR version <> :version)"',
    ),
    Mutant(
        "count: no check that an ingredient is new",
        COUNT,
        "conditions.IS_FIRST_DELIVERY",
        '"(attribute_not_exists(generation) OR attribute_exists(generation))"',
    ),
    Mutant("count: a repeat is compared anew", COUNT, "Agreed(lines_in(found), replayed=True)", "Moved()"),
    Mutant("count: more than is there is refused", "domain/count.py", "REASON, up_to=True", "REASON"),
    Mutant("correct: no check that it is the first", CORRECT, "else conditions.IS_NEW", f"else {ANY_RECORD}"),
    Mutant(
        "correct: no check that the one before is done",
        CORRECT,
        "conditions.IS_NEXT_CORRECTION",
        '"(correction_id = :earlier OR is_done = :done OR attribute_exists(correction_id))"',
    ),
    Mutant(
        "correct: no check that the record is its own",
        CORRECT,
        "conditions.IS_THIS_CORRECTION",
        '"(correction_id = :correction OR is_done = :open OR attribute_exists(correction_id))"',
    ),
    Mutant("correct: an unfinished one is passed over", CORRECT, "if record and record.booked is None:", "if False:"),
    Mutant("correct: earlier corrections do not count", CORRECT, "record.changes if record else {}", "{}"),
    Mutant(
        "correct: one key for every correction",
        "domain/correction.py",
        "[self.delivery, self.number, booked, self.content]",
        "[self.delivery]",
    ),
    Mutant("discard: expired batches too", "domain/discard.py", "if not batch.is_due(now)", "if True"),
    Mutant(
        "return: no check that the request is new",
        RECORDS,
        "conditions.IS_NEW",
        ANY_RECORD_OF.format("return#"),
        equivalent="the roster refuses a batch that it has, and the transaction's record counts each return of it: a repeat meets one of these conditions",
    ),
    Mutant(
        "return: no check that nothing came back",
        RETURN,
        "conditions.HAS_RETURNED_NOTHING",
        '"attribute_exists(transaction_id)"',
    ),
    Mutant(
        "return: no check that no more came back",
        RETURN,
        "conditions.HAS_SAME_RETURNS",
        '"(returned = :before OR returned <> :before)"',
    ),
    Mutant("return: a repeat is judged anew", RETURN, "if earlier is not None:", "if False:"),
    Mutant("return: units without a charge have expired", RETURN, "if not item.is_complete]", "if item.pending]"),
    Mutant(
        "return: pending usage stays pending",
        RETURN,
        "    reconcile(tables.stock, ingredient, tables.clock, tables.patience)\n",
        "",
    ),
    Mutant(
        "return: every return begins with the first unit", RETURN, "range(returned, returned + units)", "range(units)"
    ),
    Mutant("return: expired units come back", "domain/returns.py", "if one.expires_at <= now:", "if False:"),
    Mutant(
        "return: a batch expires when another one does",
        RETURN,
        "expires_at=part.expires_at",
        "expires_at=part.expires_at + 1",
    ),
    Mutant("return: what came back counts as received", RETURN, 'Arrival("returned"', 'Arrival("received"'),
    Mutant("return: a transaction with too many returned", RETURN, "if units > taken - returned or", "if"),
    Mutant(
        "recall: what is left now has an id that is taken",
        "operations/recall.py",
        "            number += 1\n",
        "            pass\n",
    ),
    Mutant(
        "write-off: what no batch can be charged with is not noted",
        PLAN,
        "uncharged=uncharged if all_gone else 0",
        "uncharged=0",
    ),
    Mutant(
        "write-off: what no batch can be charged with ends elsewhere",
        PLAN,
        "uncharged_through=holding.charged_units + uncharged",
        "uncharged_through=holding.charged_units",
    ),
    # Steps swapped, or left out.
    Mutant("receive: the clock before the level", RECEIVE, "", ""),
    Mutant("receive: the guard of its own expiry alone", RECEIVE, "min(expiries)", "expiries[0]"),
    Mutant("receive: what has expired on arrival", RECEIVE, "batch.is_due(int(now))", "batch.is_due(0)"),
    Mutant(
        "receive: the roster keeps its generation",
        RECEIVE,
        'list(ids.values()), ":one": 1',
        'list(ids.values()), ":one": 0',
    ),
    Mutant(
        "record: the receipt before the recording",
        RECORDING,
        "            self._record(claim)\n",
        "            self._write_receipt()\n            self._record(claim)\n",
    ),
    Mutant(
        "record: a receipt in the place of any other",
        RECORDING,
        'if existing is None or not existing["recorded"]:',
        "if True:",
    ),
    Mutant(
        "record: a receipt written whatever is there",
        "operations/drop_bucket.py",
        '{"IfMatch": replaced} if replaced else {"IfNoneMatch": "*"}',
        "{}",
    ),
    Mutant("use: a repeat judged while its id is in another's hands", USE, "if record.is_contention:", "if False:"),
    Mutant(
        "use: a repeat with other items answered as the first",
        RECORDS,
        ' if record["request_hash"]["S"] == request_hash else Reused()',
        "",
    ),
    Mutant("use: an expired guard is no reason to reconcile", USE, "    if guarded:\n        return None\n", ""),
    Mutant(
        "use many: judged while an id is in another's hands",
        USE_MANY,
        "            return {}\n",
        "            return dict.fromkeys(ids)\n",
    ),
    Mutant(
        "use many: refused without asking for records",
        USE_MANY,
        "known(transaction, record) or insufficient",
        "insufficient",
    ),
    Mutant(
        "reconcile: a plan on rows as a Query shows them",
        RECONCILE,
        "holding = table.with_isolated_batches(holding)",
        "pass",
    ),
    Mutant(
        "reconcile: rows that do not add up are taken for whole",
        "domain/stock.py",
        "return not self.gone and self.read_units == self.roster.batch_units",
        "return True",
    ),
    Mutant(
        "reconcile: level and roster read apart",
        "operations/stock_table.py",
        ".generation == level.generation:",
        ".generation > 0:",
        equivalent="every plan checks both generations, so what was read apart cancels its transaction and is read again",
    ),
    Mutant(
        "plan: a skewed reading is none",
        PLAN,
        "if holding.drift < 0:",
        "if False:",
        equivalent="a level that is older than its batches has had its uses charged by somebody else, and what came after has an event of its own; reading again only tells a row that is wrong for good",
    ),
    Mutant(
        "plan: nothing is written off",
        PLAN,
        "written_off=_left(due_now) + (max(0, -holding.drift) if all_gone else 0)",
        "written_off=0",
    ),
    Mutant("plan: what gone rows held is not written off", PLAN, "(max(0, -holding.drift) if all_gone else 0)", "0"),
    Mutant("plan: expired batches are not charged first", PLAN, "if _left(due) and holding.drift > 0:", "if False:"),
    Mutant(
        "plan: gone rows are written off before all are checked",
        PLAN,
        "all_gone = len(gone_now) == len(holding.gone)",
        "all_gone = True",
    ),
    Mutant(
        "plan: charges are numbered from what gone rows were",
        PLAN,
        "holding.charged_units + gone_units",
        "holding.charged_units",
    ),
    Mutant(
        "plan: charges are numbered from the rows that were read",
        "domain/stock.py",
        "level.discarded - self.roster.batch_units",
        "level.discarded - self.read_units",
    ),
    Mutant("plan: charges are not numbered on", PLAN, "        start += taken\n", ""),
    Mutant("plan: the guard of a batch that is used up stays", PLAN, " and soonest == holding.level.next_expiry", ""),
    Mutant(
        "plan: what expires last is charged first",
        PLAN,
        "taken_from(batches, units)",
        "taken_from(reversed(batches), units)",
    ),
    Mutant("plan: due batches stay", PLAN, "due=tuple(due_now)", "due=()"),
    Mutant("plan: batches that are gone stay on the roster", PLAN, "gone=gone_now", "gone=()"),
    Mutant(
        "plan: the guard forgets due batches of a later part",
        PLAN,
        "_next_expiry(staying, charges_now) if",
        "_next_expiry(live, charges_now) if",
    ),
    Mutant("plan: the roster's units forget charges", PLAN, " - _units(charges_now)", ""),
    Mutant(
        "a batch is good for a second too long",
        "domain/stock.py",
        "return self.expires_at <= now",
        "return self.expires_at < now",
    ),
    Mutant(
        "a guard that opens a second too soon", "domain/stock.py", "self.next_expiry <= now", "self.next_expiry < now"
    ),
    Mutant(
        "write-off: the level keeps its version",
        RECONCILE,
        "expired :units, version :one, generation :one ",
        "expired :units, generation :one ",
    ),
    Mutant("write-off: the level keeps its guard", RECONCILE, '"REMOVE next_expiry SET "', '"SET "'),
    Mutant("a conflict is an answer", "operations/transact.py", "<= _PASSING_REASONS", "< set()"),
    Mutant(
        "a lost answer is a refusal",
        "operations/transact.py",
        "raise Unanswered(str(error)) from error",
        "raise RuntimeError(str(error)) from error",
        equivalent="the operation fails and its event, or its caller, comes again: slower, and no less right",
    ),
    Mutant(
        "use: what may have happened is told as busy",
        "operations/transact.py",
        "may_have_happened |= isinstance(contended, Unanswered)",
        "pass",
    ),
    Mutant(
        "use many: what may have happened is told as busy",
        USE_MANY,
        "self.unanswered |= group.transactions.keys()",
        "pass",
    ),
    Mutant(
        "use: what may have been sent before is told as busy",
        "operations/transact.py",
        'get("RetryAttempts")',
        'get("No")',
    ),
    Mutant(
        "publish: only what was refused again",
        "operations/publish.py",
        "entries = entries[refused[0] :]",
        "entries = [entries[position] for position in refused]",
    ),
    Mutant("publish: refusals are not looked at", "operations/publish.py", "if not refused:", "if True:"),
    # Which batches orders were served from: noticed by the accounts of random runs.
    Mutant("use many: members forget those after them", USE_MANY, "commit, offsets[at])", "commit)"),
    Mutant("show: a member ends where its group ends", SERVING, " - use.units_after[ingredient]", ""),
    Mutant("show: all of a charge serves one order", HISTORY, "min(end, charge.through)", "charge.through"),
    Mutant(
        "history: a charge is what the batch has left", HISTORY, "before.quantity - after.quantity", "after.quantity"
    ),
    Mutant(
        "history: units that no batch was charged with are not recorded",
        HISTORY,
        "if after.uncharged_through == before.uncharged_through:",
        "if True:",
    ),
    Mutant("write-off: units that no batch was charged with have expired", PLAN, "uncharged if all_gone else 0", "0"),
    Mutant(
        "discard: the record names no more than one unit of a batch",
        DISCARD,
        "before[batch.batch_id] - batch.quantity)",
        "1)",
    ),
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
    if mutant.name == "receive: the clock before the level":
        return _moved(source, "        now = clock()\n", "        level = table.level(", 1)
    pieces = source.split(mutant.old)
    if len(pieces) <= max(1, mutant.nth):
        raise ValueError(f"{mutant.name}: no longer applies")
    if not mutant.nth:
        return mutant.new.join(pieces)
    return mutant.old.join(pieces[: mutant.nth]) + mutant.new + mutant.old.join(pieces[mutant.nth :])


def _moved(source: str, start: str, target: str, lines: int) -> str:
    """The source with `lines` lines from `start` on moved to before `target`."""
    at = end = source.index(start)
    for _ in range(lines):
        end = source.index("\n", end) + 1
    block, rest = source[at:end], source[:at] + source[end:]
    target_at = rest.index(target)
    return rest[:target_at] + block + rest[target_at:]


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
    """The first test of a stage that fails, or nothing.

    Raises:
        RuntimeError: the stage could not be run.
    """
    options = ["-q", "-x", "-n0", "--no-header", "-p", "no:cacheprovider", "--tb=no"]
    command = [sys.executable, "-m", "pytest", *options, *stage]
    try:
        done = subprocess.run(
            command,
            cwd=copy,
            env={**os.environ, "CI": "true"},  # all sizes
            capture_output=True,
            text=True,
            check=False,
            timeout=STAGE_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return f"{stage[0]}: never ends"
    if done.returncode == 0:
        return ""
    if done.returncode != 1:
        raise RuntimeError(done.stdout[-500:])
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
    mutants = [mutant for mutant in MUTANTS if not wanted or any(part in mutant.name for part in wanted)]
    verdicts = []
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for verdict in threads.map(judged, mutants):
            verdicts.append(verdict)
            name, killer = verdict.mutant.name, verdict.killed_by or "SURVIVES"
            print(f"{verdict.seconds:5.0f} s  {name}: {killer}", flush=True)  # noqa: T201
    if not wanted and REPORT.exists():
        before, rest = REPORT.read_text().split(BEGIN)
        REPORT.write_text(f"{before}{BEGIN}\n{table(verdicts)}\n{END}{rest.split(END)[1]}")
    return int(any(not verdict.killed_by and not verdict.mutant.equivalent for verdict in verdicts))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
