"""Long random runs of a kitchen, made up by Hypothesis, which also finds the shortest run that breaks an invariant."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.faults.crashes import Crash
from tests.faults.kitchen import DAY, Fault, Kitchen
from tests.faults.long import one_run

IN_CI = os.environ.get("CI") == "true"
WHICH = st.integers(0, 1_000)
FAULTS = st.none() | st.builds(Fault, st.integers(0, 12), st.sampled_from(Crash))
ROWS = st.lists(st.tuples(st.integers(0, 1), st.integers(1, 30), st.integers(1, 9)), min_size=1, max_size=4)
UNITS = st.tuples(st.integers(0, 20), st.integers(0, 9))


class KitchenRun(RuleBasedStateMachine):
    """One run: any steps in any order, each of which may be struck by a fault."""

    def __init__(self) -> None:
        super().__init__()
        self.kitchen = Kitchen()

    @initialize(rows=ROWS)
    def opens(self, rows: list[tuple[int, int, int]]) -> None:
        self.kitchen.drop(0, rows)
        self.kitchen.record(0, None)

    @rule(name=st.integers(0, 5), rows=ROWS)
    def drop(self, name: int, rows: list[tuple[int, int, int]]) -> None:
        self.kitchen.drop(name, rows)

    @rule(which=WHICH, fault=FAULTS)
    def record(self, which: int, fault: Fault | None) -> None:
        self.kitchen.record(which, fault)

    @rule(number=st.integers(0, 9), units=UNITS, fault=FAULTS)
    def use(self, number: int, units: tuple[int, int], fault: Fault | None) -> None:
        self.kitchen.use(number, units, fault)

    @rule(numbers=st.lists(st.integers(0, 9), min_size=1, max_size=4), units=UNITS, fault=FAULTS)
    def use_batch(self, numbers: list[int], units: tuple[int, int], fault: Fault | None) -> None:
        self.kitchen.use_batch(numbers, units, fault)

    @rule(seconds=st.sampled_from((1, 2, 5, DAY, 5 * DAY)))
    def wait(self, seconds: int) -> None:
        self.kitchen.wait(seconds)

    @rule(offset=st.integers(-1, 1))
    def wait_until_next_expiry(self, offset: int) -> None:
        self.kitchen.wait_until_next_expiry(offset)

    @rule(which=WHICH)
    def remove_by_time_to_live(self, which: int) -> None:
        self.kitchen.remove_by_time_to_live(which)

    @rule(which=st.lists(WHICH, max_size=6), fault=FAULTS)
    def work_stream(self, which: list[int], fault: Fault | None) -> None:
        self.kitchen.work_stream(which, fault)

    @rule(which=st.integers(0, 1), fault=FAULTS)
    def reconcile(self, which: int, fault: Fault | None) -> None:
        self.kitchen.reconcile(which, fault)

    @rule(number=st.integers(0, 9), units=st.integers(1, 12), which=WHICH, fault=FAULTS)
    def discard(self, number: int, units: int, which: int, fault: Fault | None) -> None:
        self.kitchen.discard(number, units, which, fault)

    @rule(number=st.integers(0, 9), units=st.integers(0, 9), which=WHICH, fault=FAULTS)
    def give_back(self, number: int, units: int, which: int, fault: Fault | None) -> None:
        self.kitchen.give_back(number, units, which, fault)

    @rule(number=st.integers(0, 9), fault=FAULTS)
    def count(self, number: int, fault: Fault | None) -> None:
        self.kitchen.count(number, fault)

    def teardown(self) -> None:
        self.kitchen.close()


def test_the_books_are_right_after_any_run() -> None:
    """Invariants hold after every call of any run; STOCKCTL_RUNS sets the number of runs."""
    sizes = settings(
        max_examples=int(os.environ.get("STOCKCTL_RUNS", "100" if IN_CI else "30")),
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    run_state_machine_as_test(KitchenRun, settings=sizes)


def test_seeded_runs_keep_the_books_right() -> None:
    """The first runs of `python -m tests.faults.long`, whose seeds stay the same."""
    for seed in range(40 if IN_CI else 12):
        one_run(seed)
