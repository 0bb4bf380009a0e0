"""The screen fits every terminal, and what matters is always on it."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from rich.console import Console
from rich.text import Text

from stockctl.domain.forecast import Pace
from stockctl.domain.level_point import Point
from stockctl.domain.stock import Batch, Level
from stockctl.terminal.glyphs import ASCII, FINE, Glyphs, glyphs_for
from stockctl.terminal.live import after_key
from stockctl.terminal.watch_model import SortOrder, Watched
from stockctl.terminal.watch_screen import Reading, View, frame
from tests.terminal.levels import LONG, NAMES, NOW, batch, view, watched

SIZES = [(60, 15), (80, 24), (160, 50)]


@pytest.mark.parametrize(("width", "height"), [*SIZES, (20, 5), (61, 16), (97, 31)])
@pytest.mark.parametrize("opened", ["ham", None])
@pytest.mark.parametrize("glyphs", [FINE, ASCII])
def test_a_frame_is_exactly_as_large_as_the_terminal(
    width: int, height: int, opened: str | None, glyphs: Glyphs
) -> None:
    lines = frame(watched(), view(opened, glyphs), width, height).split("\n", allow_blank=True)
    assert len(lines) == height
    assert max(line.cell_len for line in lines) <= width


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_level_batches_changes_and_state_are_on_every_screen_of_one_ingredient(width: int, height: int) -> None:
    text = frame(watched(), view("ham"), width, height).plain
    for word in ("live", "ham", "on hand", "5 batches, soonest first", "in 30 s", "last changes", "use ", "q quit"):
        assert word in text


def test_changes_show_their_cause_and_difference() -> None:
    text = frame(watched(), view("ham"), 160, 50).plain
    assert "delivery 60.csv" in text
    assert "+150" in text
    assert "\N{MINUS SIGN}" in text


def test_a_transaction_id_is_cut_only_where_it_has_no_room() -> None:
    model = Watched(["ham"])
    transaction = "b7d32e28-d123-4567-89ab-000000000000 +3"
    model["ham"].add(Point(2, NOW - 9, 7, 10, 3, 0, f"use {transaction}"))
    assert f"use {transaction} " in frame(model, view("ham"), 80, 24).plain
    assert "use b7d32e28-d " in frame(model, view("ham"), 60, 24).plain


def test_low_stock_comes_first_and_is_marked() -> None:
    model = watched(thresholds={"käse": 100_000})
    rows = frame(model, view(), 100, 30).plain.splitlines()
    first = next(row for row in rows if "▸" in row)
    assert "käse" in first
    assert "LOW" in first


def test_names_from_data_are_text_not_markup() -> None:
    assert "[bold]and" in frame(watched((LONG,)), view(LONG), 160, 30).plain


def test_control_characters_in_a_name_never_reach_the_terminal() -> None:
    text = frame(watched(("evil\x1b[2J",)), view("evil\x1b[2J"), 80, 24).plain
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("reading", "said"),
    [
        (Reading("behind", 12), "behind by 12 s"),
        (Reading("reconnecting", reason="EndpointConnectionError"), "reconnecting (EndpointConnectionError)"),
        (Reading("waiting for credentials", reason="ExpiredToken"), "waiting for credentials (ExpiredToken)"),
    ],
)
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_state_of_the_stream_is_on_every_screen(width: int, height: int, reading: Reading, said: str) -> None:
    for opened in ("ham", None):
        text = frame(watched(), view(opened, reading=reading), width, height).plain
        assert said[: width // 2] in text


def test_a_pause_is_shown_with_the_state_of_the_stream() -> None:
    text = frame(watched(), view("ham", reading=Reading("behind", 90), paused=True), 80, 24).plain
    assert "paused, behind by 1 min 30 s" in text


def test_a_plain_screen_is_ascii_for_any_names() -> None:
    for opened in ("käse", None):
        assert frame(watched(), view(opened, ASCII), 80, 24).plain.isascii()


def test_no_color_takes_colours_away_and_nothing_else() -> None:
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=True, no_color=True, width=80, height=24, _environ={})
    console.print(frame(watched(), view("ham"), 80, 24))
    assert "\x1b[3" not in shown.getvalue()
    assert "▲" in shown.getvalue()


def test_the_chosen_row_stays_in_sight() -> None:
    names = tuple(f"ingredient {number:02}" for number in range(60))
    chosen = replace(view(), chosen="ingredient 59", order=SortOrder.NAME)
    assert "▸ ingredient 59" in frame(watched(names), chosen, 60, 15).plain


def test_an_empty_stock_shows_a_notice() -> None:
    assert "Nothing is in stock yet" in frame(Watched(), view(), 80, 24).plain


def test_an_ingredient_that_was_never_delivered_is_marked() -> None:
    assert "nothing received yet" in frame(Watched(["ham"]), view("ham"), 80, 24).plain


def test_an_ingredient_that_was_never_delivered_is_not_shown_as_used_up() -> None:
    shown = frame(Watched(["ham", "egg"]), view(), 80, 24).plain
    assert "OUT" not in shown
    assert "—" in shown


def test_the_level_and_that_it_is_low_are_there_however_long_the_name_is() -> None:
    model = watched((LONG * 2,), {LONG * 2: 10_000})
    for width in (60, 80, 160):
        first = frame(model, view(LONG * 2), width, 24).plain.splitlines()[1]
        assert "on hand  LOW" in first


def test_large_figures_move_nothing_in_batches_and_changes() -> None:
    model = watched(("ham",))
    batches = model["ham"].batches
    assert batches
    large = replace(batches[0], quantity=1_000_000_000, received=1_000_000_000)
    model["ham"].batches = [large, *batches[1:]]
    lines = frame(model, view("ham"), 80, 40).plain.splitlines()
    rows = [line for line in lines if "Käserei.csv" in line and " of " in line]
    assert len({row.index(" of ") for row in rows}) == 1
    assert len({row.index("  in ") for row in rows}) == 1


def test_no_title_is_shown_without_a_line_below_it() -> None:
    lines = frame(watched(), replace(view("ham"), notes=(Text("served"), Text("adds up"))), 60, 15).plain.splitlines()
    title = next(index for index, line in enumerate(lines) if "batches, soonest first" in line)
    assert "20 of 150" in lines[title + 1]
    assert not any("last changes" in line for line in lines)


def test_half_a_screen_shows_the_end_of_delivery_names() -> None:
    model = watched(("ham",))
    batches = model["ham"].batches
    assert batches
    model["ham"].batches = [replace(batches[0], delivery="simulation/20261123T052004-3/0003 supplier.csv")]
    assert "0003 supplier.csv" in frame(model, view("ham"), 100, 30).plain


@pytest.mark.parametrize("width", [60, 80, 160])
def test_large_figures_move_no_column_out_of_its_place(width: int) -> None:
    model = watched(("ham", "salt"))
    model["salt"].points = [Point(1, NOW, 1_000_000_000, 1_000_000_000, 0, 0, "delivery a")]
    rows = frame(model, replace(view(), order=SortOrder.NAME), width, 24).plain.splitlines()[2:4]
    assert "+1,000,000,000" in rows[1] or width < 80
    assert rows[1].endswith("in 30 s")
    assert len({row.rindex("  in ") for row in rows}) == 1


def test_a_table_longer_than_the_screen_names_the_rows_it_shows() -> None:
    names = tuple(f"ingredient {number:02}" for number in range(60))
    assert "1-12 of 60" in frame(watched(names), view(), 60, 15).plain
    assert " of 60" not in frame(watched(names), view(), 80, 70).plain
    no_room = replace(view(), notes=(Text("note"),) * 3)
    assert " of 60" not in frame(watched(names), no_room, 60, 6).plain


def test_keys_that_have_no_room_are_left_out_whole() -> None:
    last = frame(watched(), view(), 60, 15).plain.splitlines()[-1]
    assert last == "q quit · ? help · p pause · ▲ delivery ▼ written off"
    assert "/ find · s sort: low stock first" in frame(watched(), view(), 120, 15).plain


@pytest.mark.parametrize("glyphs", [FINE, ASCII])
@pytest.mark.parametrize("notes", [0, 3])
def test_help_lists_every_key_on_the_smallest_screen(glyphs: Glyphs, notes: int) -> None:
    """Three notes are what a simulation adds."""
    asked = replace(after_key("?", view(glyphs=glyphs), watched()), notes=(Text("note"),) * notes)
    text = frame(watched(), asked, 60, 15).plain
    for word in ("up, down", "PgUp, PgDn", "Home, End", "enter, esc", "left, right", "Ctrl-C", "written off", "OUT"):
        assert word in text
    assert not after_key("x", asked, watched()).help


def test_a_name_that_matches_nothing_says_so() -> None:
    model = watched()
    assert "/zzz_  no match" in frame(model, typed("/zzz", view(), model), 80, 24).plain
    assert "no match" not in frame(model, typed("/ha", view(), model), 80, 24).plain
    assert "no match" not in frame(model, typed("/", view(), model), 80, 24).plain


def test_the_last_frame_is_not_live_and_still_explains_its_marks() -> None:
    lines = frame(watched(), replace(view(), ended=True), 80, 24).plain.splitlines()
    assert lines[0].endswith(" ended")
    assert lines[-1] == "▲ delivery ▼ written off"
    troubled = replace(view(reading=Reading("reconnecting", reason="x")), ended=True)
    assert "ended, reconnecting (x)" in frame(watched(), troubled, 80, 24).plain


def test_the_history_may_come_after_the_present() -> None:
    one = watched(("ham",))["ham"]
    points = list(one.points)
    for point in reversed(points):
        one.add(point)
    assert one.points == points
    assert one.points[-1].at <= NOW


def test_the_very_first_delivery_is_a_change_and_is_marked() -> None:
    one = watched(("ham",))["ham"]
    assert one.difference(0) == 150
    assert one.marks()[0].quantity == 150


def test_a_gap_in_the_versions_leaves_the_difference_open() -> None:
    one = watched(("ham",))["ham"]
    del one.points[10]
    assert one.difference(10) is None
    assert one.difference(11) is not None


def test_keys_walk_through_the_table_and_into_an_ingredient() -> None:
    model = watched()
    start = replace(view(), order=SortOrder.NAME)
    names = sorted(NAMES)
    down = after_key("down", start, model)
    assert down.chosen == names[1]
    opened = after_key("enter", down, model)
    assert opened.opened == names[1]
    assert after_key("right", opened, model).opened == names[2]
    assert after_key("left", after_key("left", opened, model), model).opened == names[-1]
    assert after_key("escape", opened, model).opened is None


def test_keys_move_by_a_page_and_to_both_ends() -> None:
    names = tuple(f"ingredient {number:02}" for number in range(60))
    model = watched(names)
    start = replace(view(), order=SortOrder.NAME)
    assert after_key("page down", start, model).chosen == names[10]
    assert after_key("page up", after_key("page down", start, model), model).chosen == names[0]
    assert after_key("end", start, model).chosen == names[59]
    assert after_key("home", replace(start, chosen=names[30]), model).chosen == names[0]
    assert after_key("end", replace(start, opened=names[3]), model).opened == names[59]


def test_s_sorts_and_p_pauses() -> None:
    model = watched()
    assert after_key("s", view(), model).order is SortOrder.NAME
    assert after_key("p", view(), model).paused
    assert not after_key("p", after_key("p", view(), model), model).paused


@pytest.mark.parametrize(
    ("encoding", "variables", "expected"),
    [
        ("utf-8", {}, FINE),
        ("UTF8", {"TERM": "xterm"}, FINE),
        ("cp1252", {}, ASCII),
        ("no such thing", {}, ASCII),
        ("utf-8", {"TERM": "dumb"}, ASCII),
        ("utf-8", {"LANG": "C"}, ASCII),
        ("utf-8", {"LC_ALL": "en_GB.UTF-8", "LANG": "C"}, FINE),
    ],
)
def test_a_terminal_gets_only_what_it_can_show(encoding: str, variables: dict[str, str], expected: Glyphs) -> None:
    assert glyphs_for(encoding, variables) is expected


def test_every_plain_frame_can_be_written_in_a_windows_code_page() -> None:
    for opened in ("käse", None):
        frame(watched(), view(opened, glyphs_for("cp437", {})), 80, 24).plain.encode("cp437")


def typed(text: str, start: View, model: Watched) -> View:
    for key in text:
        start = after_key(key, start, model)
    return start


def test_a_slash_and_a_name_lead_to_an_ingredient() -> None:
    model = watched(("ham", "mushroom", "pepperoni", "tomato sauce"))
    assert typed("/sau", view(), model).chosen == "tomato sauce"
    assert typed("/p", view(), model).chosen == "pepperoni"
    assert after_key("enter", typed("/mush", view(), model), model).opened == "mushroom"
    assert typed("/pep", view("ham"), model).opened == "pepperoni"


def test_letters_of_a_name_are_no_commands_while_it_is_typed() -> None:
    model = watched(("ham", "squash"))
    there = typed("/sqp", view(), model)
    assert (there.typed, there.paused, there.chosen) == ("sqp", False, "squash")
    assert "/sqp" in frame(model, there, 80, 24).plain
    assert after_key("backspace", there, model).typed == "sq"
    assert after_key("escape", there, model).typed is None


def test_a_stored_threshold_is_shown_drawn_and_sorted_by() -> None:
    model = watched(("ham", "mushroom"))
    for name, threshold in (("ham", None), ("mushroom", 10_000)):
        latest = model[name].latest
        assert latest is not None
        model.present(level_of(name, latest, threshold))
    assert [one.name for one in model.sorted(SortOrder.LOW_FIRST)] == ["mushroom", "ham"]
    one = frame(model, view("mushroom"), 80, 24).plain
    assert "LOW" in one
    assert "threshold 10,000" in one
    assert "┄" in one


@pytest.mark.parametrize("width", [40, 60, 80])
def test_no_figure_of_an_ingredient_or_of_a_simulation_is_cut(width: int) -> None:
    model = Watched(["ham"])
    model["ham"].add(Point(9, NOW - 9, 2_792, 6_121, 63, 0, "use a", discarded=3_294, returned=25))
    model["ham"].threshold = 6_000
    equation = "2,600 received + 104 returned = 817 on hand + 1,595 used + 264 expired + 28 discarded"
    lines = frame(model, replace(view("ham"), notes=(Text(equation),)), width, 24).plain.splitlines()
    for part in ("received 6,121", "discarded 3,294", "returned 25", "threshold 6,000", "+ 28 discarded"):
        assert any(line.startswith(part) or line.rstrip().endswith(part) or f"{part} " in line for line in lines), part
    assert len(lines) <= 24


def test_a_threshold_given_to_watch_overrides_the_stored_one() -> None:
    model = Watched(["ham"], {"ham": 7})
    point = Point(1, NOW, 5, 5, 0, 0, "delivery a")
    model.present(level_of("ham", point, 3))
    assert model["ham"].threshold == 7


def test_clearing_away_an_empty_batch_is_not_shown_as_a_change() -> None:
    model = watched(("ham",))
    last = model["ham"].points[-1]
    model["ham"].add(replace(last, version=last.version + 1, cause="expired"))
    text = frame(model, view("ham"), 80, 40).plain
    assert all("expired" not in line or " 0 " not in line for line in text.splitlines()[5:])


def test_of_a_long_delivery_name_the_end_is_shown() -> None:
    model = watched(("ham",))
    batches = model["ham"].batches
    assert batches
    name = "simulation/20261123T052004-3/a very long name of a delivery/0001 bakery.csv"
    model["ham"].batches = [replace(batches[0], delivery=name)]
    assert "0001 bakery.csv" in frame(model, view("ham"), 80, 24).plain


def level_of(name: str, point: Point, threshold: int | None) -> Level:
    at = datetime.fromtimestamp(point.at, UTC).isoformat()
    units = (point.quantity, point.received, point.used, point.expired)
    return Level(name, *units, None, 1, point.version, point.cause, at, threshold)


def test_a_batch_that_will_expire_unused_at_the_present_pace_is_marked() -> None:
    """The ham of these levels is used at about 0.6 units a second."""
    model = watched(("ham",))
    first, second = batches_of_ham(60, expires=(30, 3600))
    model.held("ham", [first, second])
    lines = frame(model, view("ham"), 100, 40).plain.splitlines()
    marked = [line for line in lines if "unused" in line]
    assert len(marked) == 1
    assert "in 30 s" in marked[0]
    lost = int(marked[0].split(" unused")[0].split()[-1])
    assert 30 <= lost <= 55


def test_the_pace_of_history_goes_before_that_of_the_last_minutes() -> None:
    model = watched(("ham",))
    (soonest, _) = batches_of_ham(60, expires=(3600, 7200))
    model.held("ham", [soonest])
    assert model["ham"].unused(NOW) == {}
    model["ham"].pace = Pace((24.0,) * 7, 0.0, 14.0)
    assert model["ham"].unused(NOW) == {soonest.batch_id: 59}


def test_usage_that_waits_to_be_charged_is_not_unused() -> None:
    model = watched(("ham",))
    (soonest, _) = batches_of_ham(60, expires=(60, 120))
    model["ham"].pace = Pace((0.0,) * 7, 0.0, 14.0)
    model.held("ham", [soonest], [replace(soonest, quantity=5)])
    assert model["ham"].unused(NOW) == {soonest.batch_id: 5}


def test_without_any_use_the_present_pace_is_not_known_and_nothing_is_marked() -> None:
    model = Watched(["ham"])
    for version in (1, 2):
        model["ham"].add(Point(version, NOW - 60 + version, 50 * version, 50 * version, 0, 0, "delivery a"))
    model.held("ham", batches_of_ham(50, expires=(30, 60)))
    assert model["ham"].unused(NOW) == {}


def batches_of_ham(units: int, expires: tuple[int, int]) -> list[Batch]:
    """Two batches that expire after these numbers of seconds."""
    return [replace(batch("ham", number), quantity=units, expires_at=int(NOW) + expires[number]) for number in (0, 1)]
