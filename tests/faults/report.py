"""Counts what the fault tests try, into REPORT.md: `python -m tests.faults.report`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from pathlib import Path

from tests.engines.clouds import ProcessCloud
from tests.faults import scenarios
from tests.faults.crash_cases import CASES
from tests.faults.crashes import Case, Crash, crashed_at_each_call, pairs
from tests.faults.explorer import Explored, Explorer, Scenario
from tests.faults.long import STEPS, one_run
from tests.faults.operations import settling
from tests.faults.parts import parts_of
from tests.faults.stocktaking import stocktaking

REPORT = Path(__file__).with_name("REPORT.md")
SEEDED_RUNS = 40

KINDS: dict[str, Callable[[], list[Scenario]]] = {
    "pairs and triples, time passing, rows removed by time to live": scenarios.quick_interleavings,
    "pairs, one death, one lost answer, one broken call": lambda: scenarios.crashing(ticks=0, undone=1),
    "pairs, a transaction of which readers see a part, rows locked or not": scenarios.skewed,
    "a row that readers miss through a later delivery": scenarios.stale_rows,
    "discards beside uses, deliveries and reconciliations": scenarios.discards,
    "returns beside each other, uses, deliveries, discards and reconciliations": scenarios.returns,
    "recalls beside each other, uses and returns": scenarios.recalls,
    "counts and corrections twice, and beside uses and reconciliations": lambda: stocktaking(
        scenarios.BATCHES, scenarios.WAITING
    ),
    "deliveries from bucket to receipt, twice, and with other content": scenarios.deliveries,
    "plans and deliveries in parts, one death": scenarios.small_parts,
}


def replaced(name: str, text: str) -> None:
    """Puts text between the report's markers of this name."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    report = REPORT.read_text()
    before, rest = report.split(begin)
    REPORT.write_text(f"{before}{begin}\n{text}\n{end}{rest.split(end)[1]}")


def crash_table() -> str:
    lines = ["| operation | calls | crash points tried | with each other operation next |", "|---|---|---|---|"]
    total, total_of_pairs = 0, 0
    for case in CASES:
        points = len(list(crashed_at_each_call(case, ProcessCloud())))
        beside = sum(len(list(crashed_at_each_call(one, ProcessCloud()))) for one in _beginning_with(case))
        lines.append(f"| {case.name} | {points // len(Crash)} | {points} | {beside} |")
        total, total_of_pairs = total + points, total_of_pairs + beside
    return "\n".join([*lines, f"| **all** | | **{total}** | **{total_of_pairs}** |"])


def _beginning_with(case: Case) -> Iterable[Case]:
    return (one for one in pairs(CASES) if one.name.startswith(f"{case.name}, then"))


def interleaving_table() -> str:
    lines = ["| scenarios | how many | states | ends | interleavings |", "|---|---|---|---|---|"]
    for kind, listed in KINDS.items():
        explored = [_explored(scenario) for scenario in listed()]
        numbers = (
            len(explored),
            sum(one.states for one in explored),
            sum(one.ends for one in explored),
            sum(one.interleavings for one in explored),
        )
        lines.append(f"| {kind} | " + " | ".join(f"{number:,}" for number in numbers) + " |")
    return "\n".join(lines)


def _explored(scenario: Scenario) -> Explored:
    with parts_of(4) if scenario.name.endswith("in parts") else nullcontext():
        return Explorer(scenario, settling).run()


def run_table() -> str:
    calls = sum(one_run(seed).calls for seed in range(SEEDED_RUNS))
    return (
        f"{SEEDED_RUNS} seeded runs of {STEPS} steps: {calls:,} AWS calls, the invariants checked after each of them."
    )


if __name__ == "__main__":
    sys.setrecursionlimit(20_000)
    replaced("crashes", crash_table())
    replaced("interleavings", interleaving_table())
    replaced("runs", run_table())
