"""Group commit: who is accepted, who is refused, who waits, and how the accepted are packed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stockctl.domain.group_commit import Group, judge, packed, waves
from stockctl.domain.reconciliation import MAX_ACTIONS
from stockctl.domain.stock import Level
from stockctl.domain.transaction import Insufficient, Shortage, Transaction

NOW = 1_000
BASKETS = st.dictionaries(
    st.integers(0, 40).map(lambda number: f"i{number}"), st.integers(1, 5), min_size=1, max_size=6
)


def level(ingredient: str, quantity: int, next_expiry: int | None = 2_000) -> Level:
    return Level(ingredient, quantity, quantity, 0, 0, next_expiry, 1, 1, "delivery d.csv", "2026-01-01T00:00:00.000Z")


def asked(*baskets: dict[str, int]) -> dict[int, Transaction]:
    return {position: Transaction(f"t{position}", items) for position, items in enumerate(baskets)}


def test_all_are_accepted_that_fit_together() -> None:
    judgement = judge(asked({"ham": 2}, {"ham": 3, "egg": 1}), {"ham": level("ham", 5), "egg": level("egg", 1)}, NOW)
    assert judgement.accepted == (0, 1)
    assert not judgement.refused


def test_more_than_was_read_is_refused_with_what_there_is() -> None:
    judgement = judge(asked({"ham": 6, "caviar": 1}), {"ham": level("ham", 5)}, NOW)
    assert judgement.refused == {0: Insufficient((Shortage("ham", 6, 5), Shortage("caviar", 1, 0)))}


def test_one_that_fits_but_for_those_before_it_waits_for_what_becomes_of_them() -> None:
    judgement = judge(asked({"ham": 3}, {"ham": 3}, {"ham": 2}), {"ham": level("ham", 5)}, NOW)
    assert judgement.accepted == (0, 2)
    assert not judgement.refused


def test_nobody_is_judged_on_stock_that_may_have_expired() -> None:
    levels = {"ham": level("ham", 5, next_expiry=NOW), "egg": level("egg", 5)}
    judgement = judge(asked({"ham": 1}, {"ham": 9}, {"egg": 1}), levels, NOW)
    assert judgement.accepted == (2,)
    assert not judgement.refused
    assert judgement.guarded == {"ham"}


def test_an_id_asked_for_twice_waits_for_its_first() -> None:
    twice = {0: Transaction("same", {"ham": 1}), 1: Transaction("same", {"ham": 1})}
    assert judge(twice, {"ham": level("ham", 5)}, NOW).accepted == (0,)


def test_an_id_asked_for_again_after_a_refusal_is_judged_on_its_own() -> None:
    twice = {0: Transaction("same", {"ham": 9}), 1: Transaction("same", {"ham": 1})}
    judgement = judge(twice, {"ham": level("ham", 5)}, NOW)
    assert set(judgement.refused) == {0}
    assert judgement.accepted == (1,)


@given(st.lists(BASKETS, max_size=60), st.dictionaries(st.integers(0, 40).map(lambda n: f"i{n}"), st.integers(0, 30)))
def test_what_is_accepted_never_exceeds_a_level(baskets: list[dict[str, int]], quantities: dict[str, int]) -> None:
    levels = {name: level(name, quantity) for name, quantity in quantities.items()}
    waiting = asked(*baskets)
    judgement = judge(waiting, levels, NOW)
    taken = Group({position: waiting[position] for position in judgement.accepted}).units
    assert all(units <= quantities.get(name, 0) for name, units in taken.items())
    assert not set(judgement.accepted) & set(judgement.refused)


@given(st.lists(BASKETS, max_size=120), st.integers(2, MAX_ACTIONS))
def test_groups_hold_every_transaction_once_within_the_limit(baskets: list[dict[str, int]], limit: int) -> None:
    waiting = asked(*baskets)
    groups = packed(waiting, limit)
    assert sorted(position for group in groups for position in group.transactions) == list(waiting)
    for group in groups:
        assert len(group.transactions) == 1 or len(group.transactions) + len(group.units) <= limit


@given(st.lists(BASKETS, max_size=120))
def test_no_two_groups_of_a_wave_take_the_same_ingredient(baskets: list[dict[str, int]]) -> None:
    groups = packed(asked(*baskets), 12)
    planned = waves(groups)
    assert sum(len(wave) for wave in planned) == len(groups)
    for wave in planned:
        names = [name for group in wave for name in group.units]
        assert len(names) == len(set(names))


def test_transactions_of_the_same_ingredients_share_a_group() -> None:
    baskets = [{"ham": 1, f"i{number % 10}": 1} for number in range(150)]
    assert len(packed(asked(*baskets))) == 2


def test_a_merged_update_names_the_first_transaction_and_counts_the_others() -> None:
    group = Group(asked({"ham": 1}, {"ham": 2, "egg": 1}, {"ham": 3}))
    assert group.units == {"ham": 6, "egg": 1}
    assert group.cause_of("ham") == "use t0 +2"
    assert group.cause_of("egg") == "use t1"


def test_the_largest_group_stays_below_the_four_megabytes_of_a_dynamodb_transaction() -> None:
    """n records of m ingredients need n + m actions, so a group holds at most 50 x 50 items, each of a name of 100
    characters (400 bytes at most), a quantity, and DynamoDB's overhead per attribute."""
    bytes_per_item = 400 + 4 * 100 // 4 + 40
    assert 50 * 50 * bytes_per_item < 4_000_000
