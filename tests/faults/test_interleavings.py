"""Every interleaving of stockctl's operations, with crashes, lost answers, skewed readers and passing time."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from tests.faults import scenarios
from tests.faults.explorer import Explorer, Scenario
from tests.faults.operations import settling
from tests.faults.parts import parts_of


@pytest.fixture(autouse=True)
def deep_enough() -> Iterator[None]:
    """The search is as deep as the longest interleaving."""
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    yield
    sys.setrecursionlimit(usual)


def named(scenario: Scenario) -> str:
    return scenario.name


def explored(scenario: Scenario) -> None:
    with parts_of(4) if scenario.name.endswith("in parts") else nullcontext():
        found = Explorer(scenario, settling).run()
    assert found.interleavings >= found.ends > 0


SIZED = [
    pytest.param(scenario, marks=pytest.mark.ci) if scenario.name in scenarios.LARGE else scenario
    for scenario in scenarios.quick()
]


@pytest.mark.parametrize("scenario", SIZED, ids=named)
def test_stock_adds_up_after_every_interleaving(scenario: Scenario) -> None:
    """Invariants hold after every call, and the end is that of a serial order, whatever failed on the way."""
    explored(scenario)


@pytest.mark.long
@pytest.mark.parametrize("scenario", scenarios.thorough(), ids=named)
def test_stock_adds_up_after_every_interleaving_of_more(scenario: Scenario) -> None:
    """The same with three operations, more time, and more faults in one run."""
    explored(scenario)
