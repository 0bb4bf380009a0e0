"""Folds a line of figures between its parts: a figure that is cut is a wrong figure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rich.cells import cell_len

if TYPE_CHECKING:
    from rich.text import Text

_BREAK = re.compile(r"  | (?=(?:[+=·|]|<>) )|(?<=,) ")
"""Two spaces, the space before an operator or a separator, and the one after a comma."""


def folded(line: Text, width: int) -> list[Text]:
    """The line on as many lines of `width` cells as it needs. Only a part that is wider than that stays too long."""
    plain, lines, start = line.plain, [], 0
    end, following = 0, 0
    for stop, after in [*(found.span() for found in _BREAK.finditer(plain)), (len(plain), len(plain))]:
        if end > start and cell_len(plain[start:stop]) > width:
            lines.append(line[start:end])
            start = following
        end, following = stop, after
    return [*lines, line[start:]]
