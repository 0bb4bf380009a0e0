"""A stack from deployment to removal: what is kept, what is deleted, and what the operator sees."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from stockctl.aws.stack_outputs import outputs_of
from stockctl.aws.target import Target
from stockctl.deployment.deploy import current, prepare
from stockctl.deployment.stack import Stack
from stockctl.deployment.template import template_text
from stockctl.domain.errors import StockctlError

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from tests.system.conftest import System

STAMPED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ +\d+\.\d s  \S.*")
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f\x9b]")


def document(ended: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert ended.returncode == 0, ended.stderr
    return dict(json.loads(ended.stdout))


@pytest.fixture
def on_it(embedded_cloud: System) -> Iterator[tuple[str, ...]]:
    """Options for a stack of the test's own, deleted afterwards."""
    yield "--stack", "life", "--output", "json"
    embedded_cloud.stockctl("destroy", "--stack", "life", "--confirm", "life", "--delete-data")


def quantity(system: System, on_it: tuple[str, ...], ingredient: str) -> int:
    ended = system.stockctl("stock", ingredient, *on_it)
    assert ended.returncode == 0, ended.stderr
    return int(json.loads(ended.stdout)[0]["quantity"])


def test_data_outlives_its_stack(embedded_cloud: System, on_it: tuple[str, ...], tmp_path: Path) -> None:
    """Deploy, deliver, destroy, deploy again: the stock is still there and usable, and dates mean what they did."""
    made = embedded_cloud.stockctl("deploy", *on_it, "-p", "DateOrder=DMY")
    outputs = document(made)["outputs"]
    delivery = tmp_path / "delivery.csv"
    delivery.write_text("ham,10,01/02/2099\n")
    assert embedded_cloud.stockctl("ingest", str(delivery), *on_it).returncode == 0
    gone = embedded_cloud.stockctl("destroy", *on_it, "--confirm", "life")
    kept = [outputs[name] for name in ("StockTable", "TransactionTable", "HistoryTable", "DropBucket")]
    assert document(gone) == {"stack": "life", "status": "destroyed", "kept": kept}
    assert all(name in gone.stderr for name in kept)
    planned = document(embedded_cloud.stockctl("deploy", "--dry-run", *on_it))
    imported = {change["resource"] for change in planned["changes"] if change["action"] == "import"}
    assert imported == {"StockTable", "TransactionTable", "HistoryTable", "DropBucket"}
    again = embedded_cloud.stockctl("deploy", *on_it)
    assert document(again)["status"] == "created"
    assert "with the parameters that were kept with the data: DateOrder=DMY" in again.stderr
    assert quantity(embedded_cloud, on_it, "ham") == 10
    assert embedded_cloud.stockctl("use", "ham=3", *on_it).returncode == 0
    other = tmp_path / "other.csv"
    other.write_text("ham,5,01/02/2099\n")
    assert embedded_cloud.stockctl("ingest", str(other), *on_it).returncode == 0
    assert quantity(embedded_cloud, on_it, "ham") == 12
    batches = json.loads(embedded_cloud.stockctl("stock", "ham", "--batches", *on_it).stdout)
    assert {batch["best_before"][:10] for batch in batches} == {"2099-02-01"}


def test_tables_are_protected_from_being_deleted_by_hand(embedded_cloud: System) -> None:
    """Protection must be switched off first, as `destroy --delete-data` does."""
    dynamodb = embedded_cloud.clients.dynamodb
    for table in (embedded_cloud.deployment.stock_table, embedded_cloud.deployment.transaction_table):
        with pytest.raises(dynamodb.exceptions.ClientError, match="protect"):
            dynamodb.delete_table(TableName=table)


@pytest.mark.ci
def test_delete_data_also_deletes_what_an_earlier_destroy_kept(embedded_cloud: System, on_it: tuple[str, ...]) -> None:
    """Every object version and both tables go; the next deployment imports nothing."""
    outputs = document(embedded_cloud.stockctl("deploy", *on_it))["outputs"]
    for content in (b"one", b"two"):
        embedded_cloud.clients.s3.put_object(Bucket=outputs["DropBucket"], Key="note.txt", Body=content)
    assert embedded_cloud.stockctl("destroy", *on_it, "--confirm", "life").returncode == 0
    gone = embedded_cloud.stockctl("destroy", *on_it, "--confirm", "life", "--delete-data")
    assert document(gone) == {"stack": "life", "status": "destroyed", "kept": []}
    assert "object versions deleted" in gone.stderr
    planned = document(embedded_cloud.stockctl("deploy", "--dry-run", *on_it))
    assert {change["action"] for change in planned["changes"]} == {"add"}


def test_a_dry_run_leaves_nothing_behind(embedded_cloud: System, on_it: tuple[str, ...]) -> None:
    """No stack and no change set is left; a deployed stack does not change."""
    planned = document(embedded_cloud.stockctl("deploy", "--dry-run", *on_it))
    assert (planned["status"], planned["creates"]) == ("planned", True)
    found = embedded_cloud.clients.cloudformation.describe_stacks()["Stacks"]
    assert "life" not in {stack["StackName"] for stack in found if stack["StackStatus"] != "DELETE_COMPLETE"}
    changed = embedded_cloud.stockctl("deploy", "--dry-run", "-p", "FunctionMemory=1024", "--output", "json")
    functions = {change["resource"] for change in document(changed)["changes"]}
    assert "GetStock" in functions
    function = embedded_cloud.deployment.get_stock_function
    assert embedded_cloud.clients.lambda_.get_function_configuration(FunctionName=function)["MemorySize"] == 512
    sets = embedded_cloud.clients.cloudformation.list_change_sets(StackName="stockctl")["Summaries"]
    assert not [each for each in sets if each["ExecutionStatus"] == "AVAILABLE"]


def test_a_deploy_in_a_pipe_is_plain_lines_with_the_time(embedded_cloud: System, on_it: tuple[str, ...]) -> None:
    """Logs of continuous integration are plain text."""
    made = embedded_cloud.stockctl("deploy", *on_it)
    assert not CONTROL.search(made.stderr)
    shown = [line for line in made.stderr.splitlines() if line.endswith("table StockTable")]
    assert [STAMPED.fullmatch(line) is not None for line in shown] == [True, True]
    assert shown[0].endswith("creating table StockTable")
    assert shown[1].endswith("created table StockTable")


BROKEN = """
  Broken:
    Type: AWS::CloudWatch::Dashboard
    Properties:
      DashboardBody: ""
"""


def deploy_broken(system: System, monkeypatch: pytest.MonkeyPatch) -> StockctlError:
    """Deploys a template with a resource that cannot be created."""
    broken = template_text().replace("\nOutputs:", BROKEN + "\nOutputs:")
    with monkeypatch.context() as patched:
        patched.setattr("stockctl.deployment.template.template_text", lambda: broken)
        preparation = prepare(system.clients, Stack(system.clients, "life"), {"LogRetention": "7"})
        with pytest.raises(StockctlError) as raised:
            list(preparation.execute())
    return raised.value


def test_a_failed_creation_names_the_resource_and_the_next_deploy_succeeds(
    embedded_cloud: System, on_it: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second deployment imports the empty tables that the first one left."""
    failed = deploy_broken(embedded_cloud, monkeypatch)
    assert failed.message.startswith("Broken (AWS::CloudWatch::Dashboard) failed")
    assert failed.hint
    assert document(embedded_cloud.stockctl("deploy", *on_it))["status"] == "created"


@pytest.mark.ci
def test_a_failed_update_is_rolled_back(
    embedded_cloud: System, on_it: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log group changed by the same update is restored, and the next deployment succeeds."""
    outputs = document(embedded_cloud.stockctl("deploy", *on_it))["outputs"]
    failed = deploy_broken(embedded_cloud, monkeypatch)
    assert failed.message.startswith("Broken (AWS::CloudWatch::Dashboard) failed")
    (group,) = embedded_cloud.clients.logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/life-GetStock")[
        "logGroups"
    ]
    assert group["retentionInDays"] == 30
    again = document(embedded_cloud.stockctl("deploy", *on_it))
    assert again["outputs"] == outputs


def test_a_change_of_an_output_alone_is_deployed_once(
    embedded_cloud: System, on_it: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The emulator's change sets ignore outputs and conditions, so such a change could seem undeployed forever."""
    document(embedded_cloud.stockctl("deploy", *on_it))
    more = template_text() + "  More:\n    Value: news\n"
    monkeypatch.setattr("stockctl.deployment.template.template_text", lambda: more)
    stack = Stack(embedded_cloud.clients, "life")
    assert not current(stack)
    list(prepare(embedded_cloud.clients, stack, {}).execute())
    assert outputs_of(embedded_cloud.clients, Target("life"))["More"] == "news"
    assert current(stack)
