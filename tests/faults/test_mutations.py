"""The fault tests bite: without a condition one of them fails. `python -m tests.faults.mutations` tries all."""

from __future__ import annotations

import pytest

from tests.faults.mutations import MUTANTS, ROOT, Mutant, judged, mutated

QUICK = (
    "no check that a transaction is new",
    "no check that there is enough",
    "plan: nothing is written off",
)


def named(mutant: Mutant) -> str:
    return mutant.name


@pytest.mark.parametrize("mutant", [mutant for mutant in MUTANTS if mutant.name in QUICK], ids=named)
def test_a_condition_that_is_taken_away_is_missed(mutant: Mutant) -> None:
    """On a copy of the code, by the quickest of the fault tests."""
    assert judged(mutant).killed_by


@pytest.mark.parametrize("mutant", MUTANTS, ids=named)
def test_every_mutant_still_applies(mutant: Mutant) -> None:
    """The code it changes is there, and what it makes of it is a program."""
    source = (ROOT / "stockctl" / mutant.path).read_text()
    changed = mutated(mutant, source)
    assert changed != source
    compile(changed, mutant.path, "exec")
