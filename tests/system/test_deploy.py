"""Deploying as a user does: a new stack, no change, a change, and removal."""

from __future__ import annotations

import io
import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from stockctl.aws.target import Target
from stockctl.cli.rollout import ensure_running
from stockctl.client.deployment import Deployment
from stockctl.deployment.artifacts import Artifact
from stockctl.deployment.bundle import bundle
from stockctl.domain.errors import ExitCode, StockctlError
from stockctl.terminal.environment import Environment

if TYPE_CHECKING:
    import subprocess

    from tests.system.conftest import System

OUTPUTS = {
    "StockTable",
    "TransactionTable",
    "HistoryTable",
    "HistoryDays",
    "DropBucket",
    "LevelStream",
    "ApiId",
    "ApiUrl",
    "ReceiveFailureQueue",
    "StreamFailureQueue",
    "StockReceivedFunction",
    "StockExpiredFunction",
    "StockUpdatedFunction",
    "PostTransactionFunction",
    "PostTransactionsFunction",
    "PostReturnFunction",
    "GetStockFunction",
    "TimeZone",
    "DateOrder",
}


def document(ended: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert ended.returncode == 0, ended.stderr
    return dict(json.loads(ended.stdout))


def test_a_deploy_without_changes_is_reported_as_unchanged(embedded_cloud: System) -> None:
    """It succeeds, with the same document."""
    ended = embedded_cloud.stockctl("deploy", "--output", "json")
    assert document(ended)["status"] == "unchanged"
    assert "nothing to change" in ended.stderr
    assert set(document(ended)["outputs"]) == OUTPUTS


def test_a_stack_is_created_updated_and_destroyed(embedded_cloud: System) -> None:
    """A second stack beside the first. A parameter that was set once is kept."""
    on_it = ("--stack", "second", "--output", "json")
    made = embedded_cloud.stockctl("deploy", *on_it)
    assert document(made)["status"] == "created"
    assert "StockTable" in made.stderr
    planned = embedded_cloud.stockctl("deploy", *on_it, "--parameter", "TimeZone=Europe/London", "--dry-run")
    assert [change["resource"] for change in document(planned)["changes"]] == ["StockReceived"]
    moved = embedded_cloud.stockctl("deploy", *on_it, "--parameter", "TimeZone=Europe/London")
    assert "function StockReceived" in moved.stderr
    assert "StockTable" not in moved.stderr  # the emulator updates it, too; nothing about it changes
    changed = embedded_cloud.stockctl("deploy", *on_it, "--parameter", "FunctionMemory=1024")
    assert document(changed)["status"] == "updated"
    function = document(changed)["outputs"]["GetStockFunction"]
    assert embedded_cloud.clients.lambda_.get_function_configuration(FunctionName=function)["MemorySize"] == 1024
    assert document(embedded_cloud.stockctl("deploy", *on_it))["status"] == "unchanged"
    bucket = document(made)["outputs"]["DropBucket"]
    for content in (b"one", b"two"):  # a bucket is empty only without both versions
        embedded_cloud.clients.s3.put_object(Bucket=bucket, Key="note.txt", Body=content)
    gone = embedded_cloud.stockctl("destroy", *on_it, "--confirm", "second", "--delete-data")
    assert document(gone) == {"stack": "second", "status": "destroyed", "kept": []}
    with pytest.raises(ClientError):
        embedded_cloud.clients.s3.head_bucket(Bucket=bucket)
    again = embedded_cloud.stockctl("destroy", *on_it, "--confirm", "second")
    assert (again.returncode, again.stdout) == (ExitCode.FAILED, "")
    assert "there is no stack second" in again.stderr


def test_a_stack_is_not_destroyed_without_confirmation_of_its_name(embedded_cloud: System) -> None:
    """Its stock would be lost."""
    for said in ((), ("--confirm", "other")):
        ended = embedded_cloud.stockctl("destroy", *said)
        assert ended.returncode == 2
        assert "--confirm stockctl" in ended.stderr
    assert Deployment.of(embedded_cloud.clients, embedded_cloud.target) == embedded_cloud.deployment


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--parameter", "Shard=2"), "Shards"),
        (("--parameter", "Shards"), "NAME=VALUE"),
        (("--parameter", "CodeKey=x"), "CodeKey"),
        (("--stack", "Kitchen"), "lower-case"),
    ],
)
def test_invalid_arguments_of_deploy_are_usage_errors(
    embedded_cloud: System, arguments: tuple[str, ...], said: str
) -> None:
    """The message says what is valid; nothing changes."""
    ended = embedded_cloud.stockctl("deploy", *arguments)
    assert ended.returncode == 2
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_value_that_the_template_refuses_is_an_error_without_a_traceback(embedded_cloud: System) -> None:
    """Refused before anything is sent, with the allowed values."""
    ended = embedded_cloud.stockctl("deploy", "--parameter", "ApiAuthorization=SOMETIMES")
    assert ended.returncode == ExitCode.USAGE
    assert "ApiAuthorization" in ended.stderr
    assert "hint:" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_command_brings_the_embedded_cloud_up_to_date_with_the_code(
    embedded_cloud: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an upgrade of stockctl, the next command deploys the new code."""
    variables, function = embedded_cloud.variables, embedded_cloud.deployment.get_stock_function
    said = io.StringIO()

    def code() -> str:
        ensure_running("stockctl", Environment(variables=variables, stderr=said))
        return embedded_cloud.clients.lambda_.get_function_configuration(FunctionName=function)["CodeSha256"]

    before = code()
    assert said.getvalue() == ""
    monkeypatch.setattr("stockctl.deployment.deploy.bundle", lambda: Artifact(bundle().content, "bundles/other.zip"))
    code()
    assert "deploying stack stockctl" in said.getvalue()
    monkeypatch.undo()
    assert code() == before


def test_a_stack_that_does_not_exist_points_to_deploy(embedded_cloud: System) -> None:
    """The hint of every other command when nothing is deployed."""
    absent = Target("absent", local=True, endpoint_url=embedded_cloud.target.endpoint_url)
    with pytest.raises(StockctlError, match="absent") as raised:
        Deployment.of(embedded_cloud.clients, absent)
    assert "stockctl deploy" in str(raised.value.hint)


def test_an_unsigned_request_is_forbidden(embedded_cloud: System) -> None:
    """The API requires IAM signatures by default."""
    for path, body in (("/stock", None), ("/stock/ham", None), ("/transactions", b"{}")):
        with pytest.raises(urllib.error.HTTPError) as raised:
            urllib.request.urlopen(embedded_cloud.deployment.api_url + path, body, timeout=10)  # noqa: S310
        assert raised.value.code == 403


def test_nothing_listens_on_any_address_but_loopback(embedded_cloud: System) -> None:
    """Neither the emulator nor what it starts."""
    if not Path("/proc/net/tcp").exists():
        pytest.skip("this system does not list its sockets there")
    status = json.loads(embedded_cloud.stockctl("local", "status", "--output", "json").stdout)
    addresses = listening(family(status["pid"]))
    assert addresses
    assert addresses <= {"0100007F", "00000000000000000000000001000000"}


def family(pid: int) -> set[int]:
    """A process and all it has started, however far down."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(entry.parent.name)] = int(entry.read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has ended meanwhile
            continue
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def listening(pids: set[int]) -> set[str]:
    """The addresses, as the kernel writes them, that these processes listen on."""
    sockets: set[str] = set()
    for pid in pids:
        for link in Path(f"/proc/{pid}/fd").glob("*"):
            try:
                sockets.add(str(link.readlink()))
            except OSError:
                continue
    rows = [
        row.split()
        for table in ("tcp", "tcp6")
        if (path := Path("/proc/net") / table).exists()
        for row in path.read_text().splitlines()[1:]
    ]
    return {row[1].split(":")[0] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in sockets}


def test_status_shows_the_endpoint_and_the_state(embedded_cloud: System) -> None:
    """One JSON document."""
    status = document(embedded_cloud.stockctl("local", "status", "--output", "json"))
    assert status["running"] is True
    assert status["endpoint"] == embedded_cloud.target.endpoint_url
    assert status["state"]["directory"] == embedded_cloud.variables["STOCKCTL_HOME"]
    assert "stockctl" in status["state"]["stacks"]
