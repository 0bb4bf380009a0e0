"""What moved in a period, by ingredient, supplier and day."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockctl.domain.discard import Removal
from stockctl.domain.history import ChargeEntry, Entry, LevelEntry
from stockctl.domain.report import (
    Account,
    DiscardRecord,
    Movement,
    by_day,
    by_ingredient,
    by_supplier,
    supplier_of,
    total,
)
from stockctl.domain.stock import Batch

SINCE, UNTIL = datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 23, 12, tzinfo=UTC)
STEPS = ("received", "returned", "used", "expired", "discarded")


def history(*steps: tuple[str, str, int, str], ingredient: str = "ham") -> list[LevelEntry]:
    """Level changes from `(time, counter, units, cause)`, from the first delivery on."""
    totals = dict.fromkeys(STEPS, 0)
    found = []
    for version, (at, counter, units, cause) in enumerate(steps, 1):
        totals[counter] += units
        left = totals["received"] + totals["returned"] - totals["used"] - totals["expired"] - totals["discarded"]
        found.append(LevelEntry(ingredient, at, version, left, **totals, cause=cause, commit_id=f"c{version}"))
    return found


HAM = history(
    ("2026-11-20T06:00:00.000Z", "received", 100, "delivery dairy/a.csv"),
    ("2026-11-20T12:00:00.000Z", "used", 40, "use o1"),
    ("2026-11-20T23:30:00.000Z", "discarded", 5, "discard d1"),
    ("2026-11-21T12:00:00.000Z", "returned", 2, "return r1"),
    ("2026-11-22T00:00:00.000Z", "expired", 7, "expired"),
)
DISCARDS = {"d1": DiscardRecord("dropped", (Removal("dairy/a.csv@x", "dairy/a.csv", "x", 5),))}


def test_units_are_those_of_the_period_and_discards_have_their_reason() -> None:
    (line,) = by_ingredient([Account("ham", None, HAM)], DISCARDS)
    assert (line.movement, line.on_hand) == (Movement(100, 2, 40, 7, {"dropped": 5}), 50)
    assert line.movement.waste == pytest.approx(12 / 50)


@pytest.mark.parametrize("cause", ["count c1", "discard c1/ham"])
def test_what_a_count_discards_has_its_reason(cause: str) -> None:
    """Earlier releases named the discard of the count as the cause, not the count."""
    entries = history(
        ("2026-11-20T06:00:00.000Z", "received", 100, "delivery dairy/a.csv"),
        ("2026-11-20T12:00:00.000Z", "discarded", 9, cause),
        ("2026-11-20T23:30:00.000Z", "received", 4, "count c2"),
    )
    counted = {"c1/ham": DiscardRecord("count", (Removal("dairy/a.csv@x", "dairy/a.csv", "x", 9),))}
    (line,) = by_ingredient([Account("ham", None, entries)], counted)
    assert line.movement == Movement(104, discarded={"count": 9})
    (line,) = by_supplier([Account("ham", None, entries)], counted)
    assert line.movement.discarded == {"count": 9}


def test_a_discard_whose_record_is_gone_has_no_known_reason() -> None:
    (line,) = by_ingredient([Account("ham", None, HAM)], {})
    assert line.movement.discarded == {"unknown": 5}


def test_a_change_that_hides_others_has_no_known_reason_but_all_units_count() -> None:
    (line,) = by_ingredient([Account("ham", None, [HAM[0], HAM[2]])], DISCARDS)
    assert line.movement == Movement(100, 0, 40, 0, {"unknown": 5})


def test_a_history_that_begins_within_the_period_counts_from_there() -> None:
    account = Account("ham", None, HAM[1:])
    assert account.is_cut
    assert by_ingredient([account], DISCARDS)[0].movement == Movement(0, 2, 0, 7, {"dropped": 5})


def test_days_are_those_of_the_kitchen_and_quiet_days_are_there() -> None:
    def days(zone: str) -> dict[str, int]:
        lines = by_day([Account("ham", None, HAM)], DISCARDS, SINCE, UNTIL.astimezone(ZoneInfo(zone)))
        return {line.name: line.movement.all_discarded for line in lines}

    assert days("UTC") == {"2026-11-20": 5, "2026-11-21": 0, "2026-11-22": 0, "2026-11-23": 0}
    assert days("Europe/Rome")["2026-11-21"] == 5


def test_days_before_history_begins_are_left_out() -> None:
    """They would look like days without a use."""
    since = datetime(2026, 10, 20, tzinfo=UTC)
    first = by_day([Account("ham", None, HAM), Account("egg", None, [])], DISCARDS, since, UNTIL)[0]
    assert first.name == "2026-11-20"
    assert by_day([Account("ham", HAM[0], HAM[1:])], DISCARDS, since, UNTIL)[0].name == "2026-10-20"


def test_a_supplier_is_judged_by_what_became_of_its_deliveries() -> None:
    live = Batch("ham", "bakery/b.csv@y", "bakery/b.csv", 20, 30, "y", 9, "", "", discarded=4)
    entries: list[Entry] = [
        *history(
            ("2026-11-20T06:00:00.000Z", "received", 50, "delivery dairy/a.csv"),
            ("2026-11-20T07:00:00.000Z", "received", 30, "delivery bakery/b.csv"),
            ("2026-11-20T08:00:00.000Z", "received", 8, "count c1"),
            ("2026-11-20T12:00:00.000Z", "used", 46, "use o1"),
            ("2026-11-20T13:00:00.000Z", "discarded", 4, "discard d2"),
            ("2026-11-21T00:00:00.000Z", "expired", 10, "expired"),
        ),
        ChargeEntry("ham", "2026-11-20T12:00:01.000Z", "dairy/a.csv@x", "dairy/a.csv", "x", 40, 40),
        ChargeEntry("ham", "2026-11-20T12:00:01.000Z", "bakery/b.csv@y", "bakery/b.csv", "y", 6, 46),
    ]
    discards = {"d2": DiscardRecord("spoiled", (Removal("bakery/b.csv@y", "bakery/b.csv", "y", 4),))}
    lines = {line.name: line for line in by_supplier([Account("ham", None, entries, [live])], discards)}
    assert (lines["dairy"].movement, lines["dairy"].on_hand) == (Movement(50, 0, 40, 10), 0)
    assert (lines["bakery"].movement, lines["bakery"].on_hand) == (Movement(30, 0, 6, 0, {"spoiled": 4}), 20)
    assert set(lines) == {"dairy", "bakery"}
    forgotten = by_supplier([Account("ham", None, entries, [live])], {})
    assert next(line for line in forgotten if line.name == "bakery").movement.discarded == {"unknown": 4}


def test_units_of_a_supplier_that_came_back_add_up() -> None:
    """40 of 110 were used and came back as a batch of the same delivery."""
    first = Batch("eel", "a.csv@x", "a.csv", 70, 110, "x", 9, "", "")
    back = Batch("eel", "return/r1@x", "a.csv", 40, 40, "x", 9, "", "")
    entries = history(("2026-11-20T06:00:00.000Z", "received", 110, "delivery a.csv"), ingredient="eel")
    (line,) = by_supplier([Account("eel", None, entries, [first, back])], {})
    assert (line.movement, line.on_hand) == (Movement(110, 40, 40, 0), 110)


def test_the_supplier_is_the_first_folder_of_a_delivery() -> None:
    assert [supplier_of(key) for key in ("dairy/2026/monday.csv", "monday.csv")] == ["dairy", ""]


def test_corrections_are_no_waste_and_nothing_wasted_is_not_the_same_as_nothing_moved() -> None:
    assert Movement(used=10, discarded={"correction": 90}).waste == 0
    assert Movement(received=10).waste is None
    assert Movement(returned=5, expired=3).waste == 1


steps = st.lists(
    st.tuples(st.integers(0, 95), st.sampled_from(STEPS), st.integers(0, 9)).map(
        lambda one: (f"2026-11-{20 + one[0] // 24:02}T{one[0] % 24:02}:00:00.000Z", one[1], one[2], "use x")
    ),
    max_size=30,
).map(sorted)


@given(steps, steps)
def test_every_way_to_divide_a_period_adds_up_to_the_same(
    ham: list[tuple[str, str, int, str]], egg: list[tuple[str, str, int, str]]
) -> None:
    accounts = [Account("ham", None, history(*ham)), Account("egg", None, history(*egg, ingredient="egg"))]
    whole = total(by_ingredient(accounts, {}))
    assert whole == total(by_day(accounts, {}, SINCE, datetime(2026, 11, 24, tzinfo=UTC)))
    for step in STEPS[:4]:
        assert getattr(whole, step) == sum(units for _, counter, units, _ in [*ham, *egg] if counter == step)
    assert whole.waste is None or 0 <= whole.waste <= 1
