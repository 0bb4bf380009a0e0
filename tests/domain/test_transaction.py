"""Requests to use stock: every error is listed, and a repeat is recognised."""

from __future__ import annotations

from typing import Any

import pytest

from stockctl.domain.transaction import InvalidRequest, Transaction, transaction_from


def request(**changes: Any) -> dict[str, Any]:
    return {"transactionId": "abc123", "items": [{"typeId": "ham", "quantity": 10}], **changes}


def faults_of(document: object) -> dict[str, str]:
    with pytest.raises(InvalidRequest) as refused:
        transaction_from(document)
    return {fault.path: fault.message for fault in refused.value.faults}


def test_a_request_becomes_units_by_ingredient() -> None:
    transaction = transaction_from(
        request(items=[{"typeId": " Ham ", "quantity": 10}, {"typeId": "egg", "quantity": 1}])
    )
    assert transaction == Transaction("abc123", {"ham": 10, "egg": 1})


def test_items_of_one_ingredient_are_merged() -> None:
    items = [{"typeId": "ham", "quantity": 10}, {"typeId": "HAM", "quantity": 5}]
    assert transaction_from(request(items=items)).items == {"ham": 15}


def test_every_fault_is_listed_at_once() -> None:
    document = {"items": [{"typeId": 7, "quantity": "ten"}, "ham", {"quantity": 0}]}
    assert set(faults_of(document)) == {
        "transactionId",
        "items[0].typeId",
        "items[0].quantity",
        "items[1]",
        "items[2].typeId",
        "items[2].quantity",
    }


@pytest.mark.parametrize("document", [None, [], "text", 7])
def test_a_body_that_is_not_an_object_is_refused(document: object) -> None:
    assert "JSON object" in faults_of(document)[""]


@pytest.mark.parametrize("quantity", [0, -1, 1.5, 10.0, True, "10", None, 10**12, [1]])
def test_a_quantity_is_a_whole_number_in_range(quantity: object) -> None:
    assert "items[0].quantity" in faults_of(request(items=[{"typeId": "ham", "quantity": quantity}]))


@pytest.mark.parametrize("name", ["", " ", "x" * 101, "a\x00b", None, {}])
def test_a_type_id_is_the_name_of_an_ingredient(name: object) -> None:
    assert "items[0].typeId" in faults_of(request(items=[{"typeId": name, "quantity": 1}]))


@pytest.mark.parametrize("name", ["", "x" * 129, "a\nb", 7, None, "delivery#monday.csv"])
def test_a_transaction_id_is_a_short_printable_text_that_is_not_reserved(name: object) -> None:
    assert "transactionId" in faults_of(request(transactionId=name))


def test_no_items_and_more_than_ninety_nine_ingredients_are_refused() -> None:
    assert faults_of(request(items=[]))["items"] == "is empty"
    assert faults_of(request(items={}))["items"] == "must be a list"
    many = [{"typeId": f"i{number}", "quantity": 1} for number in range(100)]
    assert "at most 99" in faults_of(request(items=many))["items"]
    assert len(transaction_from(request(items=many[:99])).items) == 99


def test_the_order_of_lines_does_not_make_another_request() -> None:
    assert Transaction("1", {"ham": 1, "egg": 2}).request_hash == Transaction("2", {"egg": 2, "ham": 1}).request_hash
    assert Transaction("1", {"ham": 1}).request_hash != Transaction("1", {"ham": 2}).request_hash
