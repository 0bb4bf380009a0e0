"""The table's stream at work: levels are published, usage is charged to batches, expired stock is written off."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from stockctl.domain.history import ChargeEntry, LevelEntry
from stockctl.domain.stock import COUNTERS
from stockctl.functions import stock_expired, stock_updated, wiring
from stockctl.functions.try_all import SomeFailed
from tests.service import HISTORY, Service, pass_an_hour, soon

EVENTS = Path(__file__).parents[1] / "events"


def left(service: Service, ingredient: str) -> dict[str, int]:
    holding = service.stock.read(ingredient)
    assert holding is not None
    return {batch.best_before: batch.quantity for batch in holding.counted}


def test_usage_comes_off_the_batch_that_expires_soonest(service: Service) -> None:
    service.drop("monday.csv", "ham,100,2099-12-31\nham,30,2098-12-31\n")
    service.post("1", ham=40)
    service.process_stream("ham")
    assert left(service, "ham") == {"2098-12-31": 0, "2099-12-31": 90}


def test_every_change_of_a_level_is_published_in_order(service: Service) -> None:
    service.drop("monday.csv", "ham,100,2099-12-31\n")
    images = [service.level_image("ham")]
    for number in range(3):
        service.post(f"t{number}", ham=10)
        images.append(service.level_image("ham"))
    stock_updated.handler({"Records": images}, None)
    published = service.published()
    assert [(change["version"], change["quantity"]) for change in published] == [(1, 100), (2, 90), (3, 80), (4, 70)]
    assert [change["cause"] for change in published] == ["delivery monday.csv", "use t0", "use t1", "use t2"]
    assert set(published[0]) >= {"typeId", "quantity", "version", "at", "cause", *COUNTERS}


def test_expired_stock_leaves_the_level_although_ttl_is_late(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """The schedule finds it: its row still exists and nobody uses it. Good batches stay."""
    service.drop("short.csv", f"ham,10,{soon(1800)}\negg,5,2099-01-01\n")
    pass_an_hour(monkeypatch)
    stock_expired.handler(json.loads((EVENTS / "scheduled.json").read_text()), None)
    levels = {level.ingredient: (level.quantity, level.expired, level.version) for level in service.stock.levels()}
    assert levels == {"ham": (0, 10, 2), "egg": (5, 0, 1)}


def test_a_removed_batch_reduces_the_level_by_what_was_left_of_it(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Part of it was used and charged before. The rest is written off, whoever removed the row."""
    service.drop("short.csv", f"ham,10,{soon(1800)}\nham,5,2099-01-01\n")
    service.post("1", ham=4)
    service.process_stream("ham")
    batch_id = next(iter(left_ids(service)))
    pass_an_hour(monkeypatch)
    service.expire("ham", batch_id)
    level = service.stock.level("ham")
    assert level is not None
    assert (level.quantity, level.used, level.expired, level.cause) == (5, 4, 6, "expired")
    assert level.next_expiry is not None
    assert level.next_expiry > time.time()
    service.process_stream("ham")
    assert service.published()[-1]["expired"] == 6


def test_the_same_stream_records_again_change_nothing(service: Service) -> None:
    service.drop("monday.csv", "ham,100,2099-12-31\n")
    service.post("1", ham=40)
    service.process_stream("ham", "ham")
    before = service.stock.read("ham")
    service.process_stream("ham")
    assert service.stock.read("ham") == before


def test_an_unreadable_record_does_not_stop_the_others(service: Service) -> None:
    service.drop("monday.csv", "ham,100,2099-12-31\n")
    service.post("1", ham=40)
    poison: dict[str, Any] = {"eventName": "MODIFY", "dynamodb": {"NewImage": {"ingredient": {"S": "ham"}}}}
    with pytest.raises(SomeFailed):
        stock_updated.handler({"Records": [poison, service.level_image("ham")]}, None)
    assert left(service, "ham") == {"2099-12-31": 60}
    assert service.published()[-1]["quantity"] == 60


def left_ids(service: Service) -> list[str]:
    holding = service.stock.read("ham")
    assert holding is not None
    return [batch.batch_id for batch in holding.counted]


def test_every_change_and_every_charge_is_kept_in_history(service: Service) -> None:
    service.drop("monday.csv", "ham,10,2098-12-31\nham,30,2099-12-31\n")
    service.process_stream("ham")
    service.post("order-1", ham=12)
    service.process_stream("ham")
    service.process_stream("ham")  # the same record again
    entries = list(wiring.history().entries("ham", datetime(2020, 1, 1, tzinfo=UTC), datetime.now(UTC)))
    levels = [(one.version, one.quantity, one.used, one.cause) for one in entries if isinstance(one, LevelEntry)]
    assert levels == [(1, 40, 0, "delivery monday.csv"), (2, 28, 12, "use order-1")]
    charges = [(one.best_before, one.units, one.through) for one in entries if isinstance(one, ChargeEntry)]
    assert charges == [("2098-12-31", 10, 10), ("2099-12-31", 2, 12)]


def test_nothing_is_kept_where_history_is_off(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HISTORY_DAYS", "0")
    wiring.history.cache_clear()
    service.drop("monday.csv", "ham,10,2098-12-31\n")
    service.process_stream("ham")
    assert service.clients.dynamodb.scan(TableName=HISTORY)["Count"] == 0
