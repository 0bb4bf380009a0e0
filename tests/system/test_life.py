"""The life of a stack, as its operator sees it: what is kept, what is lost, and what is said before."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from stockctl.aws.stack_outputs import outputs_of
from stockctl.aws.target import Target
from stockctl.deployment.deploy import is_current, prepare
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
    """The options of a stack of the test's own, which is gone afterwards."""
    yield "--stack", "life", "--output", "json"
    embedded_cloud.stockctl("destroy", "--stack", "life", "--confirm", "life", "--delete-data")


def quantity(system: System, on_it: tuple[str, ...], ingredient: str) -> int:
    ended = system.stockctl("stock", ingredient, *on_it)
    assert ended.returncode == 0, ended.stderr
    return int(json.loads(ended.stdout)[0]["quantity"])


def test_data_outlives_its_stack_until_it_is_to_go(
    embedded_cloud: System, on_it: tuple[str, ...], tmp_path: Path
) -> None:
    """Deploy, deliver, destroy, deploy again: the stock is there, and moves on as before."""
    made = embedded_cloud.stockctl("deploy", *on_it)
    outputs = document(made)["outputs"]
    delivery = tmp_path / "delivery.csv"
    delivery.write_text("ham,10,2099-01-01\n")
    assert embedded_cloud.stockctl("ingest", str(delivery), *on_it).returncode == 0
    gone = embedded_cloud.stockctl("destroy", *on_it, "--confirm", "life")
    kept = [outputs[name] for name in ("StockTable", "TransactionTable", "DropBucket")]
    assert document(gone) == {"stack": "life", "status": "destroyed", "kept": kept}
    assert all(name in gone.stderr for name in kept)
    planned = document(embedded_cloud.stockctl("deploy", "--dry-run", *on_it))
    taken_in = {change["resource"] for change in planned["changes"] if change["action"] == "import"}
    assert taken_in == {"StockTable", "TransactionTable", "DropBucket"}
    assert document(embedded_cloud.stockctl("deploy", *on_it))["status"] == "created"
    assert quantity(embedded_cloud, on_it, "ham") == 10
    assert embedded_cloud.stockctl("use", "ham=3", *on_it).returncode == 0
    other = tmp_path / "other.csv"
    other.write_text("ham,5,2099-02-01\n")
    assert embedded_cloud.stockctl("ingest", str(other), *on_it).returncode == 0
    assert quantity(embedded_cloud, on_it, "ham") == 12


def test_tables_are_protected_from_being_deleted_by_hand(embedded_cloud: System) -> None:
    """Whoever means it has to switch that off first, as `destroy --delete-data` does."""
    dynamodb = embedded_cloud.clients.dynamodb
    for table in (embedded_cloud.deployment.stock_table, embedded_cloud.deployment.transaction_table):
        with pytest.raises(dynamodb.exceptions.ClientError, match="protect"):
            dynamodb.delete_table(TableName=table)


def test_all_data_goes_where_that_is_said_also_after_the_stack(embedded_cloud: System, on_it: tuple[str, ...]) -> None:
    """Every version of every object, both tables; and there is nothing left to take in."""
    outputs = document(embedded_cloud.stockctl("deploy", *on_it))["outputs"]
    for content in (b"one", b"two"):
        embedded_cloud.clients.s3.put_object(Bucket=outputs["DropBucket"], Key="note.txt", Body=content)
    assert embedded_cloud.stockctl("destroy", *on_it, "--confirm", "life").returncode == 0
    gone = embedded_cloud.stockctl("destroy", *on_it, "--confirm", "life", "--delete-data")
    assert document(gone) == {"stack": "life", "status": "destroyed", "kept": []}
    assert "2 object versions gone" in gone.stderr
    planned = document(embedded_cloud.stockctl("deploy", "--dry-run", *on_it))
    assert {change["action"] for change in planned["changes"]} == {"add"}


def test_a_dry_run_leaves_nothing_behind(embedded_cloud: System, on_it: tuple[str, ...]) -> None:
    """No stack, no change set; of one that is deployed, nothing changes."""
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
    """Continuous integration keeps it as text."""
    made = embedded_cloud.stockctl("deploy", *on_it)
    assert not CONTROL.search(made.stderr)
    told = [line for line in made.stderr.splitlines() if line.endswith("table StockTable")]
    assert [STAMPED.fullmatch(line) is not None for line in told] == [True, True]
    assert told[0].endswith("creating table StockTable")
    assert told[1].endswith("created table StockTable")


BROKEN = """
  Broken:
    Type: AWS::CloudWatch::Dashboard
    Properties:
      DashboardBody: ""
"""


def deploy_broken(system: System, monkeypatch: pytest.MonkeyPatch) -> StockctlError:
    """Deploys a template with a resource that cannot be made."""
    broken = template_text().replace("\nOutputs:", BROKEN + "\nOutputs:")
    with monkeypatch.context() as patched:
        patched.setattr("stockctl.deployment.template.template_text", lambda: broken)
        preparation = prepare(system.clients, Stack(system.clients, "life"), {"LogRetention": "7"})
        with pytest.raises(StockctlError) as raised:
            list(preparation.execute())
    return raised.value


def test_a_creation_that_fails_names_what_failed_and_the_next_one_clears_it_away(
    embedded_cloud: System, on_it: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tables of the first attempt, which are empty and were kept, are taken in by the second."""
    failed = deploy_broken(embedded_cloud, monkeypatch)
    assert failed.message.startswith("Broken (AWS::CloudWatch::Dashboard) failed")
    assert failed.hint
    assert document(embedded_cloud.stockctl("deploy", *on_it))["status"] == "created"


def test_an_update_that_fails_goes_back_to_what_was(
    embedded_cloud: System, on_it: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The change that came with it, here of a log group, is undone; the stack takes the next deployment."""
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
    """The emulator's change sets pass over outputs and conditions: without care it would be deployed for ever."""
    document(embedded_cloud.stockctl("deploy", *on_it))
    more = template_text() + "  More:\n    Value: news\n"
    monkeypatch.setattr("stockctl.deployment.template.template_text", lambda: more)
    stack = Stack(embedded_cloud.clients, "life")
    assert not is_current(stack)
    list(prepare(embedded_cloud.clients, stack, {}).execute())
    assert outputs_of(embedded_cloud.clients, Target("life"))["More"] == "news"
    assert is_current(stack)
