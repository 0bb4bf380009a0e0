"""Lays out tables: which columns fit, how wide each is, and where long cells fold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rich.console import Console

FOLDED = 14
"""Cells that are enough for a name or an id where there is little room."""
LONGEST_WHOLE = 30
"""A word with more cells than this may be broken anywhere."""
GAP = 2
"""Cells between two columns."""

_ASCII_HEAD = "    \n    \n -- \n    \n    \n    \n    \n    \n"
"""A line below the heading, and no other, as rich has it in finer characters."""
_PIECE = re.compile(r"[^-/@._,:]*[-/@._,:]+|[^-/@._,:]+")
"""Where a word too long for its column may be broken: after these characters, as in the names of deliveries."""


@dataclass(frozen=True)
class TableColumn:
    """One column of a table: its heading (of one line or more), its cells, and what it does where room is short.

    `is_whole` keeps cells on one line. A column that `yields` is left out where folding is not enough: 1 goes first,
    then 2; 0 never goes. One that `repeats` has nothing that others do not have in another form.
    """

    heading: str
    cells: Sequence[str]
    justify: Literal["left", "right"] = "left"
    style: str | None = None
    is_whole: bool = False
    yields: int = 0
    repeats: bool = False

    @cached_property
    def widest(self) -> int:
        """Cells that the column takes unfolded."""
        from rich.cells import cell_len

        return max(map(cell_len, [*self.heading.split("\n"), *self.cells]))

    @property
    def has_content(self) -> bool:
        """Whether anything is missing without it."""
        return not self.repeats and any(cell not in {"", "-"} for cell in self.cells)

    @cached_property
    def least(self) -> int:
        """Cells that the column needs; one that folds is content with a few words a line."""
        from rich.cells import cell_len

        if self.is_whole:
            return self.widest
        words = (word for cell in [self.heading, *self.cells] for word in cell.split())
        longest = max((cell_len(piece) for word in words for piece in _PIECE.findall(word)), default=0)
        return min(self.widest, max(FOLDED, min(longest, LONGEST_WHOLE)))

    @cached_property
    def narrowest(self) -> int:
        """Cells that it takes where there is hardly any room: its heading is never cut."""
        from rich.cells import cell_len

        return min(self.widest, max([FOLDED // 2, *map(cell_len, self.heading.split())]))


def draw(console: Console, columns: Sequence[TableColumn], styles: Sequence[str], *, is_plain: bool) -> list[str]:
    """Prints a table; `styles` are the rich styles of its rows, `is_plain` draws with ASCII alone.

    In a pipe there is no empty line around it, and no blank at the end of a line. Returns the headings of what had no
    room.
    """
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    kept = _fitting(columns, console.width)
    widths = _widths(kept, console.width)
    lines = box.Box(_ASCII_HEAD, ascii=True) if is_plain else box.SIMPLE_HEAD
    drawn = RichTable(box=lines, pad_edge=False, padding=(0, GAP - 1, 0, 0))
    for column, width in zip(kept, widths, strict=True):
        drawn.add_column(
            column.heading, justify=column.justify, style=column.style, width=width, no_wrap=column.is_whole
        )
    for index, style in enumerate(styles):
        cells = ["\n".join(folded(column.cells[index], width)) for column, width in zip(kept, widths, strict=True)]
        drawn.add_row(*map(Text, cells), style=style)
    left_out = [column.heading for column in columns if column not in kept and column.has_content]
    if console.is_terminal:
        console.print(drawn)
        return left_out
    with console.capture() as captured:
        console.print(drawn)
    for line in filter(None, map(str.rstrip, captured.get().splitlines())):
        console.print(Text(line), soft_wrap=True)
    return left_out


def folded(text: str, width: int) -> Iterator[str]:
    """The text in lines of this many cells, broken between words; a longer word after punctuation, or else anywhere."""
    from rich.cells import cell_len

    line = ""
    for piece in _pieces(text, width):
        if line and cell_len((line + piece).rstrip()) > width:
            yield line.rstrip()
            line = ""
        line += piece
    yield line.rstrip()


def _pieces(text: str, width: int) -> Iterator[str]:
    """What stays on one line: words with the space after them, and parts of those that are too long."""
    from rich.cells import cell_len, chop_cells

    for word in re.findall(r"\S+\s*|\s+", text):
        if cell_len(word.rstrip()) <= width:
            yield word
            continue
        for piece in _PIECE.findall(word):
            yield from [piece] if cell_len(piece.rstrip()) <= width else chop_cells(piece, width)


def _fitting(columns: Sequence[TableColumn], width: int) -> list[TableColumn]:
    """The columns that are shown: those that yield are left out, in their order, until the others have room."""
    kept = list(columns)
    for column in sorted(columns, key=lambda one: one.yields):
        if column.yields and sum(one.least + GAP for one in kept) > width - 1:
            kept.remove(column)
    return kept


def _widths(columns: Sequence[TableColumn], width: int) -> list[int]:
    """The width of each column: the widest that fold give way, first down to their words, then to a few cells."""
    widths = [column.widest for column in columns]
    excess = sum(widths) + GAP * len(columns) - (width - 1)
    for floors in ([column.least for column in columns], [column.narrowest for column in columns]):
        while excess > 0:
            spare = [
                (widths[index], index)
                for index, column in enumerate(columns)
                if not column.is_whole and widths[index] > floors[index]
            ]
            if not spare:
                break
            widths[max(spare)[1]] -= 1
            excess -= 1
    return widths
