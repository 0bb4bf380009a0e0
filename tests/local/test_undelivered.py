"""After a start, deliveries without an answer are delivered again, and no others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from unittest.mock import Mock

import pytest
from moto import mock_aws

from stockctl.aws.clients import Clients, aws_session
from stockctl.domain.receipt import receipt_key
from stockctl.local.undelivered import Drop

OUTPUTS = {"DropBucket": "drop", "TransactionTable": "transactions", "StockReceivedFunction": "received"}


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clients]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        clients = Clients(aws_session(region="us-east-1"))
        clients.s3.create_bucket(Bucket="drop")
        clients.dynamodb.create_table(
            TableName="transactions",
            AttributeDefinitions=[{"AttributeName": "transaction_id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "transaction_id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield clients


def drop(clients: Clients, key: str, content: bytes = b"ham,1,2030-01-01") -> str:
    return clients.s3.put_object(Bucket="drop", Key=key, Body=content)["ETag"].strip('"')


def claim(clients: Clients, key: str, etag: str) -> None:
    row = {"transaction_id": {"S": f"delivery#{key}"}, "request_hash": {"S": etag}}
    clients.dynamodb.put_item(TableName="transactions", Item=row)


def answer(clients: Clients, key: str, etag: str, **fields: Any) -> None:
    row = {"ingredient": "ham", "quantity": 1, "best_before": "2099-01-01"}
    rows = {"recorded": [row], "recorded_rows": 1, "rejected": [], "rejected_rows": 0}
    receipt = {"etag": etag, "status": "recorded", **rows, **fields}
    clients.s3.put_object(Bucket="drop", Key=receipt_key(key), Body=json.dumps(receipt).encode())


def delivered_again(clients: Clients) -> list[str]:
    """The keys for which the function is called."""
    invoke = Mock()
    clients.__dict__["lambda_"] = Mock(invoke=invoke)
    found = Drop.of(clients, OUTPUTS)
    assert found is not None
    count = found.deliver_again()
    records = [json.loads(call.kwargs["Payload"])["Records"][0]["s3"] for call in invoke.call_args_list]
    assert count == len(records)
    assert all(record["bucket"]["name"] == "drop" for record in records)
    return [record["object"]["key"] for record in records]


def test_a_file_with_receipt_and_claim_is_answered(clients: Clients) -> None:
    etag = drop(clients, "a.csv")
    claim(clients, "a.csv", etag)
    answer(clients, "a.csv", etag)
    assert delivered_again(clients) == []


def test_a_file_without_a_receipt_is_not(clients: Clients) -> None:
    """Its key goes as S3 sends it."""
    claim(clients, "b c.CSV", drop(clients, "b c.CSV"))
    drop(clients, "new.csv")
    assert delivered_again(clients) == ["b+c.CSV", "new.csv"]


def test_a_receipt_whose_claim_is_gone_is_no_answer(clients: Clients) -> None:
    """The receipt outlived the rows that it says were recorded."""
    answer(clients, "a.csv", drop(clients, "a.csv"))
    assert delivered_again(clients) == ["a.csv"]


def test_a_file_of_which_nothing_was_recorded_needs_no_claim(clients: Clients) -> None:
    answer(clients, "a.csv", drop(clients, "a.csv", b"no such columns"), recorded=[])
    assert delivered_again(clients) == []


def test_other_content_that_was_answered_as_a_conflict_is_answered(clients: Clients) -> None:
    first = drop(clients, "a.csv")
    claim(clients, "a.csv", first)
    second = drop(clients, "a.csv", b"other")
    answer(clients, "a.csv", first)
    assert delivered_again(clients) == ["a.csv"]
    answer(clients, "a.csv", first, conflicts=[{"etag": second}])
    assert delivered_again(clients) == []


def test_what_is_no_receipt_answers_nothing(clients: Clients) -> None:
    """Somebody put it there."""
    etag = drop(clients, "a.csv")
    for content in (b"{", b"[]", b"null", b'{"etag": 1}', json.dumps({"etag": etag}).encode()):
        clients.s3.put_object(Bucket="drop", Key=receipt_key("a.csv"), Body=content)
        assert delivered_again(clients) == ["a.csv"]


def test_a_file_of_any_name_is_delivered_again(clients: Clients) -> None:
    """Each gets a receipt, if only one that says what is wrong with it."""
    drop(clients, "readme.txt")
    assert delivered_again(clients) == ["readme.txt"]


def test_a_receipt_is_no_delivery(clients: Clients) -> None:
    drop(clients, "receipts/planted.csv")
    claim(clients, "receipts/planted.csv", "x")
    assert delivered_again(clients) == []


def test_many_files_are_all_looked_at(clients: Clients) -> None:
    """More than one page of claims."""
    for number in range(250):
        etag = drop(clients, f"{number}.csv")
        claim(clients, f"{number}.csv", etag)
        if number != 230:
            answer(clients, f"{number}.csv", etag)
    assert delivered_again(clients) == ["230.csv"]


def test_a_stack_of_somebody_elses_has_no_drop(clients: Clients) -> None:
    assert Drop.of(clients, {"DropBucket": "drop"}) is None
