"""What the operations rely on, tested on every engine: the in-process one, moto and AWS's own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stockctl.domain.stock import Batch
from stockctl.domain.transaction import Accepted, Insufficient, Reused, Shortage, Transaction
from stockctl.operations.receive import MAX_BATCHES, Conflict, Received, receive
from stockctl.operations.reconcile import Reconciled, reconcile
from stockctl.operations.stock_table import StockTable
from tests.engines.clouds import AnyCloud
from tests.faults.invariants import partitions
from tests.faults.operations import batch, stock_table, transacting, transacting_many

WITHOUT_MOTO = pytest.mark.parametrize("cloud", ["in process", "DynamoDB Local"], indirect=True)
"""For tests where moto differs from DynamoDB, as the test explains."""

SOON, LATER = batch("monday", 3, 10), batch("tuesday", 9, 20)


@pytest.fixture
def table(cloud: AnyCloud) -> StockTable:
    return StockTable(cloud.dynamodb, "stock", cloud.patience)


def received(table: StockTable, cloud: AnyCloud, *batches: Batch) -> Received:
    return receive(table, batches, cloud.clock, cloud.patience)


def test_a_redelivered_delivery_is_counted_once(table: StockTable, cloud: AnyCloud) -> None:
    assert received(table, cloud, SOON, LATER) == Received(recorded=(SOON, LATER))
    assert received(table, cloud, SOON, LATER) == Received(known=(SOON, LATER))
    level = table.level("ham")
    assert level is not None
    assert (level.quantity, level.received, level.next_expiry, level.generation) == (12, 12, 10, 1)


def test_a_redelivery_records_only_what_is_missing(table: StockTable, cloud: AnyCloud) -> None:
    """A failed attempt recorded half of it."""
    received(table, cloud, SOON)
    other = replace(LATER, batch_id="monday@later", delivery="monday")
    assert received(table, cloud, SOON, other) == Received(recorded=(other,), known=(SOON,))


def test_another_file_s_batch_of_the_same_name_is_a_conflict(table: StockTable, cloud: AnyCloud) -> None:
    received(table, cloud, SOON)
    with pytest.raises(Conflict):
        received(table, cloud, replace(SOON, etag="other"))


def test_what_has_expired_is_not_received(table: StockTable, cloud: AnyCloud) -> None:
    cloud.now = 10
    assert received(table, cloud, SOON, LATER) == Received(recorded=(LATER,), expired=(SOON,))


def test_what_was_written_off_does_not_come_back(table: StockTable, cloud: AnyCloud) -> None:
    """A late redelivery finds neither row nor roster entry, and is rejected as expired."""
    received(table, cloud, SOON)
    cloud.now = 11
    assert reconcile(table, "ham", cloud.clock, cloud.patience).written_off == 3
    assert received(table, cloud, SOON) == Received(expired=(SOON,))


@WITHOUT_MOTO
def test_a_hundred_and_fifty_batches_are_received_and_written_off_in_parts(table: StockTable, cloud: AnyCloud) -> None:
    """More than fits one transaction. moto's TransactGetItems takes 25 keys, DynamoDB's 100."""
    many = tuple(replace(batch("big", 1 + number % 3, 100 + number), batch_id=f"big@{number}") for number in range(150))
    assert len(received(table, cloud, *many).recorded) == 150
    cloud.now = 1_000
    units = sum(one.quantity for one in many)
    assert reconcile(table, "ham", cloud.clock, cloud.patience) == Reconciled("ham", drift=0, written_off=units)
    holding = table.read("ham")
    assert holding is not None
    assert (holding.batches, holding.roster.batch_ids, holding.level.quantity) == ((), frozenset(), 0)
    assert holding.level.next_expiry is None


@WITHOUT_MOTO
def test_batches_that_do_not_fit_the_roster_are_reported_and_the_others_recorded(
    table: StockTable, cloud: AnyCloud
) -> None:
    """With a roster of DynamoDB's 400 KB, each part is recorded or left out as a whole; the last part is smaller.

    moto lets an update in a transaction grow a row beyond that.
    """
    many = [
        replace(batch("big", 1, 100 + number), batch_id=f"big@{number:0>900}", ingredient="salt")
        for number in range(500)
    ]
    done = received(table, cloud, *many)
    assert len(done.recorded) + len(done.surplus) == len(many)
    assert done.surplus
    assert len(done.surplus) % MAX_BATCHES == 0
    holding = table.read("salt")
    assert holding is not None
    assert (holding.level.quantity, len(holding.counted), holding.is_consistent) == (len(done.recorded),) * 2 + (True,)


def test_a_use_takes_all_or_nothing(cloud: AnyCloud, table: StockTable) -> None:
    received(table, cloud, SOON, LATER)
    received(table, cloud, batch("monday", 1, 20, "cheese"))
    wanted = Transaction("t", {"ham": 2, "cheese": 2})
    assert transacting(wanted)(cloud) == Insufficient((Shortage("cheese", 2, 1),))
    assert transacting(Transaction("t", {"ham": 2, "cheese": 1}))(cloud) == Accepted({"ham": 2, "cheese": 1})
    assert {name: each.level.quantity for name, each in partitions(cloud.rows()).items()} == {"ham": 10, "cheese": 0}


def test_a_use_of_an_unknown_ingredient_is_short_of_all_units(cloud: AnyCloud) -> None:
    assert transacting(Transaction("t", {"ham": 2}))(cloud) == Insufficient((Shortage("ham", 2, 0),))


def test_a_repeated_use_is_replayed(cloud: AnyCloud, table: StockTable) -> None:
    received(table, cloud, SOON)
    wanted = Transaction("t", {"ham": 2})
    assert transacting(wanted)(cloud) == Accepted({"ham": 2})
    assert transacting(wanted)(cloud) == Accepted({"ham": 2}, replayed=True)
    assert transacting(Transaction("t", {"ham": 1}))(cloud) == Reused()
    assert transacting_many([wanted])(cloud) == [Accepted({"ham": 2}, replayed=True)]


def test_expired_stock_is_written_off_before_a_use_is_judged(cloud: AnyCloud, table: StockTable) -> None:
    """TTL has not deleted it yet: the use reconciles first, and takes fresh stock."""
    received(table, cloud, SOON, LATER)
    cloud.now = 10
    assert transacting(Transaction("t", {"ham": 10}))(cloud) == Insufficient((Shortage("ham", 10, 9),))
    assert transacting(Transaction("t", {"ham": 9}))(cloud) == Accepted({"ham": 9})
    level = table.level("ham")
    assert level is not None
    assert (level.quantity, level.used, level.expired) == (0, 9, 3)


def test_uses_are_charged_to_the_batch_that_expires_soonest(cloud: AnyCloud, table: StockTable) -> None:
    received(table, cloud, SOON, LATER)
    transacting(Transaction("t", {"ham": 4}))(cloud)
    assert reconcile(table, "ham", cloud.clock, cloud.patience) == Reconciled("ham", drift=4, allocated=4)
    assert reconcile(table, "ham", cloud.clock, cloud.patience) == Reconciled("ham")
    holding = table.read("ham")
    assert holding is not None
    assert [one.quantity for one in holding.counted] == [0, 8]


def test_levels_are_listed_without_batches(cloud: AnyCloud, table: StockTable) -> None:
    assert table.levels() == []
    for name in ("ham", "cheese"):
        received(table, cloud, batch("monday", 5, 20, name))
    assert [level.ingredient for level in stock_table(cloud).levels()] == ["cheese", "ham"]
    assert [level.ingredient for level in table.levels(["ham", "olive"])] == ["ham"]
