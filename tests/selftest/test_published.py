"""The order and completeness of the level stream, as the self-test judges them."""

from __future__ import annotations

import pytest

from stockctl.selftest.published import gaps


@pytest.mark.parametrize("versions", [[1, 2, 3], [1, 1, 2, 3], [1, 2, 1, 2, 3], [1, 2, 3, 2]])
def test_a_stream_with_every_version_in_order_has_no_gaps(versions: list[int]) -> None:
    """It is written at least once: repetitions are allowed."""
    assert gaps({"ham": versions}, {"ham": 3}) == []


@pytest.mark.parametrize(
    ("versions", "fault"),
    [
        ([], "version 1 of 3 is missing"),
        ([1, 3], "version 2 of 3 is missing"),
        ([1, 2], "version 3 of 3 is missing"),
        ([1, 3, 2], "versions are out of order"),
    ],
)
def test_a_missing_or_late_version_is_a_gap(versions: list[int], fault: str) -> None:
    assert gaps({"ham": versions}, {"ham": 3}) == [f"ham: {fault}"]


def test_an_ingredient_that_was_never_published_is_a_gap() -> None:
    assert gaps({}, {"ham": 1, "egg": 1}) == ["ham: version 1 of 1 is missing", "egg: version 1 of 1 is missing"]
