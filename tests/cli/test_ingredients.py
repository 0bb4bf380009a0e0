"""Ingredients as operators name them: every command answers an unknown one alike."""

from __future__ import annotations

import pytest

from stockctl.domain.errors import ExitCode
from tests.cli.conftest import Stockctl
from tests.service import Service


@pytest.fixture(autouse=True)
def stock_of_ham(kitchen: Service) -> None:
    kitchen.drop("monday.csv", "ham,100,2099-12-31\n")


@pytest.mark.parametrize("name", ["hma", "hamm"])
@pytest.mark.parametrize(
    "words",
    [
        *(["use", "{}=1"], ["use", "{}=1", "--dry-run"], ["discard", "{}=1"], ["count", "{}=1", "--yes"]),
        *(["stock", "{}"], ["stock", "{}", "--batches"], ["stock", "{}", "--at", "1h"], ["history", "{}"]),
        *(["forecast", "{}"], ["report", "{}"], ["reconcile", "{}"], ["reconcile", "{}", "--check"]),
        *(["threshold", "{}"], ["threshold", "{}=5"], ["threshold", "--clear", "{}"]),
    ],
    ids=" ".join,
)
def test_a_misspelt_ingredient_is_refused_and_guessed_at(stockctl: Stockctl, words: list[str], name: str) -> None:
    done = stockctl(*[word.format(name) for word in words])
    assert f"no such ingredient: {name}" in done.err
    assert f"{name}: did you mean ham?" in done.err
    assert done.code == ExitCode.REFUSED
