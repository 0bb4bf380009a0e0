"""Least privilege: each function works with its role, and fails with any one permission less.

Not tested, because the emulator does not check them: what Lambda does for a function (writing logs, reading streams,
reporting failures), and s3:ListBucket, without which AWS answers 403 for a deleted object.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stockctl.aws.retry import Patience
from stockctl.domain.history import charge_between
from stockctl.domain.stock import Batch, batch_id_of
from stockctl.operations.history_table import HistoryTable
from stockctl.operations.receive import receive as receive_batches
from stockctl.operations.rows import batch_key, level_key
from stockctl.operations.stock_table import StockTable
from tests.system.conftest import System, system_in
from tests.system.permissions import statements_of, without

TRIES = 4
SCHEDULED = Path(__file__).parents[1] / "events" / "scheduled.json"
BY_LAMBDA = {"Log", "ReadStream", "FindStream", "ReportFailure", "TellAbsentFromForbidden"}


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A cloud without notifications and with disabled stream mappings: only the test calls functions."""
    with system_in(tmp_path_factory.mktemp("permissions")) as system:
        functions = system.clients.lambda_
        for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
            functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        system.clients.s3.put_bucket_notification_configuration(
            Bucket=system.deployment.drop_bucket, NotificationConfiguration={}
        )
        yield system


def call(system: System, function: str, event: dict[str, Any]) -> str:
    """Calls a function as AWS does; returns its error, or an empty string."""
    answer = system.clients.patient_lambda.invoke(
        FunctionName=system.deployment.functions[function], Payload=json.dumps(event).encode()
    )
    said = json.loads(answer["Payload"].read() or "null")
    if "FunctionError" in answer:
        return str(said["errorMessage"])
    return json.dumps(said) if said and said.get("statusCode", 200) >= 500 else ""


def drop(system: System, key: str, content: str) -> dict[str, Any]:
    """Drops a file and returns its notification."""
    put = system.clients.s3.put_object(Bucket=system.deployment.drop_bucket, Key=key, Body=content.encode())
    located = {"bucket": {"name": system.deployment.drop_bucket}, "object": {"key": key, "versionId": put["VersionId"]}}
    return {"Records": [{"s3": located}]}


def receive(system: System) -> str:
    """A delivery of two ingredients and a row that has expired, its redelivery, and another file under the same key."""
    mark = uuid.uuid4().hex
    rows = f"ham {mark},10,2099-01-01\negg {mark},10,2099-01-01\nold {mark},10,2019-01-01\n"
    first = drop(system, f"{mark}.csv", rows)
    other = drop(system, f"{mark}.csv", f"ham {mark},11,2099-01-01\n")
    return "".join(call(system, "StockReceived", event) for event in (first, first, other))


def stocked(system: System) -> str:
    """An ingredient with a batch of ten units."""
    name = f"leek {uuid.uuid4().hex}"
    assert call(system, "StockReceived", drop(system, f"{name}.csv", f"{name},10,2099-01-01\n")) == ""
    return name


def post(system: System, name: str, units: int) -> str:
    return call(system, "PostTransaction", {"body": json.dumps(transaction(name, units))})


def transaction(name: str, units: int) -> dict[str, Any]:
    return {"transactionId": uuid.uuid4().hex, "items": [{"typeId": name, "quantity": units}]}


def post_many(system: System, name: str) -> str:
    """Two transactions in one request, sent twice."""
    batch = {"transactions": [transaction(name, 1), transaction(name, 2)]}
    for expected in ([201, 201], [200, 200]):
        answer = system.clients.patient_lambda.invoke(
            FunctionName=system.deployment.post_transactions_function,
            Payload=json.dumps({"body": json.dumps(batch)}).encode(),
        )
        said = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            return str(said["errorMessage"])
        if (codes := [each["statusCode"] for each in json.loads(said["body"])["answers"]]) != expected:
            return str(codes)
    return ""


def post_some(system: System) -> str:
    return post_many(system, stocked(system))


def post_some_to_expired(system: System) -> str:
    return post_many(system, due(system))


def post_too_much(system: System) -> str:
    """Before it refuses, it checks whether the id was accepted before."""
    batch = {"transactions": [transaction(stocked(system), 11)]}
    return call(system, "PostTransactions", {"body": json.dumps(batch)})


def post_one(system: System) -> str:
    return post(system, stocked(system), 4)


def post_to_expired(system: System) -> str:
    """A use that finds a due batch reconciles first."""
    return post(system, due(system), 4)


def due(system: System) -> str:
    """An ingredient that needs every step of a reconciliation: one batch due, one whose row is gone, one good.

    They were received two hours ago. The due row lasts until the TTL sweep. The rows and the roster disagree, so they
    are read again in a transaction.
    """
    name = f"leek {uuid.uuid4().hex}"
    make_due(system, name)
    return name


def make_due(system: System, name: str) -> None:
    now, table = int(time.time()), system.deployment.stock_table
    expiries = {"due": now - 3600, "gone": now + 3600, "good": now + 7200}
    batches = [batch(name, best_before, expires_at) for best_before, expires_at in expiries.items()]
    receive_batches(StockTable(system.clients.dynamodb, table), batches, lambda: now - 7200, Patience())
    system.clients.dynamodb.delete_item(TableName=table, Key=batch_key(name, batches[1].batch_id))


def give_back(system: System) -> str:
    """A return of what was used and charged; since then, other batches of the ingredient have expired."""
    name, table = stocked(system), StockTable(system.clients.dynamodb, system.deployment.stock_table)
    order = transaction(name, 4)
    assert call(system, "PostTransaction", {"body": json.dumps(order)}) == ""
    before, _, after = (
        table.read(name),
        call(system, "StockUpdated", image(system, name)),
        table.read(name),
    )
    assert before is not None
    assert after is not None
    charge = charge_between(before.batches[0], after.batches[0])
    assert charge is not None
    HistoryTable(system.clients.dynamodb, system.deployment.history_table, 400, Patience()).write([charge])
    make_due(system, name)
    request = {"returnId": uuid.uuid4().hex, "transactionId": order["transactionId"]}
    return call(system, "PostReturn", {"body": json.dumps(request)})


def batch(name: str, best_before: str, expires_at: int) -> Batch:
    batch_id = batch_id_of(f"{name}.csv", best_before)
    return Batch(name, batch_id, f"{name}.csv", 10, 10, best_before, expires_at, "etag", "2026-01-01T00:00:00.000Z")


def image(system: System, name: str) -> dict[str, Any]:
    key = level_key(name)
    row = system.clients.dynamodb.get_item(TableName=system.deployment.stock_table, Key=key)["Item"]
    return {"Records": [{"eventName": "MODIFY", "dynamodb": {"Keys": key, "NewImage": row}}]}


def used(function: str) -> Callable[[System], str]:
    def charge(system: System) -> str:
        name = stocked(system)
        assert post(system, name, 4) == ""
        return call(system, function, image(system, name))

    return charge


def expired(function: str) -> Callable[[System], str]:
    def write_off(system: System) -> str:
        name = due(system)
        return call(system, function, image(system, name))

    return write_off


def check_expiry(system: System) -> str:
    """The scheduled call finds a due ingredient."""
    due(system)
    return call(system, "StockExpired", json.loads(SCHEDULED.read_text()))


def get(system: System) -> str:
    """All levels, some, and one with its batches."""
    name = stocked(system)
    events: list[dict[str, Any]] = [{}, {"rawQueryString": f"typeId={name}"}, {"pathParameters": {"typeId": name}}]
    return "".join(call(system, "GetStock", event) for event in events)


SCENARIOS: dict[str, list[Callable[[System], str]]] = {
    "StockReceived": [receive],
    "StockExpired": [used("StockExpired"), expired("StockExpired"), check_expiry],
    "StockUpdated": [used("StockUpdated"), expired("StockUpdated")],
    "PostTransaction": [post_one, post_to_expired],
    "PostTransactions": [post_some, post_too_much, post_some_to_expired],
    "PostReturn": [give_back],
    "GetStock": [get],
}


@pytest.mark.parametrize("function", SCENARIOS)
def test_a_function_works_with_its_role(system: System, function: str) -> None:
    assert [scenario(system) for scenario in SCENARIOS[function]] == [""] * len(SCENARIOS[function])


@pytest.mark.parametrize(
    "function", [pytest.param(name, marks=[] if name == "PostTransaction" else pytest.mark.ci) for name in SCENARIOS]
)
def test_with_one_permission_less_a_function_fails(system: System, function: str) -> None:
    """Each permission is removed in turn."""
    unneeded = []
    for statement in statements_of(system, f"{function}Role"):
        for action in statement["Action"]:
            if statement["Sid"] in BY_LAMBDA:
                continue
            with without(system, f"{function}Role", action, statement["Sid"]):
                if not any(fails(scenario, system) for scenario in SCENARIOS[function]):
                    unneeded.append(action)
    assert unneeded == []


def fails(scenario: Callable[[System], str], system: System) -> bool:
    """Whether it fails in one of a few tries: the TTL sweep may delete the due row before the function sees it."""
    return any(scenario(system) != "" for _ in range(TRIES))
