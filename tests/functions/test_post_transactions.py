"""`POST /transactions/batch`: each transaction answered on its own, with the codes and bodies of single ones."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stockctl.functions import post_transaction, post_transactions
from tests.service import Service

FRESH = "ingredient,quantity,best_before\nham,10,2099-01-01\negg,5,2099-01-01\n"


@pytest.fixture
def stocked(service: Service) -> Service:
    service.drop("d.csv", FRESH)
    return service


def line(transaction_id: object, **items: int) -> dict[str, Any]:
    return {"transactionId": transaction_id, "items": [{"typeId": name, "quantity": n} for name, n in items.items()]}


def post(document: object) -> tuple[int, dict[str, Any]]:
    answer = post_transactions.handler({"body": json.dumps(document)}, None)
    return answer["statusCode"], json.loads(answer["body"])


@pytest.mark.usefixtures("stocked")
def test_each_is_answered_in_its_place_as_it_would_be_alone() -> None:
    lines = [line("a", ham=2), line(7, ham=1), line("b", ham=99), line("a", ham=2), line("a", egg=1)]
    code, body = post({"transactions": lines})
    assert code == 200
    assert [answer["statusCode"] for answer in body["answers"]] == [201, 400, 409, 200, 422]
    alone = json.loads(post_transaction.handler({"body": json.dumps(line("c", egg=99))}, None)["body"])
    assert body["answers"][2]["body"] == json.loads(json.dumps(alone).replace("egg", "ham").replace(": 5}", ": 10}"))
    assert body["answers"][3]["body"]["replayed"] is True


@pytest.mark.usefixtures("stocked")
@pytest.mark.parametrize("document", [[], {}, {"transactions": {}}, {"transactions": []}, {"transactions": [1] * 501}])
def test_a_body_that_is_no_batch_is_refused_as_a_whole(document: object) -> None:
    code, body = post(document)
    assert code == 400
    assert body["code"] == "invalid_request"
    assert body["errors"][0]["path"] == "transactions"


@pytest.mark.usefixtures("stocked")
def test_a_body_too_large_to_be_answered_is_refused_before_anything_is_taken() -> None:
    code, body = post({"transactions": [line("a", ham=1)], "padding": "x" * (1 << 20)})
    assert (code, body["code"]) == (413, "too_large")
    assert "split" in body["errors"][0]["message"]
