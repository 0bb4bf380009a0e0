"""Ingredients as operators write them: names and quantities, and what a misspelt name may have meant."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from stockctl.cli.completion import complete_ingredients
from stockctl.domain.errors import Refused, UsageError
from stockctl.domain.lookalikes import lookalikes
from stockctl.domain.quantities import quantity_of
from stockctl.domain.stock import Level, ingredient_named
from stockctl.terminal.figures import counts

if TYPE_CHECKING:
    from stockctl.cli.session import Session


ChosenIngredients = Annotated[
    list[str] | None,
    typer.Argument(metavar="INGREDIENT...", help="Default: all.", autocompletion=complete_ingredients),
]
"""The argument of commands that take some ingredients, or all; `named` reads it."""


def quantity_hint(least: int) -> str:
    """How to write quantities of `least` units or more."""
    return f"Write ingredient=units with a whole number from {least}, as in ham=10 mushroom=5."


QUANTITY_HINT = quantity_hint(1)

NAMED = 3
"""Rows or names that a message lists."""


def quantities(words: Sequence[str]) -> dict[str, int]:
    """Units by ingredient, from words such as `ham=10`; words for one ingredient are added up.

    Raises:
        UsageError: a word is something else.
    """
    return sums(map(quantity_in, words))


def sums(quantities: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Units by ingredient, added up."""
    found: dict[str, int] = {}
    for ingredient, units in quantities:
        found[ingredient] = found.get(ingredient, 0) + units
    return found


def quantity_in(word: str, *, least: int = 1) -> tuple[str, int]:
    """The ingredient and the units, `least` or more, in a word such as `ham=10`.

    Raises:
        UsageError: it is something else.
    """
    hint = quantity_hint(least)
    name, equals, quantity = word.rpartition("=")
    if not equals:
        raise UsageError(f"missing quantity: write {shlex.quote(f'{word}=10')}", hint)
    try:
        ingredient = ingredient_named(name)
    except ValueError as error:
        raise UsageError(f"in {word!r} the ingredient {error}", hint) from error
    try:
        return ingredient, quantity_of(quantity.strip(), least=least)
    except ValueError as error:
        raise UsageError(f"in {word!r} the quantity {error}", hint) from error


def named(words: Sequence[str]) -> list[str] | None:
    """The ingredients that these words name, or None, which stands for all, where there are no words.

    Raises:
        UsageError: a word cannot be an ingredient.
    """
    try:
        return list(dict.fromkeys(ingredient_named(word) for word in words)) or None
    except ValueError as error:
        raise UsageError(f"an ingredient name {error}", "Write its name as `stockctl stock` lists it.") from error


def known_levels(session: Session, wanted: Sequence[str] | None) -> list[Level]:
    """The levels of these ingredients, or of all.

    Raises:
        Refused: one was never delivered; the hint has similar names.
    """
    levels = session.stock_table.levels(wanted)
    known = {level.ingredient for level in levels}
    absent = [name for name in wanted or [] if name not in known]
    if absent:
        hints = did_you_mean(session, absent) or ["`stockctl stock` lists all ingredients."]
        raise Refused(f"no such ingredient: {', '.join(absent)}", " ".join(hints))
    return levels


def did_you_mean(session: Session, absent: Sequence[str]) -> list[str]:
    """A question for each name that resembles an ingredient; none if ingredients cannot be read."""
    try:
        known = session.stock_table.ingredients() if absent else []
    except Exception:
        return []
    return questions(lookalikes(absent, known, certainly_wrong=True))


def questions(alike: Mapping[str, Sequence[str]]) -> list[str]:
    """Asks, for each misspelt name, which known one was meant."""
    return [f"{name}: did you mean {' or '.join(known)}?" for name, known in alike.items()]


def misspelt(alike: Mapping[str, Sequence[str]], verb: str, done: str) -> Refused:
    """The refusal of new ingredients that look like known ones; `verb` and `done` are what the command does to them."""
    pairs = [f"{name} ({' or '.join(known)})" for name, known in alike.items()]
    more = f" and {counts(len(pairs) - NAMED, 'other')}" if len(pairs) > NAMED else ""
    return Refused(
        f"new ingredients look like known ones: {', '.join(pairs[:NAMED])}{more}; nothing was {done}",
        f"Correct the names, or {verb} them as new ingredients with --new.",
    )
