"""One CloudFormation stack: plan and execute apart, as a deployment is too dear to find out about while it runs.

`plan` has CloudFormation compare the template and the parameters with what is deployed, in a change set, and returns
what would change as plain data. `execute` runs that change set and yields every resource event as it happens. A
failure raises the *first* resource that failed with its reason: the rest are only cancelled because of it.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypedDict

from botocore.exceptions import ClientError

from stockctl.aws.errors import code_of
from stockctl.aws.stack_outputs import described
from stockctl.deployment.change_set import ChangeSet, changes_from, in_words
from stockctl.deployment.template import parameter_names
from stockctl.domain.errors import StockctlError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mypy_boto3_cloudformation.type_defs import (
        DescribeChangeSetOutputTypeDef,
        ParameterTypeDef,
        StackEventTypeDef,
        StackTypeDef,
    )

    from stockctl.aws.clients import Clients

# `<name>-drop-<12 digits>-<region of up to 14>` must fit the 63 characters of a bucket's name.
LONGEST_NAME = 63 - len("-drop-123456789012-ap-southeast-99")
NAME = re.compile(r"[a-z](?:[a-z0-9-]*[a-z0-9])?")
DENIED = re.compile(r"not authorized to perform:? ([\w-]+:\w+)")
TAKEN_BY_S3 = ("xn--", "sthree-", "amzn-s3-demo-")
POLL_SECONDS = 1.0
LOCAL_POLL_SECONDS = 0.1
VERBS = {
    "CREATE_IN_PROGRESS": "creating",
    "CREATE_COMPLETE": "created",
    "CREATE_FAILED": "could not create",
    "UPDATE_IN_PROGRESS": "updating",
    "UPDATE_COMPLETE": "updated",
    "UPDATE_FAILED": "could not update",
    "DELETE_IN_PROGRESS": "deleting",
    "DELETE_COMPLETE": "deleted",
    "DELETE_FAILED": "could not delete",
    "DELETE_SKIPPED": "kept",
    "IMPORT_IN_PROGRESS": "taking in",
    "IMPORT_COMPLETE": "took in",
    "ROLLBACK_IN_PROGRESS": "going back on",
    "ROLLBACK_COMPLETE": "went back on",
    "UPDATE_ROLLBACK_IN_PROGRESS": "going back on",
    "UPDATE_ROLLBACK_COMPLETE": "went back on",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": "clearing up after",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": "clearing up after",
}
GOING_ON = {
    f"{operation}_IN_PROGRESS"
    for operation in (
        "CREATE",
        "UPDATE",
        "DELETE",
        "IMPORT",
        "ROLLBACK",
        "UPDATE_ROLLBACK",
        "IMPORT_ROLLBACK",
        "UPDATE_COMPLETE_CLEANUP",
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP",
    )
}


def checked_name(name: str) -> str:
    """`name`, if a stack and its bucket can bear it.

    Raises:
        UsageError: it is not, and why.
    """
    hint = (
        f"Use 1 to {LONGEST_NAME} lower-case letters, digits and hyphens, a letter first: "
        "it becomes part of a bucket's name."
    )
    if not NAME.fullmatch(name) or len(name) > LONGEST_NAME or name.startswith(TAKEN_BY_S3):
        raise UsageError(f"{name!r} cannot be the name of a stack", hint)
    return name


@dataclass(frozen=True)
class ResourceEvent:
    """Something that happened to one resource, `elapsed` seconds after the start."""

    logical_id: str
    resource_type: str
    status: str
    reason: str | None
    elapsed: float

    @property
    def failed(self) -> bool:
        # CloudFormation cancels the others once one has failed: they are not the cause.
        return self.status.endswith("_FAILED") and "cancelled" not in (self.reason or "").lower()

    @property
    def is_over(self) -> bool:
        return not self.status.endswith("_IN_PROGRESS")

    @property
    def what(self) -> str:
        """The resource as people call it: `table StockTable`."""
        return in_words(self.logical_id, self.resource_type)

    @property
    def doing(self) -> str:
        """What happens to it, as people say it: `creating`, `created`."""
        return VERBS.get(self.status, self.status.lower().replace("_", " "))


class _LeftOut(TypedDict, total=False):
    DisableValidation: bool


class Stack:
    """The only surface to CloudFormation. `sleep` is passed in so that tests need not wait."""

    def __init__(self, clients: Clients, name: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._cloudformation = clients.cloudformation
        self._pause = LOCAL_POLL_SECONDS if clients.endpoint_url else POLL_SECONDS
        self._sleep = sleep
        # The emulator's validation takes the name of a bucket that is to be taken in for one that is taken.
        self._leave_out: _LeftOut = {"DisableValidation": True} if clients.endpoint_url else {}
        self.name = checked_name(name)

    def describe(self) -> StackTypeDef | None:
        """What CloudFormation knows of the stack; None where there is none."""
        return described(self._cloudformation, self.name)

    def plan(self, template_url: str, parameters: Mapping[str, str]) -> ChangeSet:
        """What deploying the template would change. Omitted parameters keep their deployed values.

        Raises:
            StockctlError: the stack is in a state that a deployment cannot start from.
            UsageError: a parameter's value is not one that the template takes.
        """
        deployed = self._ready()
        try:
            change_set = self._cloudformation.create_change_set(
                StackName=self.name,
                ChangeSetName=f"stockctl-{datetime.now(UTC):%Y%m%dT%H%M%S%f}",
                ChangeSetType="UPDATE" if deployed else "CREATE",
                TemplateURL=template_url,
                Parameters=_parameters(deployed, parameters),
                Capabilities=["CAPABILITY_IAM"],
                ImportExistingResources=True,
                **self._leave_out,
            )["Id"]
        except ClientError as error:
            said = error.response.get("Error", {}).get("Message", "")
            if code_of(error) != "ValidationError" or not said.casefold().startswith("parameter"):
                raise
            raise UsageError(said, "The README lists the parameters, and `--parameter NAME=VALUE` sets one.") from error
        return self._planned(change_set, creates=deployed is None)

    def discard(self, plan: ChangeSet) -> None:
        """Takes a plan back: nothing of it is left, not even the empty stack that planning a first one makes."""
        if plan.change_set is not None:
            self._cloudformation.delete_change_set(ChangeSetName=plan.change_set, StackName=self.name)
            deployed = self.describe() if plan.creates else None
            if deployed is not None and deployed["StackStatus"] == "REVIEW_IN_PROGRESS":  # else somebody has made it
                self._cloudformation.delete_stack(StackName=deployed["StackId"])

    def execute(self, plan: ChangeSet) -> Iterator[ResourceEvent]:
        """Carries a plan out and yields each event as it comes.

        Raises:
            StockctlError: a resource failed, or somebody else has deployed since the plan was made.
        """
        if plan.change_set is not None:
            past = self._past(self.name)
            try:
                self._cloudformation.execute_change_set(ChangeSetName=plan.change_set, StackName=self.name)
            except self._cloudformation.exceptions.InvalidChangeSetStatusException as error:
                raise StockctlError(
                    f"stack {self.name} was deployed by somebody else while this deployment was planned",
                    "Nothing was changed by this one: run it again.",
                ) from error
            yield from self._followed(self.name, past)

    def follow(self) -> Iterator[ResourceEvent]:
        """The events of a deployment that is going on, from now on until it ends; none where none is.

        Raises:
            StockctlError: a resource failed; names the first that did and why.
        """
        deployed = self.describe()
        if deployed is not None and deployed["StackStatus"] in GOING_ON:
            yield from self._followed(deployed["StackId"], self._past(deployed["StackId"]))

    def delete(self) -> Iterator[ResourceEvent]:
        """Deletes the stack and yields each event as it comes; nothing where there is no stack.

        Raises:
            StockctlError: a resource could not be deleted; names the first and why.
        """
        deployed = self.describe()
        if deployed is not None:
            past = self._past(deployed["StackId"])
            self._cloudformation.delete_stack(StackName=self.name)
            # A stack that is gone is found by its id alone.
            yield from self._followed(deployed["StackId"], past)

    def _ready(self) -> StackTypeDef | None:
        """The stack to update, None where one is to be made."""
        deployed = self.describe()
        status = deployed["StackStatus"] if deployed else "REVIEW_IN_PROGRESS"
        if status == "REVIEW_IN_PROGRESS":  # no stack, or a change set that was never executed
            return None
        if status == "ROLLBACK_COMPLETE":  # left of a creation that failed: it has nothing and takes no update
            for _ in self.delete():
                pass
            return None
        if status in GOING_ON:
            raise StockctlError(
                f"stack {self.name} is busy ({status})", "`stockctl deploy --follow` shows how it goes."
            )
        if status.endswith("_FAILED"):
            raise StockctlError(f"stack {self.name} is in state {status}", _way_out(status, self.name))
        return deployed

    def _planned(self, change_set: str, *, creates: bool) -> ChangeSet:
        while (described := self._change_set(change_set))["Status"] in {"CREATE_PENDING", "CREATE_IN_PROGRESS"}:
            self._sleep(self._pause)
        if described["Status"] == "FAILED":
            reason = described.get("StatusReason", "no reason given")
            fault = None if _says_no_change(reason) else self._invalid(ChangeSetName=change_set) or reason
            self.discard(ChangeSet(self.name, creates, change_set))
            if fault:
                raise StockctlError(f"the deployment cannot be planned: {fault}", _advice(fault, "", self.name))
            return ChangeSet(self.name, creates)
        return ChangeSet(self.name, creates, change_set, changes_from(described.get("Changes", [])))

    def _change_set(self, change_set: str) -> DescribeChangeSetOutputTypeDef:
        described = self._cloudformation.describe_change_set(ChangeSetName=change_set, StackName=self.name)
        page = described
        while token := page.get("NextToken"):
            page = self._cloudformation.describe_change_set(
                ChangeSetName=change_set, StackName=self.name, NextToken=token
            )
            described["Changes"] += page["Changes"]
        return described

    def _followed(self, stack_id: str, seen: set[str]) -> Iterator[ResourceEvent]:
        first: ResourceEvent | None = None
        started: datetime | None = None
        while True:
            status = self._status(stack_id)  # before the events: so none of the last ones is missed
            for news in self._news(stack_id, seen):
                started = started or news["Timestamp"]
                event = _event(news, started)
                first = first or (event if event.failed and event.logical_id != self.name else None)
                yield event
            if not status.endswith("_IN_PROGRESS"):
                return self._judge(stack_id, status, first)
            self._sleep(self._pause)

    def _judge(self, stack_id: str, status: str, first: ResourceEvent | None) -> None:
        if first is not None:
            what = f"{first.logical_id} ({first.resource_type}) failed: {first.reason or first.status}"
            raise StockctlError(what, _advice(first.reason or "", status, self.name))
        if "ROLLBACK" in status or status.endswith("_FAILED"):
            fault = self._invalid(StackName=stack_id)
            raise StockctlError(
                fault or f"stack {self.name} ended as {status}", _advice(fault or "", status, self.name)
            )

    def _invalid(self, **where: str) -> str | None:
        """What CloudFormation's validation, which comes before any resource is touched, found wrong first."""
        try:
            events = self._cloudformation.describe_events(Filters={"FailedEvents": True}, **where)["OperationEvents"]
        except ClientError:  # who may deploy may lack this one permission: then the summary must do
            return None
        faults = [event for event in events if event.get("EventType") == "VALIDATION_ERROR"]
        latest = max(events, key=lambda event: event["Timestamp"])["OperationId"] if faults else None
        for fault in sorted(faults, key=lambda event: event["Timestamp"]):
            if fault["OperationId"] == latest and fault.get("ValidationFailureMode") != "WARN":
                resource = f"{fault.get('LogicalResourceId')} ({fault.get('ResourceType')})"
                return f"{resource} failed: {fault.get('ValidationStatusReason')}"
        return None

    def _status(self, stack_id: str) -> str:
        try:
            return self._cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]["StackStatus"]
        except ClientError as error:
            if "does not exist" in str(error):
                return "DELETE_COMPLETE"
            raise

    def _past(self, stack_id: str) -> set[str]:
        """Events of deployments before this one. Known by id: this machine's clock may differ from AWS's."""
        page = self._cloudformation.describe_stack_events(StackName=stack_id)
        return {event["EventId"] for event in page["StackEvents"]}

    def _news(self, stack_id: str, seen: set[str]) -> list[StackEventTypeDef]:
        """Events that were not seen yet, oldest first; they are seen now."""
        fresh: list[StackEventTypeDef] = []
        for page in self._cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_id):
            fresh += [event for event in page["StackEvents"] if event["EventId"] not in seen]
            if any(event["EventId"] in seen for event in page["StackEvents"]):
                break
        seen.update(event["EventId"] for event in fresh)
        return fresh[::-1]


def _parameters(deployed: StackTypeDef | None, given: Mapping[str, str]) -> list[ParameterTypeDef]:
    known = {parameter["ParameterKey"] for parameter in deployed.get("Parameters", [])} if deployed else set()
    # A parameter that the new template no longer has must not be sent.
    kept = sorted((known - given.keys()) & set(parameter_names()))
    chosen: list[ParameterTypeDef] = [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()]
    previous: list[ParameterTypeDef] = [{"ParameterKey": key, "UsePreviousValue": True} for key in kept]
    return chosen + previous


def _way_out(status: str, name: str) -> str:
    """What to do about a stack that takes no deployment."""
    if status == "UPDATE_ROLLBACK_FAILED":
        return (
            "The update failed, and so did going back. Mend what its events name, then "
            f"`aws cloudformation continue-update-rollback --stack-name {name}`, then deploy again."
        )
    if status == "DELETE_FAILED":
        return f"Finish what was begun: `stockctl destroy --confirm {name}`; then deploy again."
    return f"Clear it away with `stockctl destroy --confirm {name}`, which keeps all data; then deploy again."


def _advice(reason: str, status: str, name: str) -> str:
    """What to do about a deployment that failed for this reason and left the stack in this state."""
    said = reason.lower()
    if status.endswith("ROLLBACK_FAILED"):
        return _way_out(status, name)
    if denied := DENIED.search(reason):
        return f"Ask for a policy that allows {denied.group(1)} (infra/operator-policy.json has all of them)."
    if "already exists" in said or "is not available" in said:
        return "Another stack or account has that name: choose another stack with --stack, or remove what has it."
    if "limit" in said or "quota" in said:
        return "A quota of the account is reached: ask for more in the Service Quotas console, then deploy again."
    return "CloudFormation went back to what was before. Mend this, then run `stockctl deploy` again."


def _says_no_change(reason: str) -> bool:
    return "didn't contain changes" in reason or "No updates are to be performed" in reason


def _event(event: StackEventTypeDef, started: datetime) -> ResourceEvent:
    return ResourceEvent(
        logical_id=event.get("LogicalResourceId", ""),
        resource_type=event.get("ResourceType", ""),
        status=event.get("ResourceStatus", ""),
        reason=event.get("ResourceStatusReason"),
        elapsed=(event["Timestamp"] - started).total_seconds(),
    )
