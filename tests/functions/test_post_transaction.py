"""Transactions over HTTP: all or nothing, once, and every refusal explained (README.md, "HTTP API")."""

from __future__ import annotations

import base64
import json
import re
from datetime import datetime
from typing import Any

import pytest

from stockctl.aws.retry import Patience
from stockctl.functions import post_transaction, post_transactions, wiring
from stockctl.functions.http import MAX_BODY
from stockctl.operations.rows import level_key
from tests.service import STOCK, TRANSACTIONS, Service, pass_an_hour, soon

DELIVERY = "ham,100,2099-12-31\nham,30,2098-12-31\nmushroom,50,2099-12-31\n"


@pytest.fixture
def stocked(service: Service) -> Service:
    service.drop("monday.csv", DELIVERY)
    return service


def levels(service: Service) -> dict[str, int]:
    return {level.ingredient: level.quantity for level in service.stock.levels()}


def test_a_transaction_takes_every_item(stocked: Service) -> None:
    assert stocked.post("1", ham=10, mushroom=5) == (
        201,
        {
            "transactionId": "1",
            "status": "accepted",
            "items": [{"typeId": "ham", "quantity": 10}, {"typeId": "mushroom", "quantity": 5}],
            "replayed": False,
        },
    )
    assert levels(stocked) == {"ham": 120, "mushroom": 45}


def test_a_repeat_is_answered_and_takes_nothing_again(stocked: Service) -> None:
    stocked.post("1", ham=10)
    status, body = stocked.post("1", ham=10)
    assert (status, body["replayed"]) == (200, True)
    assert levels(stocked)["ham"] == 120


def test_a_repeat_is_answered_even_when_the_stock_is_gone(stocked: Service) -> None:
    stocked.post("1", ham=130)
    assert stocked.post("1", ham=130)[0] == 200


def test_the_same_id_with_other_items_is_an_error_of_its_own(stocked: Service) -> None:
    stocked.post("1", ham=10)
    status, body = stocked.post("1", ham=11)
    assert (status, body["code"]) == (422, "transaction_id_reused")
    assert levels(stocked)["ham"] == 120


def test_a_shortage_of_one_item_takes_nothing_of_any(stocked: Service) -> None:
    status, body = stocked.post("1", ham=10, mushroom=51, egg=1)
    assert (status, body["code"]) == (409, "insufficient_stock")
    assert body["shortages"] == [
        {"typeId": "mushroom", "requested": 51, "available": 50},
        {"typeId": "egg", "requested": 1, "available": 0},
    ]
    assert levels(stocked) == {"ham": 130, "mushroom": 50}


def test_an_id_is_remembered_for_ninety_days(stocked: Service) -> None:
    """As the documents say: after that, a repeat would take the items again."""
    stocked.post("1", ham=10)
    record = stocked.clients.dynamodb.get_item(TableName=TRANSACTIONS, Key={"transaction_id": {"S": "1"}})["Item"]
    at = datetime.fromisoformat(record["at"]["S"]).timestamp()
    assert int(record["forget_at"]["N"]) - int(at) == 90 * 24 * 3600


def test_a_refusal_says_what_is_short_and_that_nothing_changed(stocked: Service) -> None:
    _, body = stocked.post("1", mushroom=51, egg=1)
    assert body["message"] == "not enough stock: mushroom, egg; nothing changed"


def test_a_refused_id_may_be_used_again_once_there_is_enough(stocked: Service) -> None:
    assert stocked.post("1", egg=1)[0] == 409
    stocked.drop("eggs.csv", "egg,12,2099-01-01\n")
    assert stocked.post("1", egg=1)[0] == 201


def test_the_last_unit_can_be_taken_and_no_more(stocked: Service) -> None:
    assert stocked.post("1", ham=130)[0] == 201
    assert stocked.post("2", ham=1)[0] == 409
    assert levels(stocked)["ham"] == 0


def test_stock_past_its_best_before_is_never_served_however_late_time_to_live_is(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invariant I6: the guard holds the use back, reconciles in line, and judges again."""
    service.drop("short.csv", f"ham,10,{soon(1800)}\nham,5,2099-01-01\n")
    pass_an_hour(monkeypatch)
    status, body = service.post("1", ham=8)
    assert (status, body["shortages"]) == (409, [{"typeId": "ham", "requested": 8, "available": 5}])
    assert service.post("2", ham=5)[0] == 201
    level = service.stock.level("ham")
    assert level is not None
    assert (level.quantity, level.received, level.used, level.expired) == (0, 15, 5, 10)


@pytest.mark.parametrize("body", ["", "{", "[]", "null", "7", '"text"', None, "[" * 100_000])
def test_a_body_that_is_no_request_is_answered_with_its_faults(service: Service, body: str | None) -> None:
    status, answer = service.post_body(body)
    assert (status, answer["code"]) == (400, "invalid_request")
    assert answer["errors"]


@pytest.mark.usefixtures("stocked")
def test_a_base64_encoded_body_is_decoded() -> None:
    body = base64.b64encode(json.dumps({"transactionId": "1", "items": [{"typeId": "ham", "quantity": 1}]}).encode())
    answer = post_transaction.handler({"body": body.decode(), "isBase64Encoded": True}, None)
    assert answer["statusCode"] == 201


def test_contention_that_outlasts_the_deadline_is_answered_as_busy(
    stocked: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A level whose guard never clears: its roster is of another generation, as a torn read for ever would look."""
    stocked.clients.dynamodb.update_item(
        TableName=STOCK,
        Key=level_key("ham"),
        UpdateExpression="SET next_expiry = :past, generation = :other",
        ExpressionAttributeValues={":past": {"N": "1"}, ":other": {"N": "99"}},
    )
    hurried = Patience(seconds=0.05)
    monkeypatch.setattr(wiring, "PATIENCE", hurried)
    wiring.stock_table.cache_clear()
    wiring.tables.cache_clear()
    answer = post_transaction.handler(
        {"body": json.dumps({"transactionId": "1", "items": [{"typeId": "ham", "quantity": 1}]})}, None
    )
    assert (answer["statusCode"], answer["headers"]["Retry-After"]) == (503, "1")
    assert json.loads(answer["body"])["code"] == "busy"


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize("size", [1_048_576, 5_900_000])
@pytest.mark.parametrize("handler", [post_transaction.handler, post_transactions.handler])
def test_the_answer_to_a_large_malformed_body_is_small(size: int, handler: Any) -> None:
    """Above Lambda's 6 MB, callers would get a 5xx."""
    alone = f'{{"transactionId":"1","items":[{"{}," * (size // 3 - 30)}{{}}]}}'
    body = alone if handler is post_transaction.handler else f'{{"transactions":[{alone}]}}'
    answer = handler({"body": body}, None)
    if size > MAX_BODY:
        assert answer["statusCode"] == 413
    assert "split it" in answer["body"] or "the first 10, and 69" in answer["body"]
    assert len(answer["body"]) < 2000


def test_an_answer_lists_ten_errors_and_counts_the_others(service: Service) -> None:
    status, answer = service.post_body(json.dumps({"transactionId": "1", "items": [{}] * 6}))
    assert status == 400
    assert answer["message"] == "the request has 12 faults: the first 10, and 2 more"
    assert [error["path"] for error in answer["errors"]][:2] == ["items[0].typeId", "items[0].quantity"]
    assert len(answer["errors"]) == 10
    _, answer = service.post_body(json.dumps({"transactionId": "1", "items": [{}] * 5}))
    assert answer["message"] == "the request has 10 faults"


@pytest.mark.parametrize(
    "body", [b"\xff", b'{"transactionId": "\xc3"}', b"{" + b"[" * 100_000, b'{"n": ' + b"9" * 5000 + b"}", b"[NaN]"]
)
def test_messages_about_a_body_that_is_not_json_show_nothing_of_python(body: bytes) -> None:
    answer = post_transaction.handler({"body": base64.b64encode(body).decode(), "isBase64Encoded": True}, None)
    [error] = json.loads(answer["body"])["errors"]
    assert error["message"].startswith("is not JSON: ")
    assert not {"codec", "sys", "recursion", "char", "int"} & set(re.findall("[a-z]+", error["message"]))


def test_a_body_that_is_not_base64_is_a_fault() -> None:
    answer = post_transaction.handler({"body": "abc", "isBase64Encoded": True}, None)
    assert json.loads(answer["body"])["errors"] == [{"path": "", "message": "is not JSON: it is not Base64"}]


@pytest.mark.parametrize(
    "item", ['{"typeId": "ham", "quantity": 1, "quantity": 2}', '{"typeId": "egg", "typeId": "ham", "quantity": 1}']
)
def test_a_key_that_appears_twice_is_a_fault(stocked: Service, item: str) -> None:
    status, answer = stocked.post_body(f'{{"transactionId": "1", "items": [{item}]}}')
    assert (status, answer["code"]) == (400, "invalid_request")
    assert "more than once" in answer["errors"][0]["message"]
    assert levels(stocked)["ham"] == 130


def test_a_body_of_just_the_largest_size_is_read(stocked: Service) -> None:
    """Counted in bytes, as callers do."""
    head, tail = '{"transactionId": "1", "items": [{"typeId": "ham", "quantity": 1}], "note": "', '"}'
    room = MAX_BODY - len(head) - len(tail)
    assert stocked.post_body(head + "x" * room + tail)[0] == 201
    assert stocked.post_body(head + "é" * (room // 2 + 1) + tail)[0] == 413
