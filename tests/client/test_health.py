"""The health checks of a stack: each part on its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from stockctl.client.deployment import Deployment
from stockctl.client.health import Health, looked_at
from stockctl.domain.findings import Finding
from stockctl.operations.rows import level_key
from tests.service import STACK, STOCK, Service

Look = Callable[[], dict[str, Finding]]


@pytest.fixture
def meanwhile() -> list[Callable[[], object]]:
    """What happens while usage waits to be charged."""
    return []


@pytest.fixture
def look(service: Service, meanwhile: list[Callable[[], object]]) -> Look:
    """Findings on a stack that has only tables and a queue."""
    names = dict.fromkeys(Deployment.__dataclass_fields__, "gone") | {
        "stock_table": STOCK,
        "receive_failure_queue": service.clients.sqs.create_queue(QueueName="received")["QueueUrl"],
        "stream_failure_queue": "https://sqs.eu-west-1.amazonaws.com/123456789012/gone",
    }

    def sleep(_seconds: float) -> None:
        for happen in meanwhile:
            happen()

    return lambda: {
        finding.what: finding for finding in Health(service.clients, STACK, Deployment(**names), sleep).findings()
    }


def test_a_missing_resource_is_a_finding(look: Look) -> None:
    found = look()
    assert not found["StockUpdated"].is_ok
    assert not found["StreamFailureQueue"].is_ok
    assert found["ReceiveFailureQueue"].is_ok
    assert found["drift"].is_ok


def test_only_alarms_of_this_very_stack_count(look: Look, service: Service) -> None:
    """Another stack's name may have the same prefix."""
    cloudwatch = service.clients.cloudwatch
    for name in (f"{STACK}-Errors", f"{STACK}-too-Errors"):
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            AlarmDescription="mend it",
            Namespace="AWS/Lambda",
            MetricName="Errors",
            EvaluationPeriods=1,
            ComparisonOperator="GreaterThanThreshold",
        )
    cloudwatch.set_alarm_state(AlarmName=f"{STACK}-too-Errors", StateValue="ALARM", StateReason="it is so")
    assert look()["alarms"].found == "1, none in alarm"
    cloudwatch.set_alarm_state(AlarmName=f"{STACK}-Errors", StateValue="ALARM", StateReason="it is so")
    finding = look()[f"{STACK}-Errors"]
    assert (finding.is_ok, finding.found, finding.advice) == (False, "it is so", "mend it")


def test_messages_in_a_queue_are_counted(look: Look, service: Service) -> None:
    url = service.clients.sqs.get_queue_url(QueueName="received")["QueueUrl"]
    service.clients.sqs.send_message(QueueUrl=url, MessageBody="x")
    finding = look()["ReceiveFailureQueue"]
    assert (finding.is_ok, finding.advice) == (False, "stockctl failures")


def test_usage_that_is_not_charged_is_drift(look: Look, service: Service) -> None:
    service.drop("monday.csv", "ham,100,2099-12-31\n")
    service.post("1", ham=4)
    finding = look()["drift"]
    assert (finding.is_ok, finding.found, finding.advice) == (False, "1 of 1 ingredients", "stockctl reconcile")


def test_all_units_are_shown_as_they_add_up(look: Look, service: Service) -> None:
    service.drop("monday.csv", "ham,1000,2099-12-31\negg,5,2099-12-31\n")
    service.post("1", ham=4)
    finding = look()["units"]
    equation = "1,005 received + 0 returned = 1,001 on hand + 4 used + 0 expired + 0 discarded"
    assert (finding.is_ok, finding.found) == (True, equation)


def test_an_ingredient_that_does_not_add_up_is_named(look: Look, service: Service) -> None:
    service.drop("monday.csv", "red wine,10,2099-12-31\negg,5,2099-12-31\n")
    service.clients.dynamodb.update_item(
        TableName=STOCK,
        Key=level_key("red wine"),
        UpdateExpression="ADD discarded :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )
    finding = look()["units"]
    assert (finding.is_ok, finding.found) == (False, "1 of 2 ingredients do not add up: red wine")
    assert finding.advice == "stockctl history 'red wine'"


def test_uses_that_are_allocated_meanwhile_are_none(
    look: Look, service: Service, meanwhile: list[Callable[[], object]]
) -> None:
    service.drop("monday.csv", "ham,100,2099-12-31\n")
    service.post("1", ham=4)
    meanwhile.append(lambda: service.process_stream("ham"))
    assert look()["drift"].is_ok


def test_a_busy_ingredient_that_is_being_charged_has_no_drift(
    look: Look, service: Service, meanwhile: list[Callable[[], object]]
) -> None:
    """Some of its usage is always pending."""
    service.drop("monday.csv", "ham,100,2099-12-31\n")
    service.post("1", ham=4)
    meanwhile += [lambda: service.process_stream("ham"), lambda: service.post("2", ham=1)]
    assert look()["drift"].is_ok


def test_a_level_that_cannot_be_read_is_drift(look: Look, service: Service) -> None:
    service.drop("monday.csv", "ham,100,2099-12-31\n")
    service.clients.dynamodb.update_item(
        TableName=STOCK,
        Key=level_key("ham"),
        UpdateExpression="SET generation = :nonsense",
        ExpressionAttributeValues={":nonsense": {"S": "?"}},
    )
    found = look()
    assert not found["drift"].is_ok
    assert (found["units"].is_ok, found["units"].found) == (False, "a level cannot be read")


def make_function(service: Service) -> None:
    """A function of the name that the stack's outputs give each."""
    iam: Any = service.clients.session.create_client("iam")
    role = iam.create_role(RoleName="any", AssumeRolePolicyDocument="{}")
    service.clients.lambda_.create_function(
        FunctionName="gone", Role=role["Role"]["Arn"], Runtime="python3.13", Handler="a.b", Code={"ZipFile": b"PK"}
    )


def log_calls(service: Service, *messages: str) -> None:
    logs, name = service.clients.logs, "/aws/lambda/gone"
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="1")
    now = int(time.time() * 1000)
    events: Any = [{"timestamp": now + index, "message": message} for index, message in enumerate(messages)]
    logs.put_log_events(logGroupName=name, logStreamName="1", logEvents=events)


def on_the_embedded_cloud(monkeypatch: pytest.MonkeyPatch, service: Service) -> None:
    for name in ("cloudformation", "cloudwatch", "dynamodb", "lambda_", "logs", "sqs"):
        getattr(service.clients, name)  # made before, because other tests have the same clients
    monkeypatch.setattr(service.clients, "endpoint_url", "http://127.0.0.1:1")


def test_without_metrics_the_logs_are_counted(look: Look, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """The embedded cloud records hardly any metrics: a function that fails every time would look healthy."""
    make_function(service)
    report = "REPORT RequestId: 1 Duration: 1 ms"
    log_calls(service, "START RequestId: 1", "Traceback (most recent call last):", "  File", "E: x", report, report)
    on_the_embedded_cloud(monkeypatch, service)
    finding = look()["GetStock"]
    assert (finding.is_ok, finding.found) == (False, "2 calls, 1 error in 15 min")


def test_without_calls_in_the_logs_a_function_is_well(
    look: Look, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_function(service)
    log_calls(service, "INIT_START")
    on_the_embedded_cloud(monkeypatch, service)
    finding = look()["GetStock"]
    assert (finding.is_ok, finding.found) == (True, "0 calls, 0 errors in 15 min")


def test_alarms_without_any_data_are_not_measured(look: Look, service: Service) -> None:
    """Neither well nor in alarm."""
    service.clients.cloudwatch.put_metric_alarm(
        AlarmName=f"{STACK}-Errors", EvaluationPeriods=1, ComparisonOperator="GreaterThanThreshold"
    )
    service.clients.cloudwatch.set_alarm_state(
        AlarmName=f"{STACK}-Errors", StateValue="INSUFFICIENT_DATA", StateReason="no data"
    )
    finding = look()["alarms"]
    assert (finding.is_ok, finding.found) == (None, "1, not measured here")


@pytest.mark.parametrize(
    ("state", "is_ok", "found"),
    [
        ({"State": "Pending", "StateReason": "it is being made"}, None, "it is being made"),
        ({"State": "Failed", "StateReason": "no subnet"}, False, "Failed: no subnet"),
        ({"State": "Active", "LastUpdateStatus": "Failed", "StateReason": "x"}, False, "Active: x"),
        ({"State": "Active", "LastUpdateStatus": "Successful"}, True, "0 calls, 0 errors in 15 min"),
        ({"State": "Inactive"}, True, "0 calls, 0 errors in 15 min"),
    ],
)
def test_a_function_that_cannot_run_is_a_finding(
    look: Look, service: Service, monkeypatch: pytest.MonkeyPatch, state: dict[str, str], is_ok: bool | None, found: str
) -> None:
    monkeypatch.setattr(service.clients.lambda_, "get_function_configuration", lambda **_: state)
    finding = look()["GetStock"]
    assert (finding.is_ok, finding.found) == (is_ok, found)
    assert finding.advice == ("stockctl deploy" if is_ok is False else "")


@pytest.fixture
def stream_of(look: Look, service: Service, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Finding]:
    """The finding on the stream of StockUpdated, whose mapping has a state, and batches of some age (ms)."""

    def found(state: str, *ages: float) -> Finding:
        def values(ScanBy: str, **_: object) -> object:  # noqa: N803 - as boto3 has it
            assert ScanBy == "TimestampDescending"
            return {"MetricDataResults": [{"Values": list(ages)}]}

        mappings = [{"UUID": "1-2", "State": state, "LastProcessingResult": "OK"}] if state else []
        answer = {"EventSourceMappings": mappings}
        monkeypatch.setattr(service.clients.lambda_, "list_event_source_mappings", lambda **_: answer)
        monkeypatch.setattr(service.clients.cloudwatch, "get_metric_data", values)
        return look()["StockUpdated stream"]

    return found


@pytest.mark.parametrize("state", ["Enabled", "Enabling", "Creating", "Updating"])
def test_a_stream_that_is_read_or_soon_will_be_is_well(stream_of: Callable[..., Finding], state: str) -> None:
    finding = stream_of(state, 1500.0)
    assert (finding.is_ok, finding.found) == (True, f"{state}, 2 s behind, last: OK")


@pytest.mark.parametrize("state", ["Disabled", "Disabling", "Deleting"])
def test_a_stream_that_is_not_read_is_a_finding_with_the_command_that_resumes_it(
    stream_of: Callable[..., Finding], state: str
) -> None:
    finding = stream_of(state)
    assert (finding.is_ok, finding.found) == (False, state)
    assert finding.advice == "aws lambda update-event-source-mapping --uuid 1-2 --enabled"


def test_a_stream_without_a_function_is_a_finding(stream_of: Callable[..., Finding]) -> None:
    finding = stream_of("")
    assert (finding.is_ok, finding.found, finding.advice) == (False, "no mapping", "stockctl deploy")


@pytest.mark.parametrize(
    ("ages", "is_ok"), [((300_000.0,), True), ((300_001.0,), False), ((0.0,) * 5 + (900_000.0,), True), ((), True)]
)
def test_a_stream_function_may_be_five_minutes_behind_as_in_the_alarm(
    stream_of: Callable[..., Finding], ages: tuple[float, ...], is_ok: bool
) -> None:
    """The newest five values count: what was late before has been made up for."""
    finding = stream_of("Enabled", *ages)
    assert (finding.is_ok, finding.advice) == (is_ok, "" if is_ok else "stockctl logs StockUpdated")


def test_on_the_embedded_cloud_the_delay_of_a_stream_is_not_measured(
    stream_of: Callable[..., Finding], service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_the_embedded_cloud(monkeypatch, service)
    finding = stream_of("Enabled")
    assert (finding.is_ok, finding.found) == (None, "Enabled, delay not measured here, last: OK")


def test_an_answer_that_aws_refuses_is_the_finding_with_its_hint() -> None:
    def refused() -> Iterator[Finding]:
        response: Any = {"Error": {"Code": "AccessDenied", "Message": "not authorized to perform: lambda:GetFunction"}}
        raise ClientError(response, "GetFunction")
        yield

    [finding] = looked_at("GetStock", refused)
    assert finding.is_ok is False
    assert "lack the permission lambda:GetFunction" in finding.found
    assert "lambda:GetFunction" in finding.fix
