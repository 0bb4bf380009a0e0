"""The history table: entries are written whole, and found by time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from stockctl.aws.retry import Patience
from stockctl.domain.errors import Busy
from stockctl.domain.history import ChargeEntry, Entry, LevelEntry
from stockctl.operations.history_table import FEW, HistoryTable
from tests.service import HISTORY, Service


def at(minute: int) -> str:
    return f"2026-01-01T00:{minute:02}:00.000Z"


def moment(minute: int) -> datetime:
    return datetime(2026, 1, 1, 0, minute, tzinfo=UTC)


def level(minute: int, ingredient: str = "ham") -> LevelEntry:
    return LevelEntry(ingredient, at(minute), minute, minute, minute, 0, 0, 0, 0, "delivery a", "c")


def charge(minute: int) -> ChargeEntry:
    return ChargeEntry("ham", at(minute), "a@d", "a", "d", 1, minute)


@pytest.fixture
def history(service: Service) -> HistoryTable:
    """Changes at minutes 10, 20 and 30, and 30 charges before the last."""
    table = HistoryTable(service.clients.dynamodb, HISTORY, 400, Patience(seconds=0.0))
    table.write([level(10), level(20), *map(charge, range(21, 29)), level(30), level(5, "egg")])
    return table


def test_more_entries_than_one_request_takes_are_all_written(history: HistoryTable) -> None:
    many: list[Entry] = [level(minute, "leek") for minute in range(60)]
    history.write([*many, *many])
    assert list(history.entries("leek", moment(0), moment(59))) == many


def test_entries_are_those_of_the_time_the_oldest_first(history: HistoryTable) -> None:
    found = list(history.entries("ham", moment(20), moment(22)))
    assert found == [level(20), charge(21), charge(22)]


def test_the_last_change_before_a_moment_is_the_newest_of_them(history: HistoryTable) -> None:
    """Charges come between, and are passed over."""
    assert history.last_before("ham", moment(29)) == level(20)
    assert history.last_before("ham", moment(20)) == level(10)
    assert history.last_before("ham", moment(10)) is None


def test_the_first_change_from_a_moment_on(history: HistoryTable) -> None:
    assert history.first_from("ham", moment(10)) == level(10)
    assert history.first_from("ham", moment(21)) == level(30)
    assert history.first_from("ham", moment(31)) is None


def test_changes_at_one_time_are_no_charges(history: HistoryTable) -> None:
    assert history.at("ham", at(20)) == [level(20)]
    assert history.at("ham", at(21)) == []


def test_an_entry_is_forgotten_after_the_days_of_the_stack(history: HistoryTable) -> None:
    [row] = [row for row in history.client.scan(TableName=HISTORY)["Items"] if row["ingredient"]["S"] == "egg"]
    assert int(row["forget_at"]["N"]) - int(moment(5).timestamp()) == 400 * 86_400


class Half:
    """Writes one row of each request, and leaves the others."""

    def __init__(self) -> None:
        self.written: list[Any] = []

    def batch_write_item(self, *, RequestItems: Any) -> Any:  # noqa: N803
        [(table, rows)] = RequestItems.items()
        self.written.append(rows[0])
        return {"UnprocessedItems": {table: rows[1:]} if rows[1:] else {}}


def test_what_dynamodb_leaves_is_written_again() -> None:
    client: Any = Half()
    patience = Patience(10.0, sleep=lambda _: None, clock=lambda: 0.0)
    HistoryTable(client, HISTORY, 1, patience).write([level(1), level(2), level(3)])
    assert len(client.written) == 3
    with pytest.raises(Busy):
        HistoryTable(client, HISTORY, 1, Patience(seconds=-1.0)).write([level(1), level(2), level(3)])


def test_a_change_adds_up_or_does_not() -> None:
    assert LevelEntry("ham", "", 1, 5, 10, 2, 2, 3, 2, "c", "c").adds_up
    assert not LevelEntry("ham", "", 1, 5, 10, 2, 2, 3, 1, "c", "c").adds_up
    assert not LevelEntry("ham", "", 1, 5, 10, 3, 2, 3, 2, "c", "c").adds_up


def test_the_nearest_changes_are_found_without_reading_all_history(service: Service, history: HistoryTable) -> None:
    """Each entry that is read costs something, and there may be a year of them."""
    asked: list[int] = []

    def note(params: dict[str, Any], **_: Any) -> None:
        asked.append(params["Limit"])

    events = service.clients.dynamodb.meta.events
    events.register("provide-client-params.dynamodb.Query", note)
    try:
        assert history.last_before("ham", moment(29)) == level(20)
        assert history.first_from("ham", moment(11)) == level(20)
    finally:
        events.unregister("provide-client-params.dynamodb.Query", note)
    assert asked == [FEW, FEW]
