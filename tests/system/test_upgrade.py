"""A stack of the previous release, with stock and orders in it, is updated in place by the product's own deployment.

`previous_release.zip` holds the template of commit b3bad9c and the modules that its functions import: the zip that
`stockctl.aws.bundle.bundle()` made there, and `infra/template.yaml` added as `template.yaml`.
"""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from stockctl.client.api import StockApi
from stockctl.client.deployment import Deployment
from stockctl.deployment.artifacts import Artifact
from stockctl.deployment.deploy import prepare
from stockctl.deployment.stack import Stack
from stockctl.domain.delivery import delivery_key
from stockctl.domain.errors import ExitCode
from stockctl.domain.receipt import Receipt
from stockctl.domain.stock import Holding
from stockctl.operations.drop_bucket import DropBucket
from stockctl.operations.rows import batch_key, level_key, number
from stockctl.operations.stock_table import StockTable
from tests.service import soon
from tests.system.test_kitchen import eventually

if TYPE_CHECKING:
    import subprocess

    from tests.system.conftest import System

pytestmark = pytest.mark.ci
PREVIOUS = Path(__file__).with_name("previous_release.zip")
STACK = "upgraded"
FILE, FISH = "monday.csv", "fish.csv"
SOON, LATER = "2098-12-31", "2099-12-31"
SECONDS = 15
"""How long the milk is good: an order of it must be accepted before, even on a busy machine."""
INGREDIENTS = ("ham", "egg", "milk", "fish", "basil")
CHARGED = {"first": {"ham": 4, "egg": 1}, "second": {"milk": 4, "basil": 12}}
BATCH = {"third": {"egg": 2}, "fourth": {"egg": 3}}
PENDING = {"fifth": {"ham": 9}, "sixth": {"fish": 3}}


@dataclass(frozen=True)
class Delivery:
    """A file of the previous release's; its key is the one that both releases give it."""

    content: str

    @classmethod
    def made(cls) -> Delivery:
        """A file that is new at every run: some of its milk expires soon."""
        rows = [f"{name},10,{SOON}\n{name},20,{LATER}\n" for name in ("ham", "basil")]
        return cls("".join(rows) + f"egg,50,{LATER}\nmilk,5,{LATER}\nmilk,10,{soon(SECONDS)}\n")

    @property
    def key(self) -> str:
        return delivery_key(FILE, hashlib.sha256(self.content.encode()).hexdigest())

    def receipt(self, system: System) -> Receipt | None:
        """The receipt, once there is one."""
        return DropBucket(system.clients.s3, system.deployment.drop_bucket).receipt(self.key)


@dataclass(frozen=True)
class Upgraded:
    """The stack, receipt and holdings before the update, and the result of the update."""

    system: System
    api: StockApi
    delivery: Delivery
    receipt: Receipt | None
    before: dict[str, Holding]
    update: subprocess.CompletedProcess[str]

    def stockctl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.system.stockctl(*arguments, "--stack", STACK)

    def document(self, *arguments: str) -> Any:
        """What a command prints as JSON."""
        ended = self.stockctl(*arguments, "--output", "json")
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)

    def holding(self, ingredient: str) -> Holding:
        return holding_of(self.system, ingredient)


def holding_of(system: System, ingredient: str) -> Holding:
    holding = StockTable(system.clients.dynamodb, system.deployment.stock_table).read(ingredient)
    assert holding is not None
    return holding


def left(holding: Holding) -> list[int]:
    """What is left of each batch, soonest best-before first."""
    return [batch.quantity for batch in holding.counted]


def deploy_previous(system: System) -> System:
    """The stack as the previous release deploys it."""
    code = Artifact.of("bundles", PREVIOUS.read_bytes(), "zip")
    with zipfile.ZipFile(PREVIOUS) as archive, pytest.MonkeyPatch.context() as patched:
        template = archive.read("template.yaml").decode()
        patched.setattr("stockctl.deployment.template.template_text", lambda: template)
        patched.setattr("stockctl.deployment.deploy.bundle", lambda: code)
        list(prepare(system.clients, Stack(system.clients, STACK), {}).execute())
    target = replace(system.target, stack=STACK)
    return replace(system, target=target, deployment=Deployment.of(system.clients, target))


def expire(system: System, ingredient: str) -> None:
    """Makes the batch that expires first due, and waits until time to live has removed it."""
    dynamodb, table = system.clients.dynamodb, system.deployment.stock_table
    batch = holding_of(system, ingredient).counted[0]
    for key, name in ((level_key(ingredient), "next_expiry"), (batch_key(ingredient, batch.batch_id), "expires_at")):
        values = {":past": number(1)}
        dynamodb.update_item(
            TableName=table, Key=key, UpdateExpression=f"SET {name} = :past", ExpressionAttributeValues=values
        )
    assert eventually(lambda: batch.batch_id not in {one.batch_id for one in holding_of(system, ingredient).batches})


def set_streams(system: System, *, enabled: bool) -> None:
    """Switches on or off what charges usage and writes off what has expired."""
    functions = (system.deployment.stock_updated_function, system.deployment.stock_expired_function)
    for function in functions:
        client = system.clients.lambda_
        for mapping in client.list_event_source_mappings(FunctionName=function)["EventSourceMappings"]:
            client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=enabled)


def batch_of(uses: dict[str, dict[str, int]]) -> list[dict[str, Any]]:
    """Transactions as `POST /transactions/batch` takes them."""
    return [
        {"transactionId": name, "items": [{"typeId": one, "quantity": units} for one, units in items.items()]}
        for name, items in uses.items()
    ]


def fill(system: System, api: StockApi, delivery: Delivery) -> None:
    """Stock, orders that are charged, a batch that is written off; then orders and an expired batch that wait."""
    bucket = DropBucket(system.clients.s3, system.deployment.drop_bucket)
    bucket.drop(delivery.key, delivery.content.encode())
    bucket.drop(FISH, f"fish,10,{SOON}\nfish,20,{LATER}\n".encode())
    assert eventually(lambda: all(bucket.receipt(key) for key in (delivery.key, FISH)))
    answers = [*(api.use(name, items) for name, items in CHARGED.items()), *api.use_batch(batch_of(BATCH))]
    assert [answer.status_code for answer in answers] == [201] * 4
    for ingredient, charged in {"ham": [6, 20], "egg": [44], "basil": [0, 18]}.items():
        assert eventually(lambda name=ingredient, wanted=charged: left(holding_of(system, name)) == wanted)  # type: ignore[misc]
    assert eventually(lambda: holding_of(system, "milk").level.expired == 6)
    set_streams(system, enabled=False)
    assert [api.use(name, items).status_code for name, items in PENDING.items()] == [201] * 2
    expire(system, "fish")


@pytest.fixture(scope="module")
def upgraded(embedded_cloud: System) -> Upgraded:
    """Deploys the previous release, fills it, and updates it with `stockctl deploy`."""
    system = deploy_previous(embedded_cloud)
    api = StockApi(system.clients.session, system.deployment.api_url)
    delivery = Delivery.made()
    fill(system, api, delivery)
    receipt = delivery.receipt(system)
    before = {name: holding_of(system, name) for name in INGREDIENTS}
    update = system.stockctl("deploy", "--stack", STACK, "--output", "json")
    assert update.returncode == 0, update.stderr
    updated = replace(system, deployment=Deployment.of(system.clients, system.target))
    set_streams(updated, enabled=True)
    return Upgraded(updated, api, delivery, receipt, before, update)


def test_the_update_keeps_every_table_and_bucket_and_adds_the_history(upgraded: Upgraded) -> None:
    """No question is asked, because nothing would be lost."""
    assert json.loads(upgraded.update.stdout)["status"] == "updated"
    assert "created table HistoryTable" in upgraded.update.stderr
    assert not re.search(
        "(deleted|replaced|created) .*(StockTable|TransactionTable|DropBucket)$", upgraded.update.stderr, re.MULTILINE
    )
    assert upgraded.system.deployment.history_table
    assert upgraded.stockctl("deploy", "--output", "json").stdout == upgraded.update.stdout.replace(
        '"updated"', '"unchanged"'
    )


def test_usage_and_expiry_that_waited_are_booked_by_the_new_release(upgraded: Upgraded) -> None:
    """Orders that the previous release accepted are charged; what remained of an expired batch is written off."""
    assert [upgraded.before[name].drift for name in ("ham", "fish")] == [9, -7]
    assert eventually(lambda: left(upgraded.holding("ham")) == [0, 17])
    assert eventually(lambda: upgraded.holding("fish").level.expired == 7)
    assert left(upgraded.holding("fish")) == [20]
    charges = upgraded.document("history", "ham", "--charges")
    assert [(one["best_before"], one["units"], one["through"]) for one in charges] == [(SOON, 6, 10), (LATER, 3, 13)]


def test_levels_and_batches_add_up_after_the_update(upgraded: Upgraded) -> None:
    """Only what waited has moved, and `reconcile --check` finds no drift."""
    assert eventually(lambda: upgraded.stockctl("reconcile", "--check").returncode == 0)
    levels = {level["ingredient"]: level for level in upgraded.document("stock")}
    for name, before in upgraded.before.items():
        level = levels[name]
        assert level["received"] == before.level.received
        assert level["used"] >= before.level.used
        accounted = level["quantity"] + level["used"] + level["expired"] + level["discarded"]
        assert level["received"] + level["returned"] == accounted
        assert upgraded.holding(name).is_consistent
    assert (levels["milk"]["quantity"], levels["milk"]["expired"]) == (5, 6)


def test_orders_of_the_previous_release_are_replayed(upgraded: Upgraded) -> None:
    """Single ones, members of a batch, and those whose usage was pending; with other items the id is refused."""
    for name, items in {**CHARGED, **BATCH, **PENDING}.items():
        answer = upgraded.api.use(name, items)
        assert (answer.status_code, answer.body["replayed"]) == (200, True)
    again = upgraded.api.use_batch(batch_of(BATCH))
    assert [(answer.status_code, answer.body["replayed"]) for answer in again] == [(200, True)] * 2
    assert upgraded.api.use("third", {"egg": 1}).status_code == 422
    assert upgraded.holding("egg").level.used == 6


def test_a_delivery_of_the_previous_release_is_not_recorded_twice(upgraded: Upgraded, tmp_path: Path) -> None:
    """The file sent again is a duplicate. Its event, when it comes again, changes neither stock nor receipt."""
    system = upgraded.system
    path = tmp_path / FILE
    path.write_text(upgraded.delivery.content)
    assert [one["status"] for one in upgraded.document("ingest", str(path))] == ["duplicate"]
    again = {"s3": {"bucket": {"name": system.deployment.drop_bucket}, "object": {"key": upgraded.delivery.key}}}
    answer = system.clients.patient_lambda.invoke(
        FunctionName=system.deployment.stock_received_function, Payload=json.dumps({"Records": [again]})
    )
    assert "FunctionError" not in answer
    assert upgraded.delivery.receipt(system) == upgraded.receipt
    received = {name: upgraded.holding(name).level.received for name in INGREDIENTS}
    assert received == {name: before.level.received for name, before in upgraded.before.items()}


@pytest.mark.parametrize("order", ["first", "third", "fifth"])
def test_an_order_of_the_previous_release_is_not_in_history_and_cannot_be_returned(
    upgraded: Upgraded, order: str
) -> None:
    """It says so, and changes nothing."""
    shown = upgraded.document("show", order)
    items = {**CHARGED, **BATCH, **PENDING}[order]
    assert {one["ingredient"]: (one["units"], one["status"]) for one in shown["batches"]} == {
        name: (units, "not in history") for name, units in items.items()
    }
    refused = upgraded.stockctl("return", order)
    assert refused.returncode == ExitCode.REFUSED
    assert f"history does not have the batches of {order}; nothing was returned" in refused.stderr
    assert all(upgraded.holding(name).level.returned == 0 for name in items)


def test_new_orders_are_in_history_from_the_first_on(upgraded: Upgraded) -> None:
    """A use across batches is shown by exact units and returned with its best-before; a discard counts; all adds up."""
    assert upgraded.stockctl("use", "basil=5", "--id", "new").returncode == 0
    assert eventually(lambda: statuses(upgraded, "new") == [(LATER, 5, "charged")])
    assert upgraded.stockctl("discard", "basil=2", "--id", "spoiled", "--reason", "spoiled").returncode == 0
    assert upgraded.stockctl("return", "new", "basil=3", "--id", "back").returncode == 0
    assert statuses(upgraded, "back") == [(LATER, 3, "returned")]
    assert eventually(lambda: upgraded.document("history", "basil")[-1]["cause"] == "return back")
    changes = upgraded.document("history", "basil")
    assert [(one["cause"], one["change"]) for one in changes] == [
        ("use new", None),
        ("discard spoiled", -2),
        ("return back", 3),
    ]
    level = upgraded.document("stock", "basil")[0]
    counters = {name: level[name] for name in ("quantity", "received", "used", "expired", "discarded", "returned")}
    assert counters == {"quantity": 14, "received": 30, "used": 17, "expired": 0, "discarded": 2, "returned": 3}
    holding = upgraded.holding("basil")
    assert holding.level.next_expiry == holding.soonest_expiry


def statuses(upgraded: Upgraded, name: str) -> list[tuple[str, int, str]]:
    return [(one["best_before"], one["units"], one["status"]) for one in upgraded.document("show", name)["batches"]]


def test_status_finds_the_updated_stack_healthy(upgraded: Upgraded) -> None:
    """Nothing failed on the way."""
    assert eventually(lambda: upgraded.stockctl("status").returncode == 0)


def test_a_recall_of_an_old_delivery_counts_the_units_it_cannot_trace(upgraded: Upgraded) -> None:
    """They went into orders of the previous release: a recall must not seem to list all orders that were served."""
    assert eventually(lambda: left(upgraded.holding("ham")) == [0, 17])
    result = upgraded.document("recall", upgraded.delivery.key, "--dry-run")
    assert result["untraced"] == 4 + 9 + 6 + 12  # of ham, charged before and after the update; of egg; of basil
    assert {one["transaction_id"] for one in result["transactions"]} <= {"new"}
