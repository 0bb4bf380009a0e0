"""Conditions on a level mean what they look like."""

from __future__ import annotations

import pytest

from stockctl.domain.level_condition import LevelCondition


@pytest.mark.parametrize(
    ("text", "holds", "fails"),
    [
        ("ham<100", 99, 100),
        ("ham <= 100", 100, 101),
        ("Tomato  Sauce>5", 6, 5),
        ("ham>=5", 5, 4),
        ("ham=0", 0, 1),
        ("ham==0", 0, 1),
    ],
)
def test_comparisons(text: str, holds: int, fails: int) -> None:
    condition = LevelCondition.parse(text)
    assert condition.holds(holds)
    assert not condition.holds(fails)


def test_names_are_folded_as_everywhere() -> None:
    assert LevelCondition.parse("Tomato  SAUCE < 5").ingredient == "tomato sauce"
    assert LevelCondition.parse("Tomato\nSAUCE < 5").ingredient == "tomato sauce"


@pytest.mark.parametrize("text", ["", "ham", "ham<", "<5", "ham<-1", "ham<1.5", "ham<five", "ham!5"])
def test_what_is_not_a_condition_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is"):
        LevelCondition.parse(text)
