"""Questions before stock is changed: a terminal is asked, a script is not."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from stockctl.cli import corrections
from stockctl.cli.discard import question
from stockctl.domain.correction import Corrected, Correction, Difference
from stockctl.domain.discard import Discard
from stockctl.domain.errors import StockctlError
from stockctl.terminal.environment import Environment


class Terminal(io.StringIO):
    """An input that a person types."""

    def isatty(self) -> bool:
        return True


def test_on_a_terminal_it_asks_and_takes_no_for_an_answer() -> None:
    stderr = io.StringIO()
    Environment(Terminal("y\n"), io.StringIO(), stderr, {}).confirm("Discard 3 ham?", "nothing was discarded")
    assert "Discard 3 ham?" in stderr.getvalue()
    with pytest.raises(StockctlError, match="nothing was discarded"):
        Environment(Terminal("n\n"), io.StringIO(), stderr, {}).confirm("Discard 3 ham?", "nothing was discarded")


def test_ctrl_c_at_a_question_ends_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> str:
        raise KeyboardInterrupt

    stdin, stderr = Terminal(), io.StringIO()
    monkeypatch.setattr(stdin, "readline", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Environment(stdin, io.StringIO(), stderr, {}).agrees("Discard 3 ham?")
    assert stderr.getvalue() == "Discard 3 ham? [y/N] \n"


def test_ctrl_d_at_a_question_is_no_and_ends_its_line() -> None:
    stderr = io.StringIO()
    assert not Environment(Terminal(""), io.StringIO(), stderr, {}).agrees("Discard 3 ham?")
    assert stderr.getvalue() == "Discard 3 ham? [y/N] \n"


def test_a_script_is_not_asked() -> None:
    """It has decided already."""
    stderr = io.StringIO()
    Environment(io.StringIO(), io.StringIO(), stderr, {}).confirm("Discard 3 ham?", "nothing was discarded")
    assert stderr.getvalue() == ""


@pytest.mark.parametrize(
    ("corrected", "asked"),
    [
        ((12, 5), "Correct monday.csv: ham +2?"),
        ((10, 1), "Correct monday.csv: egg −4?"),
        ((1500, 1), "Correct monday.csv: ham +1,490, egg −4?"),
        ((10, 5), ""),
    ],
)
def test_the_question_of_a_correction_says_what_is_booked(corrected: tuple[int, int], asked: str) -> None:
    pairs = zip(("ham", "egg"), (10, 5), corrected, strict=True)
    found = tuple(Difference(name, "never", was, now) for name, was, now in pairs if was != now)
    plan = Corrected(Correction("monday.csv", 1, "content", found, ("monday.csv",)))
    assert corrections.question(plan) == asked
    assert corrections.question(replace(plan, replayed=True)) == ""


def test_the_question_of_a_discard_names_what_is_lost() -> None:
    assert question(Discard("d", "ham", 1500, "dropped")) == "Discard 1,500 ham?"
    assert question(Discard("d", "ham", 3, "dropped", delivery="monday.csv")) == "Discard 3 ham of monday.csv?"
