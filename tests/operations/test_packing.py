"""Small ingredients of a delivery share a transaction as far as its 100 actions go."""

from __future__ import annotations

import pytest

from stockctl.domain.delivery import Row
from stockctl.domain.reconciliation import MAX_ACTIONS
from stockctl.operations.record_delivery import _packed


def group(rows: int) -> list[Row]:
    return [Row(number, "ham", 1, "2099-01-01", 1) for number in range(rows)]


@pytest.mark.parametrize(
    ("sizes", "packs"),
    [
        ([], []),
        ([1], [1]),
        ([1] * 33, [33]),
        ([1] * 34, [33, 1]),
        ([48, 48], [2]),
        ([48, 49], [1, 1]),
        ([10, 97, 10], [1, 1, 1]),
    ],
)
def test_groups_are_combined_up_to_the_limit_and_not_beyond(sizes: list[int], packs: list[int]) -> None:
    found = list(_packed([group(size) for size in sizes]))
    assert [len(pack) for pack in found] == packs
    assert all(sum(len(each) + 2 for each in pack) <= MAX_ACTIONS for pack in found)
