"""Which batches a use was served from, by the intervals of uses and charges."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockctl.domain.history import ChargeEntry, LevelEntry, Served, changes, charge_between, served
from stockctl.domain.stock import Batch


def charge(batch_id: str, start: int, through: int) -> ChargeEntry:
    return ChargeEntry("ham", "", batch_id, "d.csv", "2099-01-01", through - start, through)


def level(version: int, quantity: int) -> LevelEntry:
    return LevelEntry("ham", "", version, quantity, quantity, 0, 0, 0, 0, "delivery d.csv", "c")


def shown(parts: list[Served]) -> list[tuple[str | None, int]]:
    return [(part.charge.batch_id if part.charge else None, part.units) for part in parts]


def test_a_use_across_three_batches_names_the_units_of_each() -> None:
    charges = [charge("c", 8, 20), charge("a", 0, 5), charge("b", 5, 8)]
    parts, pending = served(3, 10, charges, charged=20)
    assert (shown(parts), pending) == ([("a", 2), ("b", 3), ("c", 2)], 0)


def test_what_is_not_charged_yet_is_pending() -> None:
    parts, pending = served(3, 10, [charge("a", 0, 5)], charged=5)
    assert (shown(parts), pending) == ([("a", 2)], 5)


def test_a_gap_is_in_no_charge_that_history_has() -> None:
    parts, pending = served(3, 10, [charge("a", 0, 5), charge("b", 8, 9)], charged=10)
    assert (shown(parts), pending) == ([("a", 2), (None, 3), ("b", 1), (None, 1)], 0)


@given(st.lists(st.tuples(st.integers(1, 9), st.booleans()), max_size=10), st.integers(0, 50), st.integers(1, 20))
def test_the_units_always_add_up_to_the_use(lengths: list[tuple[int, bool]], start: int, units: int) -> None:
    charges, at = [], 0
    for number, (length, is_gap) in enumerate(lengths):
        if not is_gap:
            charges.append(charge(f"b{number}", at, at + length))
        at += length
    parts, pending = served(start, start + units, charges, at)
    assert sum(part.units for part in parts) + pending == units
    assert pending == max(0, start + units - max(at, start))


def test_a_change_knows_what_it_changed_and_how_many_are_missing_before_it() -> None:
    found = list(changes([level(4, 30), level(1, 10), level(2, 15)], None))
    assert [(one.units, one.missing) for one in found] == [(10, 0), (5, 0), (15, 1)]


def image(quantity: int, through: int | None, at: str = "then") -> Batch:
    return Batch("ham", "a@d", "a", quantity, 10, "d", 1, "e", "at", charged_through=through, charged_at=at)


@pytest.mark.parametrize(
    ("before", "after", "charged"),
    [
        (image(10, None), image(7, 3), (3, 3)),
        (image(7, 3), image(2, 9), (5, 9)),
        (image(7, 3), image(5, 3), None),
        (image(7, None), image(5, None), None),
        (image(7, 3), image(5, None), None),
    ],
)
def test_a_charge_is_what_moved_the_end_of_the_charges(
    before: Batch, after: Batch, charged: tuple[int, int] | None
) -> None:
    """Units that leave a batch in another way, as by a discard, are none."""
    found = charge_between(before, after)
    assert (found and (found.units, found.through)) == charged
