"""Stacks, with AWS's answers from botocore's Stubber, which checks requests and responses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.stub import ANY, Stubber

from stockctl.aws.clients import Clients
from stockctl.aws.target import Target
from stockctl.deployment.change_set import ChangeSet, Kind, ResourceChange
from stockctl.deployment.resource_event import ResourceEvent
from stockctl.deployment.stack import LONGEST_NAME, Stack, checked_name
from stockctl.domain.errors import StockctlError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

ARN = "arn:aws:cloudformation:eu-west-1:123456789012:stack/kitchen/1"
CHANGE_SET = "arn:aws:cloudformation:eu-west-1:123456789012:changeSet/one/1"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
TEMPLATE = "https://s3.eu-west-1.amazonaws.com/artifacts/templates/1.yaml"


@pytest.fixture
def clients() -> Clients:
    return Clients.of_target(
        Target("kitchen", local=True, region="eu-west-1", access_key_id="test", secret_access_key="test")
    )


@pytest.fixture
def aws(clients: Clients) -> Iterator[Stubber]:
    with Stubber(clients.cloudformation) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def stack(clients: Clients) -> Stack:
    return Stack(clients, "kitchen", sleep=lambda _: None)


def answer_status(aws: Stubber, status: str, **more: Any) -> None:
    described = {"StackName": "kitchen", "StackId": ARN, "CreationTime": LONG_AGO, "StackStatus": status, **more}
    aws.add_response("describe_stacks", {"Stacks": [described]})


def answer_no_stack(aws: Stubber) -> None:
    aws.add_client_error("describe_stacks", "ValidationError", "Stack with id kitchen does not exist")


def event(number: int, resource: str, status: str, reason: str | None = None) -> dict[str, Any]:
    told = {"ResourceStatusReason": reason} if reason else {}
    return {
        "StackId": ARN,
        "StackName": "kitchen",
        "EventId": str(number),
        "LogicalResourceId": resource,
        "ResourceType": "AWS::X::Y",
        "ResourceStatus": status,
        "Timestamp": LONG_AGO + timedelta(seconds=number),
        **told,
    }


def answer_events(aws: Stubber, *events: dict[str, Any]) -> None:
    """CloudFormation answers the newest first."""
    aws.add_response("describe_stack_events", {"StackEvents": list(reversed(events))})


def executed(stack: Stack) -> list[ResourceEvent]:
    return list(stack.execute(ChangeSet("kitchen", creates=False, change_set=CHANGE_SET)))


@pytest.mark.parametrize("name", ["stockctl", "a", "kitchen-2", "a" * LONGEST_NAME])
def test_a_name_that_a_bucket_can_bear_is_a_stacks_name(name: str) -> None:
    """The drop bucket's name begins with the stack's."""
    assert checked_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "Kitchen", "my_stack", "1st", "-a", "a-", "a.b", "küche", "a" * (LONGEST_NAME + 1), "xn--a", "a\n"]
)
def test_a_name_that_a_bucket_cannot_bear_is_refused(name: str) -> None:
    """Before AWS is called, which would notice half-way."""
    with pytest.raises(UsageError):
        checked_name(name)


def test_a_plan_lists_additions_and_replacements(stack: Stack, aws: Stubber) -> None:
    """Plain data, read from all pages of the change set."""
    answer_status(aws, "CREATE_COMPLETE")
    aws.add_response("create_change_set", {"Id": CHANGE_SET})
    changes = [
        {"ResourceChange": {"Action": "Add", "LogicalResourceId": "A", "ResourceType": "AWS::X::Y"}},
        {
            "ResourceChange": {
                "Action": "Modify",
                "LogicalResourceId": "B",
                "ResourceType": "AWS::X::Y",
                "Replacement": "True",
            }
        },
    ]
    aws.add_response("describe_change_set", {"Status": "CREATE_IN_PROGRESS"})
    aws.add_response("describe_change_set", {"Status": "CREATE_COMPLETE", "Changes": changes[:1], "NextToken": "more"})
    aws.add_response("describe_change_set", {"Status": "CREATE_COMPLETE", "Changes": changes[1:]})
    planned = stack.plan(TEMPLATE, {})
    assert planned == ChangeSet(
        "kitchen",
        creates=False,
        change_set=CHANGE_SET,
        changes=(ResourceChange(Kind.ADD, "A", "AWS::X::Y"), ResourceChange(Kind.REPLACE, "B", "AWS::X::Y")),
    )


def test_a_value_that_a_parameter_cannot_have_is_a_usage_error(stack: Stack, aws: Stubber) -> None:
    """CloudFormation rejects it at once; nothing was started."""
    answer_status(aws, "CREATE_COMPLETE")
    aws.add_client_error("create_change_set", "ValidationError", "Parameter 'Shards' must be a number not x")
    with pytest.raises(UsageError, match="Shards"):
        stack.plan(TEMPLATE, {"Shards": "x"})


def test_a_change_of_an_output_alone_is_a_change(stack: Stack, aws: Stubber) -> None:
    """CloudFormation lists no resource for it, but there is something to execute."""
    answer_status(aws, "CREATE_COMPLETE")
    aws.add_response("create_change_set", {"Id": CHANGE_SET})
    aws.add_response("describe_change_set", {"Status": "CREATE_COMPLETE", "Changes": []})
    assert not stack.plan(TEMPLATE, {}).is_empty


@pytest.mark.parametrize(
    "reason",
    [
        "The submitted information didn't contain changes. Submit different information.",
        "No updates are to be performed.",
    ],
)
def test_a_plan_without_changes_is_empty_and_leaves_no_change_set_behind(
    stack: Stack, aws: Stubber, reason: str
) -> None:
    """CloudFormation reports it as a failure, in either of two sentences."""
    answer_status(aws, "UPDATE_COMPLETE")
    aws.add_response("create_change_set", {"Id": CHANGE_SET})
    aws.add_response("describe_change_set", {"Status": "FAILED", "StatusReason": reason})
    aws.add_response("delete_change_set", {}, {"ChangeSetName": CHANGE_SET, "StackName": "kitchen"})
    planned = stack.plan(TEMPLATE, {})
    assert planned.is_empty
    assert list(stack.execute(planned)) == []


def test_a_parameter_that_is_left_out_keeps_what_it_was(stack: Stack, aws: Stubber) -> None:
    """And one that the new template no longer has is not sent."""
    deployed = [{"ParameterKey": key, "ParameterValue": "1"} for key in ("Shards", "CodeKey", "Dropped")]
    answer_status(aws, "CREATE_COMPLETE", Parameters=deployed)
    expected = {
        "StackName": "kitchen",
        "ChangeSetName": ANY,
        "ChangeSetType": "UPDATE",
        "TemplateURL": TEMPLATE,
        "Capabilities": ["CAPABILITY_IAM"],
        "ImportExistingResources": True,
        "Parameters": [
            {"ParameterKey": "CodeKey", "ParameterValue": "2"},
            {"ParameterKey": "Shards", "UsePreviousValue": True},
        ],
    }
    aws.add_response("create_change_set", {"Id": CHANGE_SET}, expected)
    aws.add_response("describe_change_set", {"Status": "CREATE_COMPLETE", "Changes": []})
    stack.plan(TEMPLATE, {"CodeKey": "2"})


@pytest.mark.parametrize(
    ("status", "message"),
    [("UPDATE_IN_PROGRESS", "busy"), ("DELETE_FAILED", "DELETE_FAILED"), ("UPDATE_ROLLBACK_FAILED", "state")],
)
def test_a_stack_that_takes_no_deployment_now_is_explained(
    stack: Stack, aws: Stubber, status: str, message: str
) -> None:
    """CloudFormation's own error names no way out."""
    answer_status(aws, status)
    with pytest.raises(StockctlError, match=message) as raised:
        stack.plan(TEMPLATE, {})
    assert raised.value.hint


def test_the_rest_of_a_failed_creation_is_deleted_first(stack: Stack, aws: Stubber) -> None:
    """A stack in ROLLBACK_COMPLETE is empty and cannot be updated."""
    answer_status(aws, "ROLLBACK_COMPLETE")
    answer_status(aws, "ROLLBACK_COMPLETE")
    answer_events(aws, event(1, "kitchen", "ROLLBACK_COMPLETE"))
    aws.add_response("delete_stack", {}, {"StackName": "kitchen"})
    answer_status(aws, "DELETE_COMPLETE")
    answer_events(aws, event(1, "kitchen", "ROLLBACK_COMPLETE"), event(2, "kitchen", "DELETE_COMPLETE"))
    aws.add_response("create_change_set", {"Id": CHANGE_SET})
    aws.add_response("describe_change_set", {"Status": "CREATE_COMPLETE", "Changes": []})
    assert stack.plan(TEMPLATE, {}).creates


def test_each_event_is_shown_once_whatever_this_machines_clock(stack: Stack, aws: Stubber) -> None:
    """Old events are recognised by id: these are years older than our clock, and the last deployment's is not shown."""
    before = event(1, "A", "CREATE_COMPLETE")
    answer_events(aws, before)
    aws.add_response("execute_change_set", {})
    answer_status(aws, "UPDATE_IN_PROGRESS")
    answer_events(aws, before, event(2, "A", "UPDATE_IN_PROGRESS"))
    answer_status(aws, "UPDATE_COMPLETE")
    answer_events(aws, before, event(2, "A", "UPDATE_IN_PROGRESS"), event(5, "A", "UPDATE_COMPLETE"))
    assert [(told.status, told.elapsed) for told in executed(stack)] == [
        ("UPDATE_IN_PROGRESS", 0.0),
        ("UPDATE_COMPLETE", 3.0),
    ]


def test_a_failed_deployment_names_the_first_resource_that_failed_and_why(stack: Stack, aws: Stubber) -> None:
    """Not the ones cancelled because of it, even if CloudFormation reports them first."""
    answer_events(aws)
    aws.add_response("execute_change_set", {})
    answer_status(aws, "UPDATE_ROLLBACK_COMPLETE")
    answer_events(
        aws,
        event(1, "Queue", "CREATE_FAILED", "Resource creation cancelled"),
        event(2, "Bucket", "CREATE_FAILED", "name is taken"),
        event(3, "Table", "CREATE_FAILED", "too late"),
        event(4, "kitchen", "UPDATE_ROLLBACK_COMPLETE"),
    )
    with pytest.raises(StockctlError, match=r"^Bucket \(AWS::X::Y\) failed: name is taken$"):
        executed(stack)


def invalid(number: int, operation: str, resource: str, mode: str = "FAIL") -> dict[str, Any]:
    return {
        "EventId": str(number),
        "OperationId": operation,
        "EventType": "VALIDATION_ERROR",
        "LogicalResourceId": resource,
        "ResourceType": "AWS::X::Y",
        "Timestamp": LONG_AGO + timedelta(seconds=number),
        "ValidationFailureMode": mode,
        "ValidationStatusReason": "exists already",
    }


def test_a_validation_error_is_named_although_no_resource_changed(stack: Stack, aws: Stubber) -> None:
    """CloudFormation's own event only says that there is a list: what it begins with is told, of this operation."""
    answer_events(aws)
    aws.add_response("execute_change_set", {})
    answer_status(aws, "ROLLBACK_COMPLETE")
    answer_events(aws, event(1, "kitchen", "CREATE_FAILED", "Validation failed with 2 error(s). Call DescribeEvents"))
    faults = [
        invalid(5, "new", "Table"),
        invalid(4, "new", "Bucket"),
        invalid(3, "new", "Queue", mode="WARN"),
        invalid(1, "old", "Gone"),
    ]
    aws.add_response("describe_events", {"OperationEvents": faults})
    with pytest.raises(StockctlError, match=r"^Bucket \(AWS::X::Y\) failed: exists already$"):
        executed(stack)


def test_a_change_set_that_fails_validation_is_explained_and_removed(stack: Stack, aws: Stubber) -> None:
    """Without the permission to read details, CloudFormation's summary is shown."""
    answer_status(aws, "CREATE_COMPLETE")
    aws.add_response("create_change_set", {"Id": CHANGE_SET})
    aws.add_response("describe_change_set", {"Status": "FAILED", "StatusReason": "validation failed"})
    aws.add_client_error("describe_events", "AccessDenied")
    aws.add_response("delete_change_set", {})
    with pytest.raises(StockctlError, match="cannot be planned: validation failed"):
        stack.plan(TEMPLATE, {})


def test_deleting_a_stack_that_is_not_there_does_nothing(stack: Stack, aws: Stubber) -> None:
    """So `destroy` can be repeated."""
    answer_no_stack(aws)
    assert list(stack.delete()) == []


def test_of_two_concurrent_deployments_one_fails_with_the_reason(stack: Stack, aws: Stubber) -> None:
    """The other one was executed first, so CloudFormation rejects this plan."""
    answer_events(aws)
    aws.add_client_error("execute_change_set", "InvalidChangeSetStatus", "OBSOLETE")
    with pytest.raises(StockctlError, match="somebody else deployed") as raised:
        executed(stack)
    assert "run it again" in str(raised.value.hint)


def test_a_plan_that_is_taken_back_leaves_nothing(stack: Stack, aws: Stubber) -> None:
    """Planning a first deployment creates an empty stack, which is deleted, too."""
    aws.add_response("delete_change_set", {}, {"ChangeSetName": CHANGE_SET, "StackName": "kitchen"})
    answer_status(aws, "REVIEW_IN_PROGRESS")
    aws.add_response("delete_stack", {}, {"StackName": ARN})
    stack.discard(ChangeSet("kitchen", creates=True, change_set=CHANGE_SET))


def test_discarding_a_plan_keeps_a_stack_created_by_others(stack: Stack, aws: Stubber) -> None:
    aws.add_response("delete_change_set", {}, {"ChangeSetName": CHANGE_SET, "StackName": "kitchen"})
    answer_status(aws, "CREATE_IN_PROGRESS")
    stack.discard(ChangeSet("kitchen", creates=True, change_set=CHANGE_SET))


def test_a_running_deployment_can_be_followed_to_its_end(stack: Stack, aws: Stubber) -> None:
    """Events shown before are not shown again."""
    answer_status(aws, "UPDATE_IN_PROGRESS")
    before = event(1, "A", "UPDATE_IN_PROGRESS")
    answer_events(aws, before)
    answer_status(aws, "UPDATE_COMPLETE")
    answer_events(aws, before, event(2, "A", "UPDATE_COMPLETE"))
    assert [each.doing for each in stack.follow()] == ["updated"]


@pytest.mark.parametrize(
    ("reason", "advice"),
    [
        ("User x is not authorized to perform: lambda:CreateFunction on resource y", "lambda:CreateFunction"),
        ("kitchen-stock already exists", "--stack"),
        ("Limit for stream shards exceeded", "quota"),
        ("Something odd", "deploy` again"),
    ],
)
def test_a_failure_has_a_hint(stack: Stack, aws: Stubber, reason: str, advice: str) -> None:
    """Derived from CloudFormation's reason if it is known, else a general hint."""
    answer_events(aws)
    aws.add_response("execute_change_set", {})
    answer_status(aws, "UPDATE_ROLLBACK_COMPLETE")
    answer_events(aws, event(1, "Thing", "CREATE_FAILED", reason))
    with pytest.raises(StockctlError) as raised:
        executed(stack)
    assert advice in str(raised.value.hint)
