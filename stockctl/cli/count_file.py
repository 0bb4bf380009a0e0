"""`stockctl count --file`: what was counted, from a CSV file with the columns ingredient and quantity."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from stockctl.cli.ingredients import quantity_in
from stockctl.cli.supplier_files import content_of
from stockctl.domain.csv_layout import SEPARATORS, meanings_of, records
from stockctl.domain.decoding import decoded_lines
from stockctl.domain.errors import UsageError
from stockctl.domain.rejection import Rejection, UnreadableFile

if TYPE_CHECKING:
    from stockctl.cli.session import Session

_HINT = "Write ingredient,quantity in each line, as in ham,37."


def counted_in(session: Session, name: str) -> list[tuple[str, int]]:
    """The ingredient and units of each row in a file, or on standard input.

    Raises:
        UsageError: it cannot be read, or a row does not say what was counted.
    """
    content = content_of(session, name)
    try:
        rows = list(_rows(list(decoded_lines(io.BytesIO(content)))))
    except UnreadableFile as error:
        raise UsageError(f"{name}:{error.rejection.line}: {error.rejection.message}", _HINT) from error
    found: list[tuple[str, int]] = []
    for line, word in rows:
        try:
            found.append(quantity_in(word, least=0))
        except UsageError as error:
            raise UsageError(f"{name}:{line}: {error.message}", _HINT) from error
    if not found:
        raise UsageError(f"{name} has no rows", _HINT)
    return found


def _rows(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Each row with its line, as a word `ham=37`."""
    separator = _separator(lines)
    positions = 0, 1
    for number, (line, fields) in enumerate(records(lines, separator)):
        if isinstance(fields, Rejection):
            raise UnreadableFile(fields)
        meanings = meanings_of(fields)
        if number == 0 and "ingredient" in meanings and "quantity" in meanings:
            positions = meanings["ingredient"][0], meanings["quantity"][0]
            continue
        values = [field.strip() for field in fields]
        if len(values) <= max(positions) or (positions == (0, 1) and any(values[2:]) and number == 0):
            raise UnreadableFile(Rejection(line, "", separator.join(fields), "is not an ingredient and a quantity"))
        yield line, f"{values[positions[0]]}={values[positions[1]]}"


def _separator(lines: Sequence[str]) -> str:
    """The separator that makes two columns of the first line with something in it, or else most columns."""
    first = next((line for line in lines if line.strip()), "")
    found = [separator for separator in SEPARATORS if separator in first]
    return min(found, key=lambda one: abs(first.count(one) - 1), default=",")
