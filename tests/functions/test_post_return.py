"""`POST /returns`, on moto: what comes back, what is refused, and that a repeat changes nothing."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import pytest

from stockctl.aws.retry import Patience
from stockctl.functions import post_return, stock_updated, wiring
from stockctl.operations.return_units import Returns
from stockctl.operations.use import Tables
from tests.service import Service

SOON, LATER = "2098-12-31", "2099-12-31"


@pytest.fixture(autouse=True)
def order(service: Service) -> None:
    """Order 1 took 40 of ham: 30 that expire sooner, and 10."""
    service.drop("monday.csv", f"ham,100,{LATER}\nham,30,{SOON}\nbasil,5,never\n")
    assert service.post("1", ham=40, basil=2)[0] == 201
    service.process_stream("ham", "basil")


def returned(**document: Any) -> tuple[int, dict[str, Any]]:
    answer = post_return.handler({"body": json.dumps(document)}, None)
    return answer["statusCode"], json.loads(answer["body"])


def items(**units: int) -> list[dict[str, Any]]:
    return [{"typeId": name, "quantity": quantity} for name, quantity in units.items()]


def counts(service: Service, name: str = "ham") -> tuple[int, int, int, bool]:
    level = service.stock.level(name)
    assert level is not None
    return level.quantity, level.used, level.returned, level.adds_up


def test_all_of_a_transaction_comes_back_with_the_best_befores_it_had(service: Service) -> None:
    status, body = returned(returnId="r", transactionId="1")
    assert status == 201
    assert body["items"] == [
        {"typeId": "ham", "quantity": 30, "bestBefore": SOON},
        {"typeId": "ham", "quantity": 10, "bestBefore": LATER},
        {"typeId": "basil", "quantity": 2, "bestBefore": "never"},
    ]
    assert (body["expired"], body["replayed"]) == ([], False)
    assert counts(service) == (130, 40, 40, True)
    assert counts(service, "basil") == (5, 2, 2, True)
    holding = service.stock.read("ham")
    assert holding is not None
    assert holding.is_consistent
    assert [(one.batch_id, one.delivery, one.quantity) for one in holding.counted if "return" in one.batch_id] == [
        (f"return/r@{SOON}", "monday.csv", 30),
        (f"return/r@{LATER}", "monday.csv", 10),
    ]
    assert holding.level.next_expiry == holding.soonest_expiry


def test_parts_come_back_one_after_the_other_and_never_more_than_was_taken(service: Service) -> None:
    first = returned(returnId="r1", transactionId="1", items=items(ham=25))[1]["items"]
    second = returned(returnId="r2", transactionId="1", items=items(ham=10))[1]["items"]
    assert first == [{"typeId": "ham", "quantity": 25, "bestBefore": SOON}]
    assert second == [
        {"typeId": "ham", "quantity": 5, "bestBefore": SOON},
        {"typeId": "ham", "quantity": 5, "bestBefore": LATER},
    ]
    status, body = returned(returnId="r3", transactionId="1", items=items(ham=6))
    assert (status, body["code"]) == (409, "too_many_returned")
    assert body["excesses"] == [{"typeId": "ham", "requested": 6, "taken": 40, "returned": 35}]
    assert [one["quantity"] for one in returned(returnId="r4", transactionId="1")[1]["items"]] == [5, 2]
    assert returned(returnId="r5", transactionId="1")[0] == 409
    assert counts(service) == (130, 40, 40, True)


def test_the_same_return_again_is_answered_and_not_made_again(service: Service) -> None:
    first = returned(returnId="r", transactionId="1", items=items(ham=3))
    status, body = returned(returnId="r", transactionId="1", items=items(ham=3))
    assert (first[0], status, body) == (201, 200, {**first[1], "replayed": True})
    status, body = returned(returnId="r", transactionId="1", items=items(ham=4))
    assert (status, body["code"]) == (422, "return_id_reused")
    assert counts(service) == (93, 40, 3, True)


def test_what_was_not_taken_cannot_come_back() -> None:
    assert returned(returnId="r", transactionId="2")[0] == 404
    assert returned(returnId="r", transactionId="1", items=items(cheese=1))[0] == 409
    assert returned(returnId="r", transactionId="1", items=items(ham=41))[0] == 409


def test_units_whose_best_before_has_passed_do_not_come_back(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    later = 4_070_995_200.0  # 2099-01-02: one batch has expired
    place = wiring.returns()
    tables = Tables(place.tables.stock, place.tables.transactions, lambda: later, place.tables.patience)
    monkeypatch.setattr(wiring, "returns", lambda: Returns(tables, place.history))
    status, body = returned(returnId="r", transactionId="1", items=items(ham=40))
    assert status == 201
    assert body["items"] == [{"typeId": "ham", "quantity": 10, "bestBefore": LATER}]
    assert body["expired"] == [{"typeId": "ham", "quantity": 30, "bestBefore": SOON}]
    assert counts(service) == (100, 40, 10, True)
    assert returned(returnId="r2", transactionId="1", items=items(ham=1))[0] == 409


def test_a_return_waits_until_the_batches_are_known(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Charges reach history by way of the table's stream: until then the caller is asked to try again."""
    assert service.post("2", ham=5)[0] == 201
    place, waits = wiring.returns(), list[float]()
    short = Patience(seconds=1.0, sleep=waits.append, clock=lambda: sum(waits))
    tables = Tables(place.tables.stock, place.tables.transactions, place.tables.clock, short)
    with monkeypatch.context() as impatient:
        impatient.setattr(wiring, "returns", lambda: Returns(tables, place.history))
        answer = post_return.handler({"body": json.dumps({"returnId": "r", "transactionId": "2"})}, None)
    assert (answer["statusCode"], answer["headers"]["Retry-After"]) == (503, "1")
    assert waits
    service.process_stream("ham")
    assert returned(returnId="r", transactionId="2")[0] == 201


def test_history_that_never_had_a_transaction_cannot_say_what_comes_back(service: Service) -> None:
    """A use recorded by an earlier version, or before history was turned on."""
    key = {"transaction_id": {"S": "1"}}
    service.clients.dynamodb.update_item(
        TableName=wiring.tables().transactions, Key=key, UpdateExpression="REMOVE commit_id"
    )
    status, body = returned(returnId="r", transactionId="1")
    assert (status, body["code"]) == (409, "not_recorded")
    assert counts(service) == (90, 40, 0, True)


@pytest.mark.parametrize(
    ("document", "paths"),
    [
        ([], [""]),
        ({}, ["returnId", "transactionId"]),
        ({"returnId": "", "transactionId": "delivery#x"}, ["returnId", "transactionId"]),
        ({"returnId": "r", "transactionId": "1", "items": []}, ["items"]),
        ({"returnId": "r", "transactionId": "1", "items": items(ham=0)}, ["items[0].quantity"]),
    ],
)
def test_a_malformed_request_names_every_fault(document: Any, paths: list[str]) -> None:
    answer = post_return.handler({"body": json.dumps(document)}, None)
    assert answer["statusCode"] == 400
    assert [fault["path"] for fault in json.loads(answer["body"])["errors"]] == paths


def test_units_whose_charge_is_not_recorded_yet_are_not_taken_for_expired(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """History has the use within a second, and its charges a second later: nothing is lost in between."""
    assert service.post("2", ham=5)[0] == 201
    stock_updated.handler({"Records": [service.level_image("ham")]}, None)  # charges it; that record comes later
    place = wiring.returns()
    tables = replace(place.tables, patience=Patience(seconds=0.2, sleep=lambda _seconds: None))
    monkeypatch.setattr(wiring, "returns", lambda: replace(place, tables=tables))
    assert returned(returnId="r", transactionId="2")[0] == 503
    assert counts(service)[2] == 0


def test_units_that_could_be_charged_to_no_batch_had_expired(service: Service) -> None:
    """Time to live removed the row of their batch before they were charged; the write-off notes that."""
    assert service.post("2", ham=5)[0] == 201
    before = service.level_image("ham")
    stock_updated_images(before)
    service.expire("ham", f"monday.csv@{LATER}")
    after = service.level_image("ham")
    after["dynamodb"]["OldImage"] = before["dynamodb"]["NewImage"]
    stock_updated_images(after)
    status, body = returned(returnId="r", transactionId="2")
    assert (status, body["items"]) == (201, [])
    assert body["expired"] == [{"typeId": "ham", "quantity": 5, "bestBefore": None}]
    assert counts(service) == (0, 45, 0, True)


def stock_updated_images(image: dict[str, Any]) -> None:
    """Writes history of a level's change, and charges nothing: StockUpdated has been overtaken."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wiring, "reconcile", lambda _ingredient: None)
        stock_updated.handler({"Records": [image]}, None)


def test_units_of_two_deliveries_stay_apart_and_keep_theirs(service: Service) -> None:
    """So a recall finds them, although they have one best-before."""
    service.drop("tuesday.csv", f"egg,10,{SOON}\n")
    service.drop("wednesday.csv", f"egg,10,{SOON}\n")
    service.post("2", egg=15)
    service.process_stream("egg")
    assert [one["quantity"] for one in returned(returnId="r", transactionId="2")[1]["items"]] == [10, 5]
    holding = service.stock.read("egg")
    assert holding is not None
    assert [(one.batch_id, one.delivery, one.quantity) for one in holding.counted if "return" in one.batch_id] == [
        (f"return/r/2@{SOON}", "wednesday.csv", 5),
        (f"return/r@{SOON}", "tuesday.csv", 10),
    ]


def test_what_came_back_can_be_used_and_returned_again(service: Service) -> None:
    returned(returnId="r", transactionId="1", items=items(ham=30))
    service.post("2", ham=20)
    service.process_stream("ham")
    status, body = returned(returnId="r2", transactionId="2")
    assert (status, body["items"]) == (201, [{"typeId": "ham", "quantity": 20, "bestBefore": SOON}])
    assert counts(service) == (120, 60, 50, True)


def test_without_history_the_answer_says_so_at_once(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring.history(), "days", 0)
    assert service.post("2", ham=5)[0] == 201
    status, body = returned(returnId="r", transactionId="2")
    assert (status, body["code"]) == (409, "not_recorded")


def test_a_charge_that_history_never_got_is_refused_in_the_end(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its record was given up: after a while nobody is asked to try again."""
    assert service.post("2", ham=5)[0] == 201
    stock_updated.handler({"Records": [service.level_image("ham")]}, None)
    place, now = wiring.returns(), time.time() + 3600
    monkeypatch.setattr(wiring, "returns", lambda: replace(place, tables=replace(place.tables, clock=lambda: now)))
    status, body = returned(returnId="r", transactionId="2")
    assert (status, body["code"], counts(service)[2]) == (409, "not_recorded", 0)


def test_a_misspelt_field_brings_nothing_back(service: Service) -> None:
    """Without items everything comes back, which is not what this request wants."""
    status, body = returned(returnId="r", transactionId="1", item=items(ham=1))
    assert (status, body["errors"]) == (400, [{"path": "item", "message": "is no field of a return"}])
    assert counts(service) == (90, 40, 0, True)
