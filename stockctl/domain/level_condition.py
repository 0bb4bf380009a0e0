"""Conditions on a level, as scripts write them to wait for stock: `ham<100`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

from stockctl.domain.stock import ingredient_named

_WRITTEN = re.compile(r"(?P<name>.+?)\s*(?P<sign><=|>=|==|=|<|>)\s*(?P<units>[0-9]{1,10})\s*", re.ASCII | re.DOTALL)
_SIGNS: dict[str, Callable[[int, int], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "==": operator.eq,
}


@dataclass(frozen=True)
class LevelCondition:
    """A comparison of one ingredient's level with a number of units."""

    ingredient: str
    sign: str
    units: int

    @classmethod
    def parse(cls, text: str) -> LevelCondition:
        """The condition that the text states: an ingredient, a comparison and a whole number.

        Raises:
            ValueError: it is something else.
        """
        written = _WRITTEN.fullmatch(text)
        if not written:
            raise ValueError("is not an ingredient, a comparison and a whole number")
        return cls(ingredient_named(written["name"]), written["sign"], int(written["units"]))

    def holds(self, quantity: int) -> bool:
        """Whether a level of this quantity meets the condition."""
        return _SIGNS[self.sign](quantity, self.units)

    def __str__(self) -> str:
        return f"{self.ingredient} {self.sign} {self.units:,}"
