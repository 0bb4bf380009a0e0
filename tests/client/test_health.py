"""How a stack is found to be: each part by itself, whatever the others are like."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from stockctl.client.deployment import Deployment
from stockctl.client.health import Health
from stockctl.domain.findings import Finding
from stockctl.operations.rows import level_key
from tests.service import STACK, STOCK, Service

Look = Callable[[], dict[str, Finding]]


@pytest.fixture
def meanwhile() -> list[Callable[[], object]]:
    """What happens while uses are given their time to be allocated."""
    return []


@pytest.fixture
def look(service: Service, meanwhile: list[Callable[[], object]]) -> Look:
    """Findings on a stack of which only the tables and a queue are there."""
    names = dict.fromkeys(Deployment.__dataclass_fields__, "gone") | {
        "stock_table": STOCK,
        "receive_failure_queue": service.clients.sqs.create_queue(QueueName="received")["QueueUrl"],
        "stream_failure_queue": "https://sqs.eu-west-1.amazonaws.com/123456789012/gone",
    }

    def sleep(_seconds: float) -> None:
        for happen in meanwhile:
            happen()

    health = Health(service.clients, STACK, Deployment(**names), sleep)
    return lambda: {finding.what: finding for finding in health.findings()}


def test_a_part_that_is_gone_is_a_finding_and_not_the_end(look: Look) -> None:
    found = look()
    assert not found["StockUpdated"].is_ok
    assert not found["StreamFailureQueue"].is_ok
    assert found["ReceiveFailureQueue"].is_ok
    assert found["drift"].is_ok


def test_only_alarms_of_this_very_stack_count(look: Look, service: Service) -> None:
    """The name of another one may begin as ours does."""
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


def test_what_lies_in_a_queue_is_counted(look: Look, service: Service) -> None:
    url = service.clients.sqs.get_queue_url(QueueName="received")["QueueUrl"]
    service.clients.sqs.send_message(QueueUrl=url, MessageBody="x")
    finding = look()["ReceiveFailureQueue"]
    assert (finding.is_ok, finding.advice) == (False, "stockctl failures")


def test_uses_that_nobody_allocates_are_drift(look: Look, service: Service) -> None:
    service.drop("monday.csv", "ham,100,2099-12-31\n")
    service.post("1", ham=4)
    finding = look()["drift"]
    assert (finding.is_ok, finding.found, finding.advice) == (False, "1 of 1 ingredients", "stockctl reconcile")


def test_uses_that_are_allocated_meanwhile_are_none(
    look: Look, service: Service, meanwhile: list[Callable[[], object]]
) -> None:
    service.drop("monday.csv", "ham,100,2099-12-31\n")
    service.post("1", ham=4)
    meanwhile.append(lambda: service.work_off("ham"))
    assert look()["drift"].is_ok


def test_a_busy_ingredient_that_is_being_worked_off_is_none_either(
    look: Look, service: Service, meanwhile: list[Callable[[], object]]
) -> None:
    """At any time some of its uses wait."""
    service.drop("monday.csv", "ham,100,2099-12-31\n")
    service.post("1", ham=4)
    meanwhile += [lambda: service.work_off("ham"), lambda: service.post("2", ham=1)]
    assert look()["drift"].is_ok


def test_a_level_that_cannot_be_read_is_drift(look: Look, service: Service) -> None:
    service.drop("monday.csv", "ham,100,2099-12-31\n")
    service.clients.dynamodb.update_item(
        TableName=STOCK,
        Key=level_key("ham"),
        UpdateExpression="SET generation = :nonsense",
        ExpressionAttributeValues={":nonsense": {"S": "?"}},
    )
    assert not look()["drift"].is_ok
