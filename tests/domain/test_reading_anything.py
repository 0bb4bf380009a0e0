"""The reader against whatever comes: supported shapes read back the same, damaged ones never as something else."""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import re
from dataclasses import dataclass
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from stockctl.domain.delivery import Row
from stockctl.domain.rejection import Rejection, UnreadableFile
from stockctl.domain.stock import ingredient_named
from tests.domain.deliveries import good, rows_of

NAMES = st.text("abc é,;|'\"\tß.=-#1", min_size=1, max_size=12).filter(lambda name: bool(name.split()))
UNITS = st.integers(1, 1_000_000_000)
DAYS = st.dates(date(2030, 1, 1), date(2040, 12, 31))
ROWS = st.tuples(NAMES, UNITS, DAYS)
WrittenRow = tuple[str, int, date]
ENCODINGS = {
    "utf-8": b"",
    "utf-8 with mark": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
}
HEADERS = st.tuples(
    st.sampled_from(["ingredient", "Item", " SKU ", "article"]),
    st.sampled_from(["quantity", "QTY", "Pieces"]),
    st.sampled_from(["best_before", "Best Before", "use-by", "Expiry Date"]),
)
DATES = ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%Y-%m-%d 00:00:00", "%d.%m.%Y", "%d-%b-%Y")


@dataclass(frozen=True)
class Shape:
    """How a file is written."""

    separator: str
    header: tuple[str, str, str]
    order: list[int]
    line_end: str
    above: str
    trailing: int
    encoding: str
    days: str
    decimals: str

    def written(self, rows: list[tuple[str, str, str]]) -> bytes:
        out = io.StringIO()
        writer = csv.writer(out, delimiter=self.separator, lineterminator=self.line_end)
        for row in [self.header, *rows]:
            writer.writerow([row[position] for position in self.order] + [""] * self.trailing)
        text = self.above + out.getvalue()
        return ENCODINGS[self.encoding] + text.encode(self.encoding.partition(" ")[0])


SHAPES = st.builds(
    Shape,
    separator=st.sampled_from(",;\t|"),
    header=HEADERS,
    order=st.permutations([0, 1, 2]),
    line_end=st.sampled_from(["\n", "\r\n"]),
    above=st.sampled_from(["", "Delivery note\n", "# made by hand\n\n"]),
    trailing=st.integers(0, 3),
    encoding=st.sampled_from(list(ENCODINGS)),
    days=st.sampled_from(DATES),
    decimals=st.sampled_from(["", ".0", ".00"]),
)


@given(SHAPES, st.lists(ROWS, min_size=1, max_size=6))
def test_what_is_written_in_any_supported_shape_reads_back_the_same(shape: Shape, rows: list[WrittenRow]) -> None:
    content = shape.written([(name, f"{units}{shape.decimals}", day.strftime(shape.days)) for name, units, day in rows])
    assert good(content) == [(ingredient_named(name), units, day.isoformat()) for name, units, day in rows]


@given(st.binary(max_size=300))
def test_no_file_whatever_it_holds_breaks_the_reader(content: bytes) -> None:
    lines: list[int] = []
    with contextlib.suppress(UnreadableFile):
        lines = [row.line for row in rows_of(content)]
    assert lines == sorted(lines)


FILE = b"""ingredient;quantity;best_before
leek;40;2031-05-01
"cheese; blue";1200;31.12.2031
salt;7,00;never
egg;12.0;2031-05-02
"""


@given(st.lists(st.tuples(st.integers(0, len(FILE) - 1), st.integers(0, 255)), min_size=1, max_size=3), st.booleans())
def test_a_damaged_file_never_gives_units_that_do_not_stand_in_it(changes: list[tuple[int, int]], cut: bool) -> None:
    """A row that is recorded has its units in its line as they were read; no digits are left out or joined."""
    damaged = bytearray(FILE)
    for position, byte in changes:
        damaged[position] = byte
    content = bytes(damaged[: changes[0][0]] if cut else damaged)
    with contextlib.suppress(UnreadableFile):
        lines = re.split(r"\r\n|\r|\n", content.decode("utf-8", "replace").removeprefix("\ufeff"))
        for row in rows_of(content, now=0):
            if isinstance(row, Row):
                line = "\n".join(lines[row.line - 1 : row.line + 1])
                assert re.search(rf"(?<![\d]){row.quantity}(?:[.,]0+)?(?![\d])|0+{row.quantity}\b", line), (row, line)


@given(st.lists(st.tuples(st.text(min_size=1, max_size=20), st.integers(-5, 5), st.sampled_from(["2028-01-01", "x"]))))
def test_every_row_is_either_recorded_or_rejected_and_none_is_lost(lines: list[tuple[str, int, str]]) -> None:
    out = io.StringIO()
    csv.writer(out).writerow(["ingredient", "quantity", "best_before"])
    csv.writer(out).writerows(lines)
    if lines:
        assert len(rows_of(out.getvalue().encode("utf-8", "replace"))) == len(lines)


@given(SHAPES, st.lists(ROWS, min_size=2, max_size=6), st.data())
def test_one_bad_row_costs_no_other(shape: Shape, rows: list[WrittenRow], data: st.DataObject) -> None:
    bad = data.draw(st.integers(0, len(rows) - 1))
    written = [[name, str(units), day.strftime(shape.days)] for name, units, day in rows]
    written[bad][1] = data.draw(st.sampled_from(["2.5", "10 kg", "1 000", "ten", "", "-1", "0"]))
    found = rows_of(shape.written([(a, b, c) for a, b, c in written]))
    assert [isinstance(row, Rejection) for row in found] == [position == bad for position in range(len(rows))]
