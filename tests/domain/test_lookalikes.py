"""Misspelt ingredients: a slip of a letter or two, and nothing else."""

from __future__ import annotations

import pytest

from stockctl.domain.lookalikes import MOST, lookalikes


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        *(("hma", "ham"), ("ahm", "ham")),
        *(("hamm", "ham"), ("hm", "ham"), ("leak", "leek"), ("elek", "leek"), ("eggs", "egg"), ("tomatos", "tomatoes")),
        *(("mushrom", "mushroom"), ("mozarela", "mozzarella"), ("creme fraiche", "crème fraîche"), ("chrad", "chard")),
    ],
)
def test_a_slip_is_seen(name: str, meant: str) -> None:
    assert lookalikes([name], {meant, "basil", "quince"}) == {name: (meant,)}


@pytest.mark.parametrize(
    ("name", "known"),
    [
        *(
            ("jam", "ham"),
            ("mah", "ham"),
            ("olives", "olive oil"),
            ("milk 2l", "milk 1l"),
            ("spice12", "spice1"),
            (".", ".."),
            ("a=b", "a#b"),
        ),
        *(("turkey breast", "chicken breast"), ("red wine", "red wine vinegar"), ("kale", "leek"), ("ham", "ham")),
    ],
)
def test_another_name_is_no_slip(name: str, known: str) -> None:
    assert lookalikes([name], {known}) == {}


def test_similar_names_are_suggested_the_most_similar_first() -> None:
    assert lookalikes(["mushroms"], {"mushrooms", "mushroom"}) == {"mushroms": ("mushrooms", "mushroom")}
    assert lookalikes(["mushroms"], {"mushrom", "mushroom"}) == {"mushroms": ("mushrom", "mushroom")}


def test_a_wrong_letter_of_a_short_name_counts_where_only_a_known_name_can_be_meant() -> None:
    assert lookalikes(["han"], {"ham", "egg"}) == {}
    assert lookalikes(["han"], {"ham", "egg"}, certainly_wrong=True) == {"han": ("ham",)}


def test_few_names_are_suggested() -> None:
    known = {f"tomato{letter}" for letter in "abcdef"}
    assert lookalikes(["tomato"], known) == {"tomato": ("tomatoa", "tomatob", "tomatoc")}


def test_of_very_many_new_names_only_the_first_are_compared() -> None:
    """Comparing takes time, and where that many names are new, few of them are misspelt."""
    new = [f"{number:012}" for number in range(MOST - 1)]
    assert lookalikes([*new, "hamm", "eggg"], {"ham", "egg"}) == {"hamm": ("ham",)}
