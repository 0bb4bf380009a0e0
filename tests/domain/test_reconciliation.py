"""plan(): tables of facts in, work out; and properties that hold for every state."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockctl.domain.reconciliation import MAX_ACTIONS, Plan, charged, plan
from stockctl.domain.stock import Batch, Holding, Level, Roster

NOW = 100


def batch(name: str, quantity: int, expires_at: int) -> Batch:
    return Batch("ham", name, "d.csv", quantity, 1000, "2028-01-01", expires_at, "etag", "")


def holding(quantity: int, *batches: Batch, roster: set[str] | None = None, batch_units: int | None = None) -> Holding:
    ids = frozenset(roster if roster is not None else {item.batch_id for item in batches})
    units = sum(item.quantity for item in batches if item.batch_id in ids) if batch_units is None else batch_units
    stocked = [item.expires_at for item in batches if item.batch_id in ids and item.quantity]
    level = Level("ham", quantity, 10_000, 10_000 - quantity, 0, min(stocked, default=None), 7, 9, "", "")
    return Holding(level, Roster(ids, 7, units), batches)


def charges_of(work: Plan) -> dict[str, int]:
    return {charge.batch.batch_id: charge.units for charge in work.charges}


def test_a_level_that_equals_its_batches_needs_nothing() -> None:
    assert plan(holding(30, batch("a", 10, 200), batch("b", 20, 300)), NOW).is_empty


def test_usage_is_charged_to_the_soonest_to_expire_first() -> None:
    work = plan(holding(15, batch("b", 20, 300), batch("a", 10, 200)), NOW)
    assert charges_of(work) == {"a": 10, "b": 5}
    assert (work.written_off, work.due, work.gone) == (0, (), ())


def test_batches_that_are_due_leave_with_what_is_left_in_them() -> None:
    work = plan(holding(25, batch("a", 5, 100), batch("b", 20, 300)), NOW)
    assert (work.written_off, [due.batch_id for due in work.due], work.next_expiry) == (5, ["a"], 300)


def test_a_batch_is_good_until_the_second_it_expires() -> None:
    assert plan(holding(5, batch("a", 5, 101)), NOW).is_empty
    assert plan(holding(5, batch("a", 5, 100)), NOW).written_off == 5


def test_pending_usage_is_charged_to_what_has_expired_before_the_rest_is_written_off() -> None:
    held = holding(22, batch("a", 5, 100), batch("b", 20, 300))
    work = plan(held, NOW)
    assert (charges_of(work), work.written_off, work.changes_roster, work.is_last) == ({"a": 3}, 0, False, False)
    rest = plan(applied(held, work), NOW)
    assert (rest.written_off, charges_of(rest), rest.is_last) == (2, {}, True)


def test_pending_usage_beyond_what_has_expired_is_charged_to_fresh_stock() -> None:
    work = plan(holding(18, batch("a", 5, 100), batch("b", 20, 300)), NOW)
    assert (work.written_off, charges_of(work), work.is_last) == (0, {"a": 5, "b": 2}, False)


def test_charges_continue_where_the_last_one_ended() -> None:
    held = holding(15, batch("b", 20, 300), batch("a", 10, 200))
    assert held.charged_units == 10_000 - 30
    assert [charge.through for charge in plan(held, NOW).charges] == [9_980, 9_985]


def test_what_was_served_from_a_row_that_is_gone_leaves_a_gap_before_the_next_charge() -> None:
    """Ten units were on the gone row, eight were used of it and two more of the fresh batch."""
    work = plan(holding(18, batch("b", 20, 300), roster={"a", "b"}, batch_units=28), NOW)
    assert [(charge.units, charge.through) for charge in work.charges] == [(2, 10_000 - 28 + 8 + 2)]
    assert (work.uncharged, work.uncharged_through) == (8, 10_000 - 28 + 8)


def test_a_write_off_notes_what_was_served_from_a_row_that_is_gone() -> None:
    """Of ten units on the gone row, three are written off: seven were used."""
    work = plan(holding(23, batch("b", 20, 300), roster={"a", "b"}, batch_units=30), NOW)
    assert (work.written_off, work.uncharged, work.uncharged_through) == (3, 7, 10_000 - 30 + 7)


def test_the_next_expiry_moves_on_when_the_soonest_batch_is_used_up() -> None:
    held = holding(20, batch("a", 5, 200), batch("b", 20, 300))
    charging = plan(held, NOW)
    assert (charges_of(charging), charging.is_last) == ({"a": 5}, False)
    moving = plan(applied(held, charging), NOW)
    assert (moving.moves_expiry, moving.next_expiry, moving.is_last) == (True, 300, True)


def test_the_next_expiry_goes_with_the_last_unit() -> None:
    held = holding(0, batch("a", 0, 200))
    assert not plan(held, NOW).moves_expiry
    work = plan(replace(held, level=replace(held.level, next_expiry=200)), NOW)
    assert (work.moves_expiry, work.next_expiry) == (True, None)


def test_a_row_that_is_gone_is_written_off_by_what_the_level_still_counts() -> None:
    work = plan(holding(25, batch("b", 20, 300), roster={"a", "b"}), NOW)
    assert (work.written_off, work.gone, work.next_expiry) == (5, ("a",), 300)


def test_rows_off_the_roster_are_a_delivery_in_flight_and_left_alone() -> None:
    assert plan(holding(20, batch("b", 20, 300), batch("new", 9, 50), roster={"b"}), NOW).is_empty


def test_a_surplus_on_the_level_with_nothing_expired_is_a_skewed_read() -> None:
    work = plan(holding(25, batch("b", 20, 300)), NOW)
    assert work.is_skewed
    assert not work.changes_roster
    assert not work.charges


def test_rows_that_were_read_torn_do_not_add_up_to_what_the_roster_says() -> None:
    assert holding(15, batch("a", 10, 200), batch("b", 5, 300)).is_consistent
    assert not holding(15, batch("a", 10, 200), batch("b", 5, 300), batch_units=14).is_consistent
    assert not holding(15, batch("b", 5, 300), roster={"a", "b"}).is_consistent


def test_every_plan_says_what_the_rows_add_up_to_after_it() -> None:
    assert plan(holding(15, batch("b", 20, 300), batch("a", 10, 200)), NOW).batch_units == 15
    assert plan(holding(18, batch("a", 5, 100), batch("b", 20, 300)), NOW).batch_units == 18
    assert plan(holding(25, batch("b", 20, 300), roster={"a", "b"}, batch_units=25), NOW).batch_units == 20


def test_a_roster_with_other_units_than_its_settled_rows_is_fixed() -> None:
    work = plan(holding(20, batch("b", 20, 300), batch_units=33), NOW)
    assert (work.fixes_roster, work.is_empty, work.charges, work.batch_units) == (True, False, (), 20)


def test_the_guard_goes_when_the_last_stocked_batch_goes() -> None:
    assert plan(holding(5, batch("a", 5, 100), batch("empty", 0, 300)), NOW).next_expiry is None


def test_a_large_plan_is_done_in_parts_and_uses_wait_until_the_last() -> None:
    batches = [batch(f"due{number:03}", 1, 50) for number in range(150)]
    first = plan(holding(170, *batches, batch("b", 20, 300)), NOW)
    assert (len(first.due), first.written_off, first.is_last, first.next_expiry) == (98, 98, False, 50)
    rest = plan(holding(72, *batches[98:], batch("b", 20, 300)), NOW)
    assert (len(rest.due), rest.written_off, rest.is_last, rest.next_expiry) == (52, 52, True, 300)


@pytest.mark.parametrize(("limit", "is_last"), [(6, True), (5, False)])
def test_a_write_off_is_the_last_exactly_if_its_rows_and_charges_fit_with_level_and_roster(
    limit: int, is_last: bool
) -> None:
    """Two expired batches, one row that is gone, and a charge to fresh stock for what was used."""
    held = holding(19, batch("a", 0, 50), batch("b", 20, 300), roster={"a", "b", "gone"}, batch_units=20)
    work = plan(held, NOW, limit - 1)
    assert (len(work.due), len(work.gone), len(work.charges)) == (1, 1, int(is_last))
    assert work.is_last is is_last


@pytest.mark.parametrize(("limit", "is_last"), [(3, True), (2, False)])
def test_charges_are_the_last_exactly_if_they_fit_with_the_roster(limit: int, is_last: bool) -> None:
    """Each is one action, and the roster is one."""
    work = plan(holding(5, batch("a", 10, 200), batch("b", 10, 200)), NOW, limit)
    assert (len(work.charges), work.is_last) == (limit - 1, is_last)


def test_what_rows_that_are_gone_held_is_written_off_with_the_last_of_them() -> None:
    """One of the others may be a delivery in flight; until all are checked, their units and the guard stay."""
    roster = {*(f"gone{number:03}" for number in range(150)), "b"}
    held = replace(holding(170, batch("b", 20, 300), roster=roster, batch_units=170))
    first = plan(replace(held, level=replace(held.level, next_expiry=50)), NOW)
    assert (len(first.gone), first.written_off, first.batch_units, first.next_expiry) == (98, 0, 170, 50)
    rest = plan(holding(170, batch("b", 20, 300), roster=roster - set(first.gone), batch_units=170), NOW)
    assert (len(rest.gone), rest.written_off, rest.batch_units, rest.next_expiry) == (52, 150, 20, 300)


def test_a_dry_run_charges_what_waits_first() -> None:
    held = holding(25, batch("a", 10, 200), batch("b", 20, 300))
    charges, missing = charged(held, 10, NOW)
    assert [(charge.batch.batch_id, charge.units, charge.after) for charge in charges] == [("a", 5, 0), ("b", 5, 15)]
    assert missing == 0
    assert charged(held, 30, NOW)[1] == 5


batches_strategy = st.lists(
    st.tuples(st.integers(0, 9), st.integers(95, 110), st.booleans(), st.booleans()), max_size=8
)


@given(batches_strategy, st.integers(0, 40), st.integers(4, 12))
def test_any_state_settles_in_parts_and_adds_up(
    drawn: list[tuple[int, int, bool, bool]], quantity: int, limit: int
) -> None:
    """Rows present or gone, on the roster or not; parts of any size: every part keeps I1, the last leaves no drift."""
    rows = [batch(f"b{number}", left, expiry) for number, (left, expiry, _, _) in enumerate(drawn)]
    roster = {row.batch_id for row, (_, _, listed, _) in zip(rows, drawn, strict=True) if listed}
    present = tuple(row for row, (_, _, _, there) in zip(rows, drawn, strict=True) if there)
    units = sum(row.quantity for row in rows if row.batch_id in roster)
    state = holding(quantity, *present, roster=roster, batch_units=units)
    for _ in range(100):
        work = plan(state, NOW, limit)
        if work.is_skewed or work.is_empty:
            break
        state = applied(state, work, limit)
    else:
        raise AssertionError("never settles")
    live = sum(item.quantity for item in state.counted)
    if not work.is_skewed:
        assert state.drift == 0
        assert state.is_consistent
        assert not any(item.is_due(NOW) for item in state.counted)
    assert state.level.quantity == (quantity if work.is_skewed else live)


def applied(state: Holding, work: Plan, limit: int = MAX_ACTIONS) -> Holding:
    """The holding after a plan; charges end where the units charged so far end."""
    actions = len(work.charges) + len(work.due) + len(work.gone) + (2 if work.changes_roster else 1)
    assert actions <= limit
    level = state.level
    assert 0 <= work.written_off <= level.quantity
    after = {charge.batch.batch_id: charge.after for charge in work.charges}
    leaving = {item.batch_id for item in work.due} | set(work.gone)
    rows = tuple(
        replace(row, quantity=after.get(row.batch_id, row.quantity))
        for row in state.batches
        if row.batch_id not in leaving
    )
    level = replace(level, quantity=level.quantity - work.written_off, expired=level.expired + work.written_off)
    assert level.adds_up == state.level.adds_up
    if work.changes_roster or work.moves_expiry:
        level = replace(level, next_expiry=work.next_expiry)
    following = Holding(level, Roster(state.roster.batch_ids - leaving, 7, work.batch_units), rows)
    if work.changes_roster and not following.gone:
        assert work.next_expiry == following.soonest_expiry
    if work.charges:
        assert work.charges[-1].through == following.charged_units
    return following
