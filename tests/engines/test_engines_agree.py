"""The in-process engine matches DynamoDB Local: same random requests, same answers, same rows."""

from __future__ import annotations

import random
from typing import Any

import pytest
from botocore.exceptions import ClientError

from stockctl.operations import conditions
from stockctl.operations.rows import text
from tests.engines.clouds import EngineCloud, ProcessCloud
from tests.faults.table_engine import STOCK, TRANSACTIONS

SORT_KEYS = ("all", "batch#a", "batch#b", "roster")
REQUESTS = 150

CONDITIONS = (
    conditions.IS_AVAILABLE,
    conditions.IS_UNGUARDED,
    conditions.all_of(conditions.IS_AVAILABLE, conditions.IS_UNGUARDED),
    conditions.IS_FIRST_DELIVERY,
    conditions.IS_SAME_GENERATION,
    conditions.all_of(conditions.IS_SAME_GENERATION, conditions.IS_SAME_VERSION),
    conditions.IS_NOT_ON_ROSTER.format(id=":b0"),
    conditions.all_of(*(conditions.IS_NOT_ON_ROSTER.format(id=name) for name in (":b0", ":b1"))),
    conditions.DOES_NOT_EXIST,
    conditions.HAS_SAME_QUANTITY,
    "quantity > :before OR NOT (version < :version AND attribute_exists(batches))",
    "quantity <> :before AND contains(batches, :b1)",
    "quantity = :b0",
    "quantity >",
    "nothing(quantity)",
)
UPDATES = (
    "ADD quantity :units, version :one SET cause = :b0",
    "ADD batches :ids, generation :one",
    "DELETE batches :ids ADD generation :one",
    "REMOVE next_expiry SET quantity = :before",
    "ADD generation :one SET next_expiry = :now REMOVE cause",
    "SET quantity = :before, quantity = :units",
    "ADD quantity :ids",
)


def values_in(*expressions: str) -> dict[str, Any]:
    return {name: VALUES[name] for name in VALUES if any(name in words(one) for one in expressions)}


def words(expression: str) -> set[str]:
    return set(expression.replace("(", " ").replace(")", " ").replace(",", " ").split())


VALUES: dict[str, Any] = {}


def drawn_values(chance: random.Random) -> None:
    numbers = {":units", ":now", ":generation", ":version", ":before", ":one"}
    VALUES.update({name: {"N": str(chance.randint(-1, 3))} for name in numbers})
    VALUES.update({name: {"S": chance.choice("ab")} for name in (":b0", ":b1")})
    VALUES[":ids"] = {"SS": sorted(set(chance.choices("abc", k=2)))}


def actions(chance: random.Random, most: int) -> list[dict[str, Any]]:
    """Actions on different rows: DynamoDB Local notices two on one row later than DynamoDB does."""
    return [action(chance, sort_key) for sort_key in chance.sample(SORT_KEYS, chance.randint(1, most))]


def action(chance: random.Random, sort_key: str) -> dict[str, Any]:
    """One action of a transaction, of any kind; now and then not well-formed."""
    drawn_values(chance)
    kind = chance.choice(("Put", "Update", "Update", "Delete", "ConditionCheck"))
    key = {"ingredient": text("ham"), "batch_id": text(sort_key)}
    expressions = {"ConditionExpression": chance.choice(CONDITIONS)} if kind == "ConditionCheck" else {}
    if chance.random() < 0.6:
        expressions["ConditionExpression"] = chance.choice(CONDITIONS)
    if kind == "Update":
        expressions["UpdateExpression"] = chance.choice(UPDATES)
    request: dict[str, Any] = {"TableName": STOCK, **expressions}
    if kind == "Put":
        request["Item"] = {**key, "quantity": VALUES[":units"], "version": VALUES[":version"]}
    else:
        request["Key"] = key
    if values := values_in(*expressions.values()):
        request["ExpressionAttributeValues"] = values
    if chance.random() < 0.5:
        request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    return {kind: request}


def answered(client: Any, operation: str, request: dict[str, Any]) -> Any:
    """What a caller sees of an answer."""
    try:
        answer = getattr(client, operation)(**request)
    except ClientError as error:
        reasons: Any = error.response.get("CancellationReasons", [])
        told = [(reason["Code"], plain(reason.get("Item"))) for reason in reasons]
        return error.response["Error"]["Code"], told
    return [plain(item) for item in answer.get("Items", [])], plain(answer.get("Item"))


def plain(item: Any) -> Any:
    """An item whose sets are in order."""
    if item is None:
        return None
    return {
        name: {kind: sorted(value) if kind == "SS" else value for kind, value in typed.items()}
        for name, typed in sorted(item.items())
    }


def request_from(chance: random.Random) -> tuple[str, dict[str, Any]]:
    kind = chance.random()
    if kind < 0.6:
        return "transact_write_items", {"TransactItems": actions(chance, 3)}
    if kind < 0.75:
        ((name, request),) = actions(chance, 1)[0].items()
        request.pop("ReturnValuesOnConditionCheckFailure", None)
        operation = {"Put": "put_item", "Update": "update_item", "Delete": "delete_item"}.get(name)
        if operation:
            return operation, request
    if kind < 0.9:
        key = {"ingredient": text("ham"), "batch_id": text(chance.choice(SORT_KEYS))}
        return "get_item", {"TableName": STOCK, "Key": key, "ConsistentRead": True}
    return "query", {
        "TableName": STOCK,
        "KeyConditionExpression": "ingredient = :ham",
        "ExpressionAttributeValues": {":ham": text("ham")},
        "ConsistentRead": True,
    }


@pytest.mark.parametrize("seed", range(6))
def test_both_engines_give_the_same_answers(seed: int, local_cloud: EngineCloud) -> None:
    """Conditions, updates, cancellation reasons with their rows, refusals of what is malformed, and rows."""
    local_cloud.clear()
    small = ProcessCloud()
    small.dynamodb.page_rows = 1_000
    chance = random.Random(seed)  # noqa: S311 - a seed repeats a run
    for _ in range(REQUESTS):
        operation, request = request_from(chance)
        ours = answered(small.dynamodb, operation, request)
        assert ours == answered(local_cloud.dynamodb, operation, request), (operation, request)
    rows = {key: plain(row) for key, row in small.rows().items()}
    assert rows == {key: plain(row) for key, row in local_cloud.rows().items()}


def test_both_engines_read_rows_in_a_transaction_alike(local_cloud: EngineCloud) -> None:
    """TransactGetItems keeps the order of its keys and leaves absent rows empty."""
    local_cloud.clear()
    small = ProcessCloud()
    gets = [{"Get": {"TableName": TRANSACTIONS, "Key": {"transaction_id": text(name)}}} for name in "abc"]
    for client in (small.dynamodb, local_cloud.dynamodb):
        client.put_item(TableName=TRANSACTIONS, Item={"transaction_id": text("b")})
        answers = client.transact_get_items(TransactItems=gets)["Responses"]
        assert [answer.get("Item") for answer in answers] == [None, {"transaction_id": text("b")}, None]
