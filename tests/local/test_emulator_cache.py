"""The emulator cache changes how fast the emulator answers, and nothing else."""

from __future__ import annotations

import asyncio
import copy
import json
import random
from collections import defaultdict
from typing import Any

import pytest
from ministack.core import iam_actions
from ministack.services import dynamodb

from stockctl.local import emulator_cache
from stockctl.local.emulator import Replacement, replace

TABLE = {
    "TableName": "Stock",
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [
        {"AttributeName": name, "AttributeType": "S"} for name in ("ingredient", "batch_id", "row_type")
    ],
    "KeySchema": [
        {"AttributeName": "ingredient", "KeyType": "HASH"},
        {"AttributeName": "batch_id", "KeyType": "RANGE"},
    ],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "LevelIndex",
            "KeySchema": [{"AttributeName": "row_type", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }
    ],
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
}
VALUES: list[dict[str, Any]] = [
    {"N": "1"},
    {"N": "-3"},
    {"N": "1e3"},
    {"N": "many"},
    {"S": "ham"},
    {"S": ""},
    {"SS": ["a", "b"]},
    {"SS": []},
    {"L": [{"N": "1"}, {"M": {"deep": {"S": "x"}}}]},
    {"M": {"in": {"N": "2"}}},
    {"BOOL": True},
    {"NULL": True},
    {"B": "aGFt"},
]
CONDITIONS = [
    "attribute_not_exists(ingredient)",
    "attribute_exists(ingredient) AND #q >= :v",
    "(#q = :v OR NOT contains(batches, :w)) AND attribute_not_exists(#g)",
    "((#q = :v))",
    "quantity BETWEEN :v AND :w",
    "#q IN (:v, :w)",
    "size(batches) > :v",
    "begins_with(batch_id, :w)",
    "#q >= ",
    "status = :v",
    "#unknown = :v",
    "",
]
UPDATES = [
    "ADD #q :v, #g :w",
    "SET #q = :v, batches = :w",
    "SET #q = #q - :v REMOVE #g",
    "SET #q = if_not_exists(#q, :v) + :w",
    "ADD batches :w DELETE batches :v",
    "SET nested.deep[1] = :v",
    "SET #g = list_append(#g, :v)",
    "SET copied = batches ADD batches :w",
    "REMOVE nested.deep, list[0]",
    "SET row_type = :v",
    "SET quantity :v",
    "SET value = :v",
    "",
]
NAMES = {"#q": "quantity", "#g": "generation"}


def one_of(chance: random.Random, values: list[Any]) -> Any:
    return copy.deepcopy(chance.choice(values))


def random_action(chance: random.Random) -> dict[str, Any]:
    key = {"ingredient": {"S": chance.choice("abcd")}, "batch_id": {"S": chance.choice("xyz")}}
    if chance.random() < 0.02:
        key["batch_id"] = one_of(chance, VALUES)
    kind = chance.choice(("Put", "Update", "Update", "Update", "Delete", "ConditionCheck"))
    action: dict[str, Any] = {"TableName": "Stock" if chance.random() < 0.99 else "Other"}
    attributes = {name: one_of(chance, VALUES[:1] * 3 + VALUES) for name in ("quantity", "generation", "batches")}
    action |= {"Item": key | attributes} if kind == "Put" else {"Key": key}
    if kind == "Update":
        action["UpdateExpression"] = chance.choice(UPDATES[:4] * 3 + UPDATES)
    if kind == "ConditionCheck" or chance.random() < 0.5:
        action["ConditionExpression"] = chance.choice(CONDITIONS[:2] * 5 + CONDITIONS)
    text = action.get("UpdateExpression", "") + action.get("ConditionExpression", "")
    used = {name: attribute for name, attribute in NAMES.items() if name in text}
    values = {name: one_of(chance, VALUES[:1] * 12 + VALUES) for name in (":v", ":w") if name in text}
    action |= {"ExpressionAttributeNames": used} if used else {}
    action |= {"ExpressionAttributeValues": values} if values else {}
    action |= {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"} if chance.random() < 0.5 else {}
    return {kind: action}


def call(action: str, request: dict[str, Any]) -> tuple[int, Any]:
    headers = {"x-amz-target": f"DynamoDB_20120810.{action}"}
    body = json.dumps(request).encode()
    status, _, answer = asyncio.run(dynamodb.handle_request("POST", "/", headers, body, {}))
    return status, json.loads(answer)


def images() -> list[dict[str, Any]]:
    """The stream's records without what differs from run to run."""
    told_apart = {"ApproximateCreationDateTime", "SequenceNumber"}
    return [
        {"name": record["eventName"]} | {k: v for k, v in record["dynamodb"].items() if k not in told_apart}
        for record in dynamodb.stream_live_records("Stock")
    ]


def run(seed: int, transactions: int) -> tuple[list[tuple[int, Any]], Any, Any]:
    """The answers to a sequence of random transactions, then the rows, then the stream's images."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    dynamodb.reset()
    call("CreateTable", TABLE)
    answers = []
    for _ in range(transactions):
        members = [random_action(chance) for _ in range(chance.choice((1, 1, 2, 3)))]
        request = {"TransactItems": members, "ReturnConsumedCapacity": chance.choice(("NONE", "TOTAL", "INDEXES"))}
        answers.append(call("TransactWriteItems", request))
    rows = call("Scan", {"TableName": "Stock"}), call("Scan", {"TableName": "Stock", "IndexName": "LevelIndex"})
    found = images()
    dynamodb.reset()
    return answers, rows, found


@pytest.fixture
def patched(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Whatever a test replaces in the emulator is put back after it."""
    for replacement in emulator_cache.REPLACEMENTS:
        module = iam_actions if replacement.module.endswith("iam_actions") else dynamodb
        monkeypatch.setattr(module, replacement.name, getattr(module, replacement.name))
    monkeypatch.setattr(dynamodb, "copy", copy)
    return monkeypatch


@pytest.mark.usefixtures("patched")
def test_the_installed_release_fits() -> None:
    """A new release of the emulator is taken on purpose: each replacement is compared with what it replaces."""
    assert emulator_cache.apply() == []
    assert dynamodb.copy.deepcopy is emulator_cache.plain_copy


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.usefixtures("patched")
def test_answers_rows_and_stream_are_the_same(seed: int) -> None:
    """On thousands of random transactions, good and bad."""
    plain = run(seed, 1_000)
    emulator_cache.apply()
    cached = run(seed, 1_000)
    statuses = [status for status, _ in plain[0]]
    assert 100 < statuses.count(200) < 900
    assert cached == plain


@pytest.mark.usefixtures("patched")
def test_permission_is_checked_once_for_each_action_and_table() -> None:
    """In the order in which they first appear: the first refusal names the same action."""
    members: list[dict[str, Any]] = [{"Update": {"TableName": "A"}}, {"Put": {"TableName": "B"}}] * 50
    arguments = ("dynamodb:TransactWriteItems", json.dumps({"TransactItems": members}).encode(), "us-east-1", "1")
    plain = iam_actions.dynamodb_transaction_checks(*arguments)
    emulator_cache.apply()
    assert len(plain) == 100
    assert iam_actions.dynamodb_transaction_checks(*arguments) == plain[:2]


def test_a_copy_shares_nothing_with_its_original() -> None:
    """Down to the last list; what is not a plain tree is copied by the standard library."""
    original: dict[str, Any] = {"a": [{"b": [1, "x", None]}], "c": defaultdict(dict, d={"e": [2]}), "f": {3}}
    copied = emulator_cache.plain_copy(original)
    assert copied == original
    assert type(copied["c"]) is defaultdict
    copied["a"][0]["b"].append(4)
    copied["c"]["d"]["e"].append(4)
    copied["c"]["new"]["g"] = 1
    copied["f"].add(4)
    assert original == {"a": [{"b": [1, "x", None]}], "c": {"d": {"e": [2]}}, "f": {3}}


@pytest.mark.usefixtures("patched")
def test_a_list_of_tokens_belongs_to_its_caller() -> None:
    """The cache hands out a new one each time."""
    emulator_cache.apply()
    dynamodb._tokenize("a = :b").clear()
    assert dynamodb._tokenize("a = :b")


@pytest.mark.parametrize(
    ("module", "name", "parameters"),
    [
        ("ministack.services.dynamodb", "_tokenise", ("expr",)),
        ("ministack.services.dynamodb", "_tokenize", ("expr", "slot")),
        ("ministack.services.dynamo", "_tokenize", ("expr",)),
    ],
)
def test_what_does_not_fit_is_left_alone_and_logged(
    caplog: pytest.LogCaptureFixture, module: str, name: str, parameters: tuple[str, ...]
) -> None:
    """Another release keeps its own functions."""
    original = dynamodb._tokenize
    other = Replacement(module, name, parameters, lambda _: print)
    assert replace([other]) == [other]
    assert dynamodb._tokenize is original
    assert name in caplog.text
