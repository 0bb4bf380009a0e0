"""One description of a result, printed as table, TSV, CSV and JSON; and streams that lack letters."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import pytest

from stockctl.terminal.encoding import HANDLER, write_what_can_be
from stockctl.terminal.environment import Environment
from stockctl.terminal.output import Field, Listing, Nested, Output, OutputFormat

NAME = "an ingredient with a name so long that eighty columns cannot hold it and it must be folded somewhere"


@dataclass(frozen=True)
class Item:
    """A record to show."""

    name: str
    quantity: int | None = 7
    expires: str | None = "2026-11-23T18:00:00Z"
    is_low: bool = False


FIELDS: list[Field[Item]] = [
    Field("ingredient", lambda item: item.name),
    Field("quantity", lambda item: item.quantity, heading="on hand"),
    Field("next_expiry", lambda item: item.expires, shown=lambda _: "in 3 d", folds=False),
    Field("at", lambda _: "2026-11-23 18:00", folds=False, yields=1, in_tsv=False, in_json=False),
    Field("low", lambda item: item.is_low),
]


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def printed(listing: Listing[Any], how: OutputFormat = OutputFormat.TABLE, width: int = 80) -> str:
    out = io.StringIO()
    Output(Environment(stdout=out, stderr=out, variables={"COLUMNS": str(width)}), how).show(listing)
    return out.getvalue()


def listing_of(*items: Item, **options: Any) -> Listing[Item]:
    return Listing(FIELDS, items, **options)


def test_every_format_follows_from_the_same_fields() -> None:
    listing = listing_of(Item("ham", 1_000), Item("egg", None, None, is_low=True))
    assert json.loads(printed(listing, OutputFormat.JSON)) == [
        {"ingredient": "ham", "quantity": 1000, "next_expiry": "2026-11-23T18:00:00Z", "low": False},
        {"ingredient": "egg", "quantity": None, "next_expiry": None, "low": True},
    ]
    assert printed(listing, OutputFormat.TSV).splitlines() == [
        "ingredient\tquantity\tnext_expiry\tlow",
        "ham\t1000\t2026-11-23T18:00:00Z\tfalse",
        "egg\t\t\ttrue",
    ]
    assert printed(listing, OutputFormat.CSV).splitlines()[1] == "ham,1000,2026-11-23T18:00:00Z,false"
    table = printed(listing).split()
    assert all(part in table for part in ("on", "hand", "1,000", "-", "yes", "no"))


def test_a_table_in_a_pipe_has_no_empty_lines_and_no_blanks_at_the_end_of_lines() -> None:
    lines = printed(listing_of(Item("ham"), Item("egg"), total="2 ingredients")).splitlines()
    assert len(lines) == 5  # headings, a rule, two rows, the total
    assert [line for line in lines if not line or line != line.rstrip()] == []


def test_a_document_is_one_object_whose_list_is_a_row_for_each_entry() -> None:
    fields: list[Field[dict[str, Any]]] = [
        Field("transaction_id", itemgetter("id"), in_table=False),
        Field("status", itemgetter("status")),
    ]
    items: Nested[dict[str, Any]] = Nested("items", itemgetter("items"), [Field("name", str), Field("units", len)])
    record = {"id": "abc", "status": "accepted", "items": ["ham", "eggs"]}
    listing = Listing(fields, [record], items, is_document=True)
    assert json.loads(printed(listing, OutputFormat.JSON)) == {
        "transaction_id": "abc",
        "status": "accepted",
        "items": [{"name": "ham", "units": 3}, {"name": "eggs", "units": 4}],
    }
    assert printed(listing, OutputFormat.TSV).splitlines() == [
        "transaction_id\tstatus\tname\tunits",
        "abc\taccepted\tham\t3",
        "abc\taccepted\teggs\t4",
    ]
    assert printed(listing).count("accepted") == 1
    assert printed(Listing(fields, [{**record, "items": []}], items), OutputFormat.TSV).splitlines()[1:] == [
        "abc\taccepted\t\t"
    ]


def test_a_list_can_be_a_mapping_in_json() -> None:
    outputs: Nested[str] = Nested(
        "outputs", lambda name: [(name, "x")], [Field("output", itemgetter(0)), Field("value", itemgetter(1))], True
    )
    fields: list[Field[str]] = [Field("stack", lambda _: "trial")]
    listing = Listing(fields, ["Url"], outputs, is_document=True)
    assert json.loads(printed(listing, OutputFormat.JSON)) == {"stack": "trial", "outputs": {"Url": "x"}}
    assert printed(listing, OutputFormat.TSV).splitlines() == ["stack\toutput\tvalue", "trial\tUrl\tx"]


def test_a_name_with_a_dot_is_nested_in_json() -> None:
    fields: list[Field[str]] = [Field("running", bool), Field("state.bytes", len), Field("state.at", str)]
    listing = Listing(fields, ["ham"], is_document=True)
    assert json.loads(printed(listing, OutputFormat.JSON)) == {"running": True, "state": {"bytes": 3, "at": "ham"}}
    assert listing.names() == ["running", "state.bytes", "state.at"]


def test_a_table_can_omit_records_that_tsv_contains() -> None:
    listing = listing_of(Item("ham"), Item("egg", 0), for_people=lambda item: bool(item.quantity))
    assert "egg" not in printed(listing)
    assert "egg" in printed(listing, OutputFormat.TSV)


def test_an_empty_result_is_a_notice_without_headings() -> None:
    assert printed(listing_of(empty="nothing to show")) == "nothing to show\n"


def test_a_total_is_for_people_only() -> None:
    listing = listing_of(Item("ham"), total="1 thing")
    assert "1 thing" in printed(listing)
    assert "1 thing" not in printed(listing, OutputFormat.TSV)


def test_numbers_and_times_are_not_folded() -> None:
    text = printed(listing_of(Item(NAME, 1_234_567)), width=60)
    assert "1,234,567  in 3 d" in text
    assert max(map(len, text.splitlines())) <= 60
    assert all(word in text for word in NAME.split())


@pytest.mark.parametrize(("width", "is_shown"), [(100, True), (50, False)])
def test_a_yielding_column_is_shown_if_there_is_room(width: int, is_shown: bool) -> None:
    assert ("2026-11-23 18:00" in printed(listing_of(Item("ham")), width=width)) is is_shown


def test_columns_yield_in_their_order_before_a_name_is_folded_into_single_letters() -> None:
    fields: list[Field[str]] = [
        Field("ingredient", str),
        Field("left", lambda _: 1_000_000_000),
        Field("of", lambda _: 2_000_000_000, yields=2),
        Field("at", lambda _: "2026-11-23 18:00", yields=1),
    ]
    texts = {width: printed(Listing(fields, ["mozzarella"]), width=width) for width in (70, 50, 30)}
    headings = {width: next(filter(str.strip, text.splitlines())).split()[1:] for width, text in texts.items()}
    assert headings == {70: ["left", "of", "at"], 50: ["left", "of"], 30: ["left"]}
    left_out = {width: text.partition("Not shown, for lack of room: ")[2].strip() for width, text in texts.items()}
    assert left_out == {70: "", 50: "at.", 30: "of, at."}
    assert all("mozzarella" in text for text in texts.values())


def test_a_heading_is_never_cut() -> None:
    fields: list[Field[str]] = [Field(name, str) for name in ("transaction", "ingredient", "delivery", "batch", "at")]
    shown = printed(Listing(fields, ["long-name-" * 9]), width=60)
    assert [word for word in ("transaction", "ingredient", "delivery") if word not in shown] == []


def test_a_long_name_is_broken_between_its_parts_and_never_within_a_word() -> None:
    fields: list[Field[str]] = [Field("delivery", str), Field("about", lambda _: "two words or three here")]
    name = "wholesale-2026-11-23-a1b2c3d4e5f6.csv@2026-12-31"
    text = printed(Listing(fields, [name]), width=40)
    assert max(map(len, text.splitlines())) <= 40
    for part in ("wholesale-", "a1b2c3d4e5f6.", "words", "three"):
        assert part in text


def test_wide_letters_are_counted_by_the_cells_they_take() -> None:
    text = printed(Listing([Field("ingredient", str), Field("quantity", lambda _: 7)], ["寿司" * 30]), width=40)
    assert max(sum(1 + (letter > "⺀") for letter in line.rstrip()) for line in text.splitlines()) <= 40


@pytest.mark.parametrize("how", list(OutputFormat))
def test_control_characters_never_reach_a_terminal(how: OutputFormat) -> None:
    out = Terminal()
    environment = Environment(stdout=out, stderr=out, variables={"COLUMNS": "80", "TERM": "dumb"})
    hostile = "x\x1b]0;title\x07\x9b2J\x7f\u202ey"
    Output(environment, how).show(Listing([Field("name", str)], [hostile]))
    Output(environment, how).stream([Field("name", str)], str).print(hostile)
    assert not {"\x1b", "\x07", "\x9b", "\x7f", "\u202e"} & set(out.getvalue())
    assert "x" in out.getvalue()


def test_json_escapes_control_characters_and_loses_none() -> None:
    hostile = "\x1b[2J\x7f\x9b\u202e ham"
    assert json.loads(printed(Listing([Field("name", str)], [hostile]), OutputFormat.JSON)) == [{"name": hostile}]


def test_tsv_in_a_pipe_keeps_what_is_data_and_stays_one_line() -> None:
    assert printed(Listing([Field("name", str)], ["a\tb\nc\x1b"]), OutputFormat.TSV) == "name\na b c\x1b\n"


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1"])  # noqa: RUF001
def test_csv_cells_that_a_spreadsheet_would_run_are_text(cell: str) -> None:
    rows = list(csv.reader(io.StringIO(printed(Listing([Field("name", str)], [cell]), OutputFormat.CSV), newline="")))
    assert rows == [["name"], [f"'{cell}"]]


def test_csv_keeps_figures_and_quotes_what_needs_it() -> None:
    fields: list[Field[str]] = [Field("change", lambda _: -10), Field("name", str)]
    assert printed(Listing(fields, ['cheese, "soft"']), OutputFormat.CSV) == 'change,name\n-10,"cheese, ""soft"""\n'


def test_names_are_text_neither_markup_nor_escape_sequences() -> None:
    assert "[red]x[/red] ?[2J" in printed(Listing([Field("a", str)], ["[red]x[/red] \x1b[2J"]))


@pytest.mark.parametrize(
    ("how", "lines"),
    [
        (OutputFormat.TSV, ["name\tunits", "ham\t3"]),
        (OutputFormat.CSV, ["name,units", "ham,3"]),
        (OutputFormat.JSON, ['{"name": "ham", "units": 3}']),
        (OutputFormat.TABLE, ["a line about ham"]),
    ],
)
def test_a_stream_prints_each_record_as_it_comes(how: OutputFormat, lines: list[str]) -> None:
    out = io.StringIO()
    output = Output(Environment(stdout=out, variables={}), how)
    fields: list[Field[str]] = [Field("name", str), Field("units", len)]
    output.stream(fields, lambda name: f"a line about {name}").print("ham")
    assert out.getvalue().splitlines() == lines


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
    fields: list[Field[str]] = [Field("ingredient", str), Field("change", lambda _: "−10")]
    listing = Listing(fields, ["寿司"], total="80×24 …")
    Output(Environment(stdout=out, variables={"COLUMNS": "80"}), OutputFormat.TABLE).show(listing)
    out.flush()
    text = raw.getvalue().decode(encoding)
    assert "-10" in text
    assert "80x24 ..." in text or "80×24 ..." in text or "80×24 …" in text
    assert "??" in text


def test_progress_leaves_nothing_in_a_pipe() -> None:
    err = io.StringIO()
    Environment(stdout=io.StringIO(), stderr=err, variables={}).passing("file 1 of 2")
    assert err.getvalue() == ""


@pytest.mark.parametrize("asked", [OutputFormat.TSV, OutputFormat.JSON])
def test_results_in_a_pipe_end_progress_on_the_terminal(asked: OutputFormat) -> None:
    """As in `stockctl ingest monday.csv | tail`: both go to one terminal in the end."""
    terminal = Terminal()
    environment = Environment(stdout=terminal, stderr=terminal, variables={"TERM": "xterm"})
    environment.passing("30,000 rows recorded")
    Output(environment, asked).show(Listing([Field("ingredient", str)], ["ham"]))
    assert terminal.getvalue().startswith("\r\x1b[2K30,000 rows recorded\r\x1b[2K")
    assert "ham" in terminal.getvalue()


def test_on_a_terminal_the_next_line_replaces_progress() -> None:
    err = Terminal()
    environment = Environment(stdout=io.StringIO(), stderr=err, variables={"TERM": "xterm"})
    environment.passing("file 1 of 2")
    environment.note("done")
    assert err.getvalue() == "\r\x1b[2Kfile 1 of 2\r\x1b[2Kdone\n"
