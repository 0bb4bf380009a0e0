"""Tables for people, TSV for pipes, and streams that lack letters."""

from __future__ import annotations

import io
import json

import pytest

from stockctl.terminal.encoding import HANDLER, write_what_can_be
from stockctl.terminal.environment import Environment
from stockctl.terminal.output import Column, Output, OutputFormat, Table

NAME = "an ingredient with a name so long that eighty columns cannot hold it and it must be folded somewhere"
COLUMNS = [
    Column("ingredient"),
    Column("on hand", "right", field="quantity"),
    Column("next expiry", folds=False),
    Column("at", field=None, folds=False, yields=1),
]


def shown(table: Table, width: int, how: OutputFormat = OutputFormat.TABLE) -> str:
    out = io.StringIO()
    Output(Environment(stdout=out, stderr=out, variables={"COLUMNS": str(width)}), how).show([], table)
    return out.getvalue()


def test_numbers_and_times_stay_whole_where_a_name_has_to_fold() -> None:
    text = shown(Table(COLUMNS, [[NAME, "1,234,567", "in 3 d", "2026-11-23 18:00"]]), 60)
    assert "1,234,567  in 3 d" in text
    assert max(map(len, text.splitlines())) <= 60
    assert all(word in text for word in NAME.split())


@pytest.mark.parametrize(("width", "is_shown"), [(100, True), (50, False)])
def test_a_column_that_yields_is_shown_where_there_is_room(width: int, is_shown: bool) -> None:
    text = shown(Table(COLUMNS, [["ham", "7", "in 3 d", "2026-11-23 18:00"]]), width)
    assert ("2026-11-23 18:00" in text) is is_shown


def test_columns_that_yield_go_in_their_order_before_a_name_is_folded_into_single_letters() -> None:
    columns = [Column("ingredient"), Column("left", "right"), Column("of", "right", yields=2), Column("at", yields=1)]
    table = Table(columns, [["mozzarella", "1,000,000,000", "2,000,000,000", "2026-11-23 18:00"]])
    kept = {
        width: [name for name in ("left", "of", "at") if f" {name}" in shown(table, width)] for width in (70, 50, 30)
    }
    assert kept == {70: ["left", "of", "at"], 50: ["left", "of"], 30: ["left"]}
    assert all("mozzarella" in shown(table, width) for width in kept)


def test_tsv_is_headed_by_the_names_of_the_json_fields() -> None:
    table = Table(COLUMNS, [["ham", "1,000", "in 3 d", "at"]], [["ham", "1000", "2026-11-23T18:00:00Z"]])
    assert shown(table, 80, OutputFormat.TSV) == "ingredient\tquantity\tnext_expiry\nham\t1000\t2026-11-23T18:00:00Z\n"


def test_a_total_is_for_people_only() -> None:
    table = Table([Column("a")], [["1"]], total="1 thing")
    assert "1 thing" in shown(table, 80)
    assert "1 thing" not in shown(table, 80, OutputFormat.TSV)


def test_names_are_text_neither_markup_nor_escape_sequences() -> None:
    text = shown(Table([Column("a")], [["[red]x[/red] \x1b[2J"]]), 80)
    assert "[red]x[/red] ?[2J" in text


@pytest.mark.parametrize("encoding", ["cp1252", "cp437", "ascii"])
def test_json_loses_nothing_in_a_code_page(encoding: str) -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding=encoding)
    write_what_can_be(out, {})
    Output(Environment(stdout=out), OutputFormat.JSON).json(["crème", "寿司", "−"])
    assert json.loads(raw.getvalue().decode(encoding)) == ["crème", "寿司", "−"]


@pytest.mark.parametrize("encoding", ["cp1252", "cp437", "ascii"])
def test_a_terminal_with_a_code_page_is_shown_the_nearest_letters(encoding: str) -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding=encoding, errors=HANDLER, newline="\n")
    table = Table([Column("ingredient"), Column("change", "right")], [["寿司", "−10"]], total="80×24 …")
    Output(Environment(stdout=out, variables={"COLUMNS": "80"}), OutputFormat.TABLE).show([], table)
    out.flush()
    text = raw.getvalue().decode(encoding)
    assert "-10" in text
    assert "80x24 ..." in text or "80×24 ..." in text or "80×24 …" in text
    assert "??" in text


def test_how_far_it_is_passes_and_leaves_nothing_in_a_pipe() -> None:
    err = io.StringIO()
    Environment(stdout=io.StringIO(), stderr=err, variables={}).passing("file 1 of 2")
    assert err.getvalue() == ""


def test_on_a_terminal_the_next_line_takes_the_place_of_what_passed() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    err = Terminal()
    environment = Environment(stdout=io.StringIO(), stderr=err, variables={"TERM": "xterm"})
    environment.passing("file 1 of 2")
    environment.tell("done")
    assert err.getvalue() == "\r\x1b[2Kfile 1 of 2\r\x1b[2Kdone\n"
