"""The template: found in a wheel and in a clone, within CloudFormation's limits, and least privilege throughout."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import decode

from stockctl.aws.clients import FUNCTION_CONFIG
from stockctl.deployment.bundle import modules
from stockctl.deployment.template import (
    PACKAGE,
    Kept,
    Location,
    kept,
    template_document,
    template_for,
    template_path,
    template_text,
)
from stockctl.domain.stock import COUNTERS
from stockctl.functions.wiring import PATIENCE

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    document, problems = decode(str(template_path()))
    assert not problems
    return dict(document["Resources"])


def of_type(resources: dict[str, Any], kind: str) -> dict[str, Any]:
    return {name: each["Properties"] for name, each in resources.items() if each["Type"] == kind}


def statements(role: dict[str, Any]) -> list[dict[str, Any]]:
    return [statement for policy in role["Policies"] for statement in policy["PolicyDocument"]["Statement"]]


def test_functions_behind_the_api_answer_before_anybody_gives_up_on_them(resources: dict[str, Any]) -> None:
    """The last attempt begins just before the deadline, and none of its calls is answered; the gateway waits 30 s."""
    config: Any = FUNCTION_CONFIG  # the stubs leave its settings out
    attempts = config.retries["total_max_attempts"]
    waits = sum(2**number for number in range(attempts - 1))  # the longest that botocore's standard mode makes
    last_attempt = attempts * (config.connect_timeout + config.read_timeout) + waits
    functions = of_type(resources, "AWS::Lambda::Function")
    for name in ("PostTransaction", "PostTransactions", "PostReturn", "GetStock"):
        assert PATIENCE.seconds + last_attempt < functions[name]["Timeout"] < 30


def test_a_clone_has_the_template_beside_the_package() -> None:
    """An editable install runs from the clone."""
    assert template_path() == ROOT / "infra" / "template.yaml"


def test_a_wheel_carries_the_template_where_it_is_looked_for(tmp_path: Path) -> None:
    """Built and unpacked: the file is where `template_path` looks first, and it is the same one."""
    pytest.importorskip("hatchling")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path)
    found = template_path(tmp_path / "stockctl")
    assert found == tmp_path / "stockctl" / "infra" / "template.yaml"
    assert found.read_text(encoding="utf-8") == template_text()


def test_what_is_kept_bears_a_literal_name_when_it_is_sent() -> None:
    """CloudFormation imports an existing resource only by a literal name."""
    place = Location("kitchen", "123456789012", "eu-west-1")
    tables = ("kitchen-stock", "kitchen-transactions", "kitchen-history")
    assert kept(place) == Kept(tables, ("kitchen-drop-123456789012-eu-west-1",))
    sent = template_for(place)
    for name in (*kept(place).tables, *kept(place).buckets):
        assert f'Name: "{name}"' in sent


def test_what_holds_data_is_kept_protected_and_encrypted(resources: dict[str, Any]) -> None:
    """Deleting the stack does not delete it."""
    for name in ("StockTable", "TransactionTable", "HistoryTable", "DropBucket"):
        assert (resources[name]["DeletionPolicy"], resources[name]["UpdateReplacePolicy"]) == ("Retain", "Retain")
    for table in of_type(resources, "AWS::DynamoDB::Table").values():
        assert table["DeletionProtectionEnabled"] is True


def test_every_way_to_lose_delay_or_refuse_work_has_an_alarm(resources: dict[str, Any]) -> None:
    """Errors behind the API, the age of what the others process, both failure queues and the API's own faults."""
    watched = {
        (alarm["MetricName"], str(alarm["Dimensions"][0]["Value"]))
        for alarm in of_type(resources, "AWS::CloudWatch::Alarm").values()
    }
    for integration in of_type(resources, "AWS::ApiGatewayV2::Integration").values():
        assert ("Errors", str({"Ref": integration["IntegrationUri"]["Fn::GetAtt"][0]})) in watched
    for mapping in of_type(resources, "AWS::Lambda::EventSourceMapping").values():
        assert ("IteratorAge", str(mapping["FunctionName"])) in watched
    assert {("AsyncEventAge", str({"Ref": "StockReceived"})), ("5xx", str({"Ref": "Api"}))} <= watched
    for queue in of_type(resources, "AWS::SQS::Queue"):
        assert ("ApproximateNumberOfMessagesVisible", str({"Fn::GetAtt": [queue, "QueueName"]})) in watched


def test_functions_get_the_environment_variables_that_the_code_reads_and_no_others(resources: dict[str, Any]) -> None:
    """A variable that no code reads is a needless dependency."""
    given = {
        name
        for function in of_type(resources, "AWS::Lambda::Function").values()
        for name in function["Environment"]["Variables"]
    }
    code = "".join(path.read_text(encoding="utf-8") for path in modules())
    read = set(re.findall(r'environ(?:\.get\(|\[)"(\w+)"', code))
    assert given == {name for name in read if not name.startswith("AWS_")}


def test_the_dashboard_is_valid_json_once_its_names_are_filled_in(resources: dict[str, Any]) -> None:
    """CloudWatch would refuse anything else, half-way through a deployment."""
    body = resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    widgets = json.loads(body)["widgets"]
    assert {widget["type"] for widget in widgets} == {"text", "log", "metric"}
    shown = {metric[1] for widget in widgets for metric in widget["properties"].get("metrics", [])}
    assert {"Accepted", "Refused", "RowsRejected", "Lag"} <= shown
    assert {f"Units{name.capitalize()}" for name in COUNTERS} <= shown


def test_the_template_as_data_is_what_cfn_lint_reads() -> None:
    """Short tags in their long form, nested ones included."""
    document, _ = decode(str(template_path()))
    assert json.loads(json.dumps(template_document())) == json.loads(json.dumps(document))


def test_no_role_has_a_wildcard_action_or_a_bare_wildcard_resource(resources: dict[str, Any]) -> None:
    """Each statement names what may be done, and on what."""
    for role in of_type(resources, "AWS::IAM::Role").values():
        for statement in statements(role):
            assert not [action for action in statement["Action"] if "*" in action]
            assert statement["Resource"] != "*"


def test_every_function_has_a_role_and_a_log_group_of_its_own(resources: dict[str, Any]) -> None:
    """A permission that one function needs is not lent to another."""
    functions = of_type(resources, "AWS::Lambda::Function")
    assert {str(each["Role"]) for each in functions.values()} == {
        str({"Fn::GetAtt": [f"{name}Role", "Arn"]}) for name in functions
    }
    assert [each["LoggingConfig"]["LogGroup"] for each in functions.values()] == [
        {"Ref": f"{name}Log"} for name in functions
    ]


def test_every_handler_in_the_template_is_a_module_of_the_package(resources: dict[str, Any]) -> None:
    """Otherwise a typing error would show only with the first event."""
    for function in of_type(resources, "AWS::Lambda::Function").values():
        path, _, name = function["Handler"].rpartition(".")
        assert name == "handler"
        assert (PACKAGE.parent / path.replace(".", "/")).with_suffix(".py").is_file()


def test_every_object_in_the_drop_bucket_is_a_delivery(resources: dict[str, Any]) -> None:
    """A filter by suffix would leave what is dropped under another name without an answer."""
    (configuration,) = resources["DropBucket"]["Properties"]["NotificationConfiguration"]["LambdaConfigurations"]
    assert "Filter" not in configuration


def test_logs_do_not_live_for_ever(resources: dict[str, Any]) -> None:
    """Every log group takes the parameter."""
    groups = of_type(resources, "AWS::Logs::LogGroup")
    assert all(group["RetentionInDays"] == {"Ref": "LogRetention"} for group in groups.values())


def test_the_drop_bucket_is_private_encrypted_and_speaks_tls_only(resources: dict[str, Any]) -> None:
    """The embedded cloud, which has no TLS, is the only one that goes without the policy."""
    bucket = resources["DropBucket"]["Properties"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    (statement,) = resources["DropBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert len(statement["Resource"]) == 2
