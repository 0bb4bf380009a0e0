"""What really changes on the embedded cloud, whose CloudFormation evaluates no conditions and updates everything."""

from __future__ import annotations

import pytest

from stockctl.deployment.change_set import ChangeSet, Kind, ResourceChange
from stockctl.deployment.emulated_changes import Values, corrected_changes, corrected_events
from stockctl.deployment.resource_event import ResourceEvent
from stockctl.deployment.template import template_document

DEFAULTS = {name: str(each.get("Default", "")) for name, each in template_document()["Parameters"].items()}
LOCAL = {**DEFAULTS, "RequireTls": "false"}
CONDITIONAL = {"AlarmKey", "AlarmMail", "DropBucketPolicy", "FailureQueuePolicy", "SupplierPolicy"}


def listed(kind: Kind, *names: str) -> tuple[ResourceChange, ...]:
    return tuple(ResourceChange(kind, name, template_document()["Resources"][name]["Type"]) for name in names)


def kinds(changes: tuple[ResourceChange, ...]) -> dict[str, Kind]:
    return {change.logical_id: change.kind for change in changes}


def test_a_first_deployment_adds_only_what_the_conditions_allow() -> None:
    changes = corrected_changes(listed(Kind.ADD, *CONDITIONAL, "StockTable"), None, LOCAL)
    assert kinds(changes) == {"StockTable": Kind.ADD}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, {"SupplierPrefix": "acme/"}, {"SupplierPolicy": Kind.ADD}),
        ({"SupplierPrefix": "acme/"}, {}, {"SupplierPolicy": Kind.REMOVE}),
        ({"SupplierPrefix": "acme/"}, {"SupplierPrefix": "acme/in/"}, {"SupplierPolicy": Kind.MODIFY}),
        ({}, {"TimeZone": "Europe/London"}, {}),
        ({}, {"AlarmEmail": "me@example.com"}, {"AlarmKey": Kind.ADD, "AlarmMail": Kind.ADD}),
        ({"AlarmEmail": "me@example.com"}, {"AlarmTopic": "arn"}, {"AlarmKey": Kind.REMOVE, "AlarmMail": Kind.REMOVE}),
        ({}, {"RequireTls": "true"}, {"DropBucketPolicy": Kind.ADD, "FailureQueuePolicy": Kind.ADD}),
    ],
)
def test_an_update_adds_and_removes_what_a_condition_switches(
    before: Values, after: Values, expected: dict[str, Kind]
) -> None:
    """The change set lists the policy whatever its condition, and nothing else that is conditional."""
    changes = corrected_changes(listed(Kind.MODIFY, "SupplierPolicy"), {**LOCAL, **before}, {**LOCAL, **after})
    assert kinds(changes) == expected


def test_all_conditional_resources_are_known_here() -> None:
    resources = template_document()["Resources"]
    assert {name for name, each in resources.items() if "Condition" in each} == CONDITIONAL


def test_only_what_holds_something_may_be_replaced() -> None:
    """The emulator says so of every type that it does not know."""
    changes = corrected_changes(listed(Kind.MAY_REPLACE, "ApiFaults", "StockTable"), LOCAL, LOCAL)
    assert kinds(changes) == {"ApiFaults": Kind.MODIFY, "StockTable": Kind.MAY_REPLACE}


@pytest.mark.parametrize(
    ("properties", "kind"),
    [("LifecycleConfiguration, NotificationConfiguration", Kind.MODIFY), ("BucketName, Tags", Kind.MAY_REPLACE)],
)
def test_the_drop_bucket_is_replaced_by_another_name_alone(properties: str, kind: Kind) -> None:
    """Else no update of its settings would be deployed to an embedded cloud by itself."""
    change = ResourceChange(Kind.MAY_REPLACE, "DropBucket", "AWS::S3::Bucket", why=properties)
    assert kinds(corrected_changes((change,), LOCAL, LOCAL)) == {"DropBucket": kind}


def event(name: str, status: str) -> ResourceEvent:
    return ResourceEvent(name, "AWS::X::Y", status, None, 0.0)


def test_events_are_those_of_the_plan_and_of_failures() -> None:
    changes = (*listed(Kind.MODIFY, "GetStock"), *listed(Kind.ADD, "AlarmMail"))
    events = [
        event("kitchen", "UPDATE_IN_PROGRESS"),
        event("StockTable", "UPDATE_COMPLETE"),
        event("GetStock", "UPDATE_COMPLETE"),
        event("AlarmMail", "UPDATE_COMPLETE"),
        event("PostTransaction", "UPDATE_FAILED"),
    ]
    shown = corrected_events(events, ChangeSet("kitchen", creates=False, change_set="x", changes=changes))
    assert [(each.logical_id, each.status) for each in shown] == [
        ("kitchen", "UPDATE_IN_PROGRESS"),
        ("GetStock", "UPDATE_COMPLETE"),
        ("AlarmMail", "CREATE_COMPLETE"),
        ("PostTransaction", "UPDATE_FAILED"),
    ]
