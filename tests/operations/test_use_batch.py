"""Many transactions at once, on moto: every answer is the one a transaction would get on its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from stockctl.aws.clients import Clients, aws_session
from stockctl.aws.retry import Patience
from stockctl.domain.stock import Batch, Level, batch_id_of
from stockctl.domain.transaction import Accepted, Insufficient, Outcome, Reused, Shortage, Transaction
from stockctl.operations.receive import receive
from stockctl.operations.stock_table import StockTable
from stockctl.operations.transact import Contended
from stockctl.operations.use import Tables, use
from stockctl.operations.use_batch import use_batch
from tests.service import STOCK, TRANSACTIONS, make_tables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NOW = 1_800_000_000
PATIENCE = Patience(seconds=60.0, sleep=lambda _: None)


class Kitchen:
    """A stock table with a clock that tests move."""

    def __init__(self, client: DynamoDBClient) -> None:
        self.client = client
        self.now = float(NOW)
        self.table = StockTable(client, STOCK, PATIENCE)
        self.tables = Tables(self.table, TRANSACTIONS, lambda: self.now, PATIENCE)
        self.calls: list[str] = []
        client.meta.events.register("before-call.dynamodb", self._note)

    def deliver(self, ingredient: str, quantity: int, lasts: int = 3600, delivery: str = "d.csv") -> None:
        expires_at = int(self.now) + lasts
        batch_id = batch_id_of(delivery, str(expires_at))
        batch = Batch(ingredient, batch_id, delivery, quantity, quantity, str(expires_at), expires_at, "etag", "then")
        receive(self.table, [batch], lambda: self.now, PATIENCE)

    def use_batch(self, *transactions: Transaction) -> list[Outcome | None]:
        return use_batch(self.tables, transactions, workers=1)

    def level(self, ingredient: str) -> Level:
        level = self.table.level(ingredient)
        assert level is not None
        assert level.adds_up
        return level

    def _note(self, model: Any, **_: object) -> None:
        self.calls.append(model.name)


@pytest.fixture
def kitchen() -> Iterator[Kitchen]:
    with mock_aws():
        clients = Clients(aws_session())
        make_tables(clients)
        yield Kitchen(clients.dynamodb)


def test_each_transaction_is_taken_in_full(kitchen: Kitchen) -> None:
    kitchen.deliver("ham", 10)
    kitchen.deliver("egg", 10)
    one, two = Transaction("a", {"ham": 2, "egg": 1}), Transaction("b", {"ham": 3})
    assert kitchen.use_batch(one, two) == [Accepted(one.items), Accepted(two.items)]
    assert kitchen.level("ham").quantity == 5
    assert kitchen.level("egg").quantity == 9


def test_a_hundred_transactions_of_one_ingredient_are_two_writes(kitchen: Kitchen) -> None:
    kitchen.deliver("ham", 1_000)
    kitchen.calls.clear()
    outcomes = kitchen.use_batch(*(Transaction(f"t{number}", {"ham": 1}) for number in range(100)))
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert kitchen.calls == ["BatchGetItem", "TransactWriteItems", "TransactWriteItems"]
    assert kitchen.level("ham").used == 100
    assert kitchen.level("ham").version == 3


def test_the_published_cause_names_the_first_and_counts_the_others(kitchen: Kitchen) -> None:
    kitchen.deliver("ham", 10)
    kitchen.use_batch(Transaction("a", {"ham": 1}), Transaction("b", {"ham": 1}), Transaction("c", {"ham": 1}))
    assert kitchen.level("ham").cause == "use a +2"


def test_a_shortage_is_answered_with_what_was_really_there(kitchen: Kitchen) -> None:
    kitchen.deliver("ham", 5)
    outcomes = kitchen.use_batch(
        Transaction("a", {"ham": 4}), Transaction("b", {"ham": 3}), Transaction("c", {"ham": 1})
    )
    assert outcomes == [Accepted({"ham": 4}), Insufficient((Shortage("ham", 3, 0),)), Accepted({"ham": 1})]
    assert kitchen.level("ham").quantity == 0


def test_one_that_is_short_leaves_its_other_ingredients_alone(kitchen: Kitchen) -> None:
    kitchen.deliver("ham", 5)
    assert kitchen.use_batch(Transaction("a", {"ham": 1, "caviar": 1})) == [Insufficient((Shortage("caviar", 1, 0),))]
    assert kitchen.level("ham").quantity == 5


def test_a_whole_batch_sent_again_is_replayed(kitchen: Kitchen) -> None:
    kitchen.deliver("ham", 50)
    batch = [Transaction(f"t{number}", {"ham": 1}) for number in range(30)]
    kitchen.use_batch(*batch)
    again = kitchen.use_batch(*batch)
    assert again == [Accepted({"ham": 1}, replayed=True)] * 30
    assert kitchen.level("ham").used == 30


def test_a_replay_is_answered_although_nothing_is_left(kitchen: Kitchen) -> None:
    kitchen.deliver("ham", 5)
    kitchen.use_batch(Transaction("a", {"ham": 5}))
    assert kitchen.use_batch(Transaction("a", {"ham": 5})) == [Accepted({"ham": 5}, replayed=True)]


def test_an_id_used_for_other_items_is_reported_whatever_is_left(kitchen: Kitchen) -> None:
    kitchen.deliver("ham", 5)
    use(kitchen.tables, Transaction("a", {"ham": 1}))
    outcomes = kitchen.use_batch(
        Transaction("a", {"ham": 2}), Transaction("a", {"ham": 9}), Transaction("b", {"ham": 1})
    )
    assert outcomes == [Reused(), Reused(), Accepted({"ham": 1})]


def test_repeats_within_a_batch_are_answered_as_if_one_came_after_the_other(kitchen: Kitchen) -> None:
    kitchen.deliver("ham", 5)
    same, other = Transaction("a", {"ham": 2}), Transaction("a", {"ham": 1})
    assert kitchen.use_batch(same, same, other) == [Accepted({"ham": 2}), Accepted({"ham": 2}, replayed=True), Reused()]
    assert kitchen.level("ham").used == 2


def test_what_has_expired_is_written_off_and_never_served(kitchen: Kitchen) -> None:
    kitchen.deliver("ham", 5, lasts=10)
    kitchen.deliver("egg", 5)
    kitchen.now += 10
    outcomes = kitchen.use_batch(Transaction("a", {"ham": 1}), Transaction("b", {"egg": 1}))
    assert outcomes == [Insufficient((Shortage("ham", 1, 0),)), Accepted({"egg": 1})]
    assert kitchen.level("ham").expired == 5


def test_fresh_stock_behind_expired_stock_is_served(kitchen: Kitchen) -> None:
    kitchen.deliver("ham", 5, lasts=10)
    kitchen.deliver("ham", 5, lasts=3600, delivery="e.csv")
    kitchen.now += 10
    assert kitchen.use_batch(Transaction("a", {"ham": 5})) == [Accepted({"ham": 5})]


def test_contention_splits_a_group(kitchen: Kitchen) -> None:
    """Between reading and committing another client takes nearly all of one ingredient: the others lose nothing."""
    kitchen.deliver("ham", 5)
    kitchen.deliver("egg", 5)
    rival = iter([Transaction("rival", {"ham": 4})])

    def take_first(**_: object) -> None:
        for transaction in rival:
            use(kitchen.tables, transaction)

    kitchen.client.meta.events.register("before-call.dynamodb.TransactWriteItems", take_first)
    outcomes = kitchen.use_batch(Transaction("a", {"ham": 3, "egg": 1}), Transaction("b", {"ham": 1, "egg": 1}))
    assert outcomes == [Insufficient((Shortage("ham", 3, 1),)), Accepted({"ham": 1, "egg": 1})]
    assert kitchen.level("ham").quantity == 0
    assert kitchen.level("egg").quantity == 4


def test_no_more_is_begun_once_the_deadline_has_passed(kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even what the same round had planned: a function must answer before it is cut off."""
    kitchen.deliver("ham", 1_000)
    moments = iter([0.0, 0.0, 0.0, 9.0, 9.0, 9.0])
    patience = Patience(seconds=8.0, clock=lambda: next(moments, 9.0), sleep=lambda _: None)
    monkeypatch.setattr(kitchen, "tables", replace(kitchen.tables, patience=patience))
    outcomes = kitchen.use_batch(*(Transaction(f"t{number}", {"ham": 1}) for number in range(200)))
    accepted = [outcome for outcome in outcomes if outcome is not None]
    assert accepted == [Accepted({"ham": 1})] * 99
    assert kitchen.level("ham").used == 99


def test_the_deadline_leaves_those_busy_who_were_not_served(kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch) -> None:
    kitchen.deliver("ham", 5)

    def contended(*_: object) -> None:
        raise Contended

    monkeypatch.setattr("stockctl.operations.use_batch.transact", contended)
    monkeypatch.setattr(kitchen, "tables", replace(kitchen.tables, patience=Patience(seconds=0.05)))
    assert kitchen.use_batch(Transaction("a", {"ham": 1}), Transaction("b", {"ham": 9})) == [
        None,
        Insufficient((Shortage("ham", 9, 5),)),
    ]
