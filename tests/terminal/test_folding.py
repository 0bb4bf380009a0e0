"""A line that is too long is folded between its parts, never within a figure or a word."""

from __future__ import annotations

from rich.text import Text

from stockctl.terminal.folding import folded

EQUATION = "✓ 2,600 received + 104 returned = 817 on hand + 1,595 used + 264 expired + 28 discarded"


def test_a_line_that_fits_stays_one_line() -> None:
    assert [line.plain for line in folded(Text(EQUATION), 100)] == [EQUATION]
    assert [line.plain for line in folded(Text(""), 10)] == [""]


def test_an_equation_is_folded_before_an_operator() -> None:
    first, second = folded(Text(EQUATION), 80)
    assert first.plain == "✓ 2,600 received + 104 returned = 817 on hand + 1,595 used + 264 expired"
    assert second.plain == "+ 28 discarded"


def test_a_list_is_folded_after_a_comma_and_columns_between_them() -> None:
    assert [line.plain for line in folded(Text("refused (red wine 2,100, oil 1)"), 24)] == [
        "refused (red wine 2,100,",
        "oil 1)",
    ]
    assert [line.plain for line in folded(Text("used 63  expired 0  threshold 6,000"), 20)] == [
        "used 63  expired 0",
        "threshold 6,000",
    ]


def test_colours_stay_with_their_words() -> None:
    styled = Text.assemble("12 served, ", ("3 refused", "bold yellow"))
    assert folded(styled, 12)[1].markup == "[bold yellow]3 refused[/bold yellow]"


def test_a_part_that_is_too_long_is_a_line_of_its_own() -> None:
    assert [line.plain for line in folded(Text("used 1,000,000  expired 0"), 6)] == ["used 1,000,000", "expired 0"]
