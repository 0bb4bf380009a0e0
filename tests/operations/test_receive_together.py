"""Several ingredients of a delivery in one transaction: all of them, or a sign to record each alone."""

from __future__ import annotations

import pytest

from stockctl.aws.retry import Patience
from stockctl.domain.stock import Batch
from stockctl.operations.receive import Received, receive, receive_together
from stockctl.operations.rows import batch_key
from tests.service import STOCK, Service

NOW = 1_800_000_000
NAMES = ("egg", "ham", "oil")


def batch(ingredient: str, etag: str = "etag", expires_at: int = NOW + 60) -> Batch:
    return Batch(ingredient, "d.csv@x", "d.csv", 5, 5, "x", expires_at, etag, "then")


def together(service: Service, *batches: Batch) -> list[Received] | None:
    return receive_together(service.stock, [[one] for one in batches], lambda: NOW)


def quantities(service: Service) -> dict[str, int]:
    levels = service.stock.levels()
    assert all(level.adds_up for level in levels)
    return {level.ingredient: level.quantity for level in levels}


def test_all_are_recorded_at_once(service: Service) -> None:
    done = together(service, *map(batch, NAMES))
    assert done == [Received(recorded=(batch(name),)) for name in NAMES]
    assert quantities(service) == dict.fromkeys(NAMES, 5)


def test_a_batch_whose_row_is_gone_is_known_while_the_roster_names_it(service: Service) -> None:
    """TTL may delete a row before it is written off: a repeated delivery must not bring its units again."""
    receive(service.stock, [batch("ham")], lambda: NOW, Patience())
    service.clients.dynamodb.delete_item(TableName=STOCK, Key=batch_key("ham", "d.csv@x"))
    once = Patience(seconds=0.0)
    assert receive(service.stock, [batch("ham")], lambda: NOW, once) == Received(known=(batch("ham"),))
    level = service.stock.level("ham")
    assert level is not None
    assert level.quantity == 5


def test_a_second_time_nothing_changes_and_each_is_found_by_itself(service: Service) -> None:
    together(service, *map(batch, NAMES))
    assert not together(service, *map(batch, NAMES))
    assert receive(service.stock, [batch("ham")], lambda: NOW, Patience()).known == (batch("ham"),)
    assert quantities(service) == dict.fromkeys(NAMES, 5)


@pytest.mark.parametrize("odd", [batch("ham", etag="other"), batch("ham", expires_at=NOW)])
def test_if_one_group_cannot_be_recorded_none_is(service: Service, odd: Batch) -> None:
    together(service, batch("ham"))
    assert not together(service, batch("egg"), odd)
    assert quantities(service) == {"ham": 5}
