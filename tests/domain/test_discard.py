"""Which batches a discard takes units from, and what is left of them."""

from __future__ import annotations

from typing import Any

from stockctl.domain.discard import Discard, TooFew, chosen
from stockctl.domain.stock import Batch, Holding, Level, Roster

NOW = 100


def batch(delivery: str, quantity: int, expires_at: int, discarded: int = 0) -> Batch:
    return Batch("ham", f"{delivery}@d", delivery, quantity, 50, "d", expires_at, "e", "at", discarded=discarded)


def holding(*batches: Batch) -> Holding:
    units = sum(each.quantity for each in batches)
    level = Level("ham", units, units, 0, 0, None, 1, 1, "c", "at")
    return Holding(level, Roster(frozenset(each.batch_id for each in batches), 1, units), batches)


def wanted(units: int, **more: Any) -> Discard:
    return Discard("id", "ham", units, "spoiled", **more)


def left(result: tuple[Batch, ...] | TooFew) -> list[tuple[str, int, int]]:
    assert isinstance(result, tuple)
    return [(each.delivery, each.quantity, each.discarded) for each in result]


def test_units_are_taken_soonest_first_and_counted_on_each_batch() -> None:
    stock = holding(batch("late", 10, 300), batch("soon", 4, 200, discarded=1))
    assert left(chosen(stock, wanted(3), NOW)) == [("soon", 1, 4)]
    assert left(chosen(stock, wanted(6), NOW)) == [("soon", 0, 5), ("late", 8, 2)]
    assert left(chosen(stock, wanted(14), NOW)) == [("soon", 0, 5), ("late", 0, 10)]


def test_a_named_delivery_or_batch_is_the_only_one() -> None:
    stock = holding(batch("late", 10, 300), batch("soon", 4, 200))
    assert left(chosen(stock, wanted(3, delivery="late"), NOW)) == [("late", 7, 3)]
    assert left(chosen(stock, wanted(3, batch_id="late@d"), NOW)) == [("late", 7, 3)]


def test_more_than_there_is_is_refused_with_what_there_is() -> None:
    stock = holding(batch("late", 10, 300), batch("soon", 4, 200))
    assert chosen(stock, wanted(15), NOW) == TooFew(14)
    assert chosen(stock, wanted(5, delivery="soon"), NOW) == TooFew(4)


def test_what_has_expired_is_left_to_the_write_off() -> None:
    stock = holding(batch("old", 10, NOW), batch("soon", 4, NOW + 1))
    assert left(chosen(stock, wanted(4), NOW)) == [("soon", 0, 4)]
    refused = chosen(stock, wanted(1, delivery="old"), NOW)
    assert refused == TooFew(0, is_expired=True)
