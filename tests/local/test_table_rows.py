"""Rows of the emulator's tables: every change is logged, and a log put back in order gives the same rows."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ministack.services import dynamodb

from stockctl.local import table_rows
from stockctl.local.emulator import replace
from stockctl.local.redo_log import RedoLog, read_logs, write_snapshot
from stockctl.local.table_rows import STREAMS_READ, TableRows
from tests.local.test_emulator_cache import TABLE, call, images, random_action


@pytest.fixture
def problems() -> list[str]:
    return []


@pytest.fixture
def rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problems: list[str]) -> Iterator[TableRows]:
    """The emulator with an empty table, logging."""
    rows = TableRows(tmp_path / "rows", problems.append)
    (tmp_path / "rows").mkdir()
    for each in rows.replacements():
        monkeypatch.setattr(dynamodb, each.name, getattr(dynamodb, each.name))
    assert replace(rows.replacements()) == []
    dynamodb.reset()
    call("CreateTable", TABLE)
    rows.begin()
    yield rows
    dynamodb.reset()


def scan() -> Any:
    return sorted(call("Scan", {"TableName": "Stock"})[1]["Items"], key=str)


def put(name: str, quantity: int = 1) -> tuple[int, Any]:
    row = {"ingredient": {"S": name}, "batch_id": {"S": "all"}, "quantity": {"N": str(quantity)}}
    return call("PutItem", {"TableName": "Stock", "Item": row})


def restarted(rows: TableRows) -> Any:
    """The rows as they are after a restart: from the files alone."""
    for table in table_rows.tables().values():
        table["items"].clear()
        table_rows.recount(table)
    assert scan() == []
    assert rows.restore()
    rows.begin()
    return scan()


def key(name: str) -> dict[str, Any]:
    return {"TableName": "Stock", "Key": {"ingredient": {"S": name}, "batch_id": {"S": "all"}}}


def test_every_kind_of_write_is_logged(rows: TableRows) -> None:
    put("put")
    put("deleted")
    call("DeleteItem", key("deleted"))
    call(
        "UpdateItem",
        {**key("updated"), "UpdateExpression": "SET a = :a", "ExpressionAttributeValues": {":a": {"N": "1"}}},
    )
    written = {"ingredient": {"S": "batch"}, "batch_id": {"S": "all"}}
    call("BatchWriteItem", {"RequestItems": {"Stock": [{"PutRequest": {"Item": written}}]}})
    call(
        "TransactWriteItems",
        {"TransactItems": [{"Put": {"TableName": "Stock", "Item": {**written, "batch_id": {"S": "t"}}}}]},
    )
    inserted = "INSERT INTO Stock VALUE {'ingredient': 'partiql', 'batch_id': 'all'}"
    call("ExecuteStatement", {"Statement": inserted})
    before = scan()
    assert len(before) == 5
    assert restarted(rows) == before


@pytest.mark.parametrize("seed", range(3))
def test_random_transactions_survive(rows: TableRows, seed: int) -> None:
    """With restarts and snapshots in between."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    for _ in range(300):
        call("TransactWriteItems", {"TransactItems": [random_action(chance) for _ in range(2)]})
        if chance.random() < 0.02:
            assert rows.log is not None
            number = rows.log.rotate()
            write_snapshot(rows.log._folder / f"{number}.rows", table_rows.snapshot())
            rows.log.drop_before(number)
        if chance.random() < 0.02:
            before = scan()
            assert restarted(rows) == before
    assert scan()


def test_a_table_restored_has_its_index(rows: TableRows) -> None:
    level = {"ingredient": {"S": "ham"}, "batch_id": {"S": "all"}, "row_type": {"S": "level"}}
    call("PutItem", {"TableName": "Stock", "Item": level})
    restarted(rows)
    assert call("Scan", {"TableName": "Stock", "IndexName": "LevelIndex"})[1]["Count"] == 1


def test_what_was_logged_goes_through_the_stream_again(rows: TableRows) -> None:
    """The emulator forgets its streams; functions may not have read them. A snapshot leaves nothing to read."""
    for quantity in (1, 2):
        put("ham", quantity)
    call("DeleteItem", key("ham"))
    before = images()
    assert [image["name"] for image in before] == ["INSERT", "MODIFY", "REMOVE"]
    dynamodb._stream_records.clear()
    restarted(rows)
    assert images() == before


def test_what_functions_have_read_goes_through_the_stream_only_once(rows: TableRows) -> None:
    """After a kill they would otherwise read all that the log has, before anything new."""
    put("ham", 1)
    rows.streams_are_read()
    put("ham", 2)
    dynamodb._stream_records.clear()
    restarted(rows)
    assert [(image["name"], image["NewImage"]["quantity"]) for image in images()] == [("MODIFY", {"N": "2"})]
    assert len(scan()) == 1


def test_an_idle_log_does_not_grow_by_notes_of_what_was_read(rows: TableRows) -> None:
    put("ham", 1)
    assert rows.log is not None
    rows.streams_are_read()
    size = rows.log.size
    rows.streams_are_read()
    assert rows.log.size == size
    put("ham", 2)
    rows.streams_are_read()
    assert list(read_logs(rows._folder))[-1] == [STREAMS_READ]


def test_rows_of_a_table_that_was_deleted_do_not_come_back(rows: TableRows) -> None:
    """A new table of the same name is another one."""
    put("ham")
    call("DeleteTable", {"TableName": "Stock"})
    call("CreateTable", TABLE)
    assert restarted(rows) == []


def test_a_transaction_by_statements_that_fails_is_undone_in_the_log(rows: TableRows) -> None:
    """The emulator puts the rows back that it had written."""
    put("ham", 7)
    statement = "INSERT INTO Stock VALUE {{'ingredient': '{}', 'batch_id': 'all'}}"
    statements = [{"Statement": statement.format(name)} for name in ("new", "ham")]
    assert call("ExecuteTransaction", {"TransactStatements": statements})[0] == 400
    before = scan()
    assert len(before) == 1
    assert restarted(rows) == before


def full(_: RedoLog, __: object) -> None:
    raise OSError(28, "No space left on device")


def test_what_cannot_be_logged_is_refused_and_undone(
    rows: TableRows, monkeypatch: pytest.MonkeyPatch, problems: list[str]
) -> None:
    """Rows and stream are as before, and the same request succeeds once there is room."""
    put("ham", 7)
    before, streamed = scan(), images()
    request = {
        "TransactItems": [
            {
                "Update": {
                    **key("ham"),
                    "UpdateExpression": "ADD quantity :n",
                    "ExpressionAttributeValues": {":n": {"N": "-1"}},
                }
            },
            {"Put": {"TableName": "Stock", "Item": {"ingredient": {"S": "new"}, "batch_id": {"S": "all"}}}},
        ],
        "ClientRequestToken": "repeated",
    }
    with monkeypatch.context() as patch:
        patch.setattr(RedoLog, "append", full)
        status, answer = call("TransactWriteItems", request)
    assert (status, "No space left" in answer["message"]) == (500, True)
    assert "No space left" in problems[0]
    assert (scan(), images()) == (before, streamed)
    assert call("TransactWriteItems", request)[0] == 200
    after = scan()
    assert len(after) == 2
    assert restarted(rows) == after


def test_damaged_rows_are_reported_and_what_can_be_read_is_there(rows: TableRows, tmp_path: Path) -> None:
    put("ham")
    (tmp_path / "rows" / "9.rows").write_bytes(b"00000000 []\n")
    assert not rows.restore()
