"""`stockctl destroy` of a stack that is not there: it deletes nothing, and says so."""

from __future__ import annotations

import io
import json

import pytest

from stockctl.cli.main import run
from stockctl.deployment.kept_parameters import kept_parameters
from stockctl.domain.errors import ExitCode
from stockctl.terminal.environment import Environment
from tests.service import Service


def destroy(*words: str) -> tuple[int, str, str]:
    """The exit code and what was written."""
    stdout, stderr = io.StringIO(), io.StringIO()
    environment = Environment(stdin=io.StringIO(), stdout=stdout, stderr=stderr)
    code = run(["destroy", "--aws", "--stack", "nosuch", "--confirm", "nosuch", *words], environment)
    return code, stdout.getvalue(), stderr.getvalue()


def keep_a_table(service: Service) -> None:
    service.clients.dynamodb.create_table(
        TableName="nosuch-stock",
        KeySchema=[{"AttributeName": "a", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "a", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


@pytest.mark.usefixtures("service")
def test_destroying_a_stack_that_does_not_exist_fails() -> None:
    """It neither lists what it would delete, nor counts as done."""
    code, _, said = destroy()
    assert code == ExitCode.FAILED
    assert "there is no stack nosuch" in said
    assert "deletes stack" not in said


def test_data_of_an_earlier_stack_is_named_and_kept(service: Service) -> None:
    keep_a_table(service)
    code, _, said = destroy()
    assert code == ExitCode.FAILED
    assert "nosuch-stock of an earlier one" in said
    assert "--delete-data" in said
    assert service.clients.dynamodb.describe_table(TableName="nosuch-stock")


def test_data_of_an_earlier_stack_is_deleted_on_request(service: Service) -> None:
    keep_a_table(service)
    code, printed, _ = destroy("--delete-data", "-o", "json")
    assert (code, json.loads(printed)) == (ExitCode.DONE, {"stack": "nosuch", "status": "destroyed", "kept": []})
    assert "nosuch-stock" not in service.clients.dynamodb.list_tables()["TableNames"]


def test_a_parameter_that_cannot_be_kept_is_in_the_command_that_deploys_again(service: Service) -> None:
    """Tags hold no @. All other parameters come back with the data, so the command need not name them."""
    keep_a_table(service)
    template = {
        "Parameters": {name: {"Type": "String"} for name in ("TimeZone", "AlarmEmail", "HistoryDays", "CodeKey")},
        "Resources": {"Nothing": {"Type": "AWS::CloudFormation::WaitConditionHandle"}},
    }
    chosen = {"TimeZone": "Europe/London", "AlarmEmail": "a@example.com", "HistoryDays": "400", "CodeKey": "x"}
    service.clients.cloudformation.create_stack(
        StackName="nosuch",
        TemplateBody=json.dumps(template),
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in chosen.items()],
    )
    code, _, said = destroy()
    assert code == ExitCode.DONE, said
    assert "`stockctl deploy --stack nosuch -p AlarmEmail=a@example.com` imports it again, with the same" in said
    assert kept_parameters(service.clients, "nosuch") == {"TimeZone": "Europe/London"}
