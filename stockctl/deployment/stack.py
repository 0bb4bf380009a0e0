"""One CloudFormation stack. Planning and executing are separate, so that a deployment holds no surprises.

`plan` has CloudFormation compare the template and the parameters with what is deployed, in a change set, and returns
the changes as plain data. `execute` runs that change set and yields every resource event as it happens. A failure names
the *first* resource that failed, with its reason: the others are only cancelled because of it.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from stockctl.aws.errors import code_of
from stockctl.aws.stack_outputs import described
from stockctl.deployment.change_set import ChangeSet, changes_from
from stockctl.deployment.emulated_changes import corrected_changes, corrected_events
from stockctl.deployment.parameters import parameter_names
from stockctl.deployment.resource_event import ResourceEvent
from stockctl.domain.errors import StockctlError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mypy_boto3_cloudformation.type_defs import (
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
REVIEWED = "REVIEW_IN_PROGRESS"
"""The state of a stack that a change set created and that was never executed."""

ROLLED_BACK = "ROLLBACK_COMPLETE"
EMPTY = {REVIEWED, ROLLED_BACK}
"""The states of a stack without resources."""


def checked_name(name: str) -> str:
    """`name`, if it is valid for a stack and its bucket.

    Raises:
        UsageError: it is not valid.
    """
    hint = (
        f"Use 1 to {LONGEST_NAME} lower-case letters, digits and hyphens, starting with a letter: "
        "it becomes part of a bucket name."
    )
    if not NAME.fullmatch(name) or len(name) > LONGEST_NAME or name.startswith(TAKEN_BY_S3):
        raise UsageError(f"{name!r} is not a valid stack name", hint)
    return name


class Stack:
    """The only code that calls CloudFormation. `sleep` is passed in so that tests need not wait."""

    def __init__(self, clients: Clients, name: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._cloudformation = clients.cloudformation
        self._pause = LOCAL_POLL_SECONDS if clients.endpoint_url else POLL_SECONDS
        self._sleep = sleep
        self._is_emulated = bool(clients.endpoint_url)
        self.name = checked_name(name)

    def describe(self) -> StackTypeDef | None:
        """What CloudFormation knows about the stack; None if there is no such stack."""
        return described(self._cloudformation, self.name)

    def plan(self, template_url: str, parameters: Mapping[str, str]) -> ChangeSet:
        """The changes of deploying the template. Parameters left out keep their deployed values.

        Raises:
            StockctlError: the stack is in a state that a deployment cannot start from.
            UsageError: CloudFormation refuses the value of a parameter.
        """
        deployed = self._ready()
        # The emulator's validation rejects a bucket that is to be imported, because its name is in use.
        leave_out: dict[str, Any] = {"DisableValidation": True} if self._is_emulated else {}
        try:
            change_set = self._cloudformation.create_change_set(
                StackName=self.name,
                ChangeSetName=f"stockctl-{datetime.now(UTC):%Y%m%dT%H%M%S%f}",
                ChangeSetType="UPDATE" if deployed else "CREATE",
                TemplateURL=template_url,
                Parameters=_parameters(deployed, parameters),
                Capabilities=["CAPABILITY_IAM"],
                ImportExistingResources=True,
                **leave_out,
            )["Id"]
        except ClientError as error:
            said = error.response.get("Error", {}).get("Message", "")
            if code_of(error) != "ValidationError" or not said.casefold().startswith("parameter"):
                raise
            raise UsageError(
                said, "infra/README.md lists the parameters, and `--parameter NAME=VALUE` sets one."
            ) from error
        return self._planned(change_set, deployed)

    def discard(self, plan: ChangeSet) -> None:
        """Deletes a plan, and the empty stack that planning a first deployment creates."""
        if plan.change_set is not None:
            self._cloudformation.delete_change_set(ChangeSetName=plan.change_set, StackName=self.name)
            deployed = self.describe() if plan.creates else None
            if deployed is not None and deployed["StackStatus"] == REVIEWED:  # else somebody has created it
                self._cloudformation.delete_stack(StackName=deployed["StackId"])

    def execute(self, plan: ChangeSet) -> Iterator[ResourceEvent]:
        """Executes a plan and yields each event as it happens.

        Raises:
            StockctlError: a resource failed, or somebody else has deployed since the plan was created.
        """
        if plan.change_set is not None:
            past = self._past(self.name)
            try:
                self._cloudformation.execute_change_set(ChangeSetName=plan.change_set, StackName=self.name)
            except self._cloudformation.exceptions.InvalidChangeSetStatusException as error:
                raise StockctlError(
                    f"somebody else deployed stack {self.name} while this deployment was being planned",
                    "This deployment changed nothing: run it again.",
                ) from error
            events = self._followed(self.name, past)
            yield from corrected_events(events, plan) if self._is_emulated else events

    def follow(self) -> Iterator[ResourceEvent]:
        """The events of a running deployment, from now until it ends; none if no deployment is running.

        Raises:
            StockctlError: a resource failed; names the first that did and why.
        """
        deployed = self.describe()
        if deployed is not None and _is_going_on(deployed["StackStatus"]):
            yield from self._followed(deployed["StackId"], self._past(deployed["StackId"]))

    def delete(self) -> Iterator[ResourceEvent]:
        """Deletes the stack and yields each event as it happens; nothing if there is no stack.

        Raises:
            StockctlError: a resource could not be deleted; names the first and why.
        """
        deployed = self.describe()
        if deployed is not None:
            past = self._past(deployed["StackId"])
            self._cloudformation.delete_stack(StackName=self.name)
            # A deleted stack is found by its id only.
            yield from self._followed(deployed["StackId"], past)

    def _ready(self) -> StackTypeDef | None:
        """The stack to update; None if it has to be created."""
        deployed = self.describe()
        status = deployed["StackStatus"] if deployed else REVIEWED
        if status == ROLLED_BACK:  # it cannot be updated
            for _ in self.delete():
                pass
        if status in EMPTY:
            return None
        if _is_going_on(status):
            raise StockctlError(
                f"stack {self.name} is busy ({status})", "`stockctl deploy --follow` shows its progress."
            )
        if status.endswith("_FAILED"):
            raise StockctlError(f"stack {self.name} is in state {status}", _way_out(status, self.name))
        return deployed

    def _planned(self, change_set: str, deployed: StackTypeDef | None) -> ChangeSet:
        creates = deployed is None
        while (found := self._change_set(change_set))["Status"] in {"CREATE_PENDING", "CREATE_IN_PROGRESS"}:
            self._sleep(self._pause)
        if found["Status"] == "FAILED":
            reason = found.get("StatusReason", "no reason given")
            fault = None if _says_no_change(reason) else self._invalid(ChangeSetName=change_set) or reason
            self.discard(ChangeSet(self.name, creates, change_set))
            if fault:
                raise StockctlError(f"the deployment cannot be planned: {fault}", _advice(fault, "", self.name))
            return ChangeSet(self.name, creates)
        changes = changes_from(found.get("Changes", []))
        if self._is_emulated:
            changes = corrected_changes(changes, parameters_of(deployed) if deployed else None, parameters_of(found))
        return ChangeSet(self.name, creates, change_set, changes)

    def _change_set(self, change_set: str) -> Mapping[str, Any]:
        pages = self._cloudformation.get_paginator("describe_change_set")
        return pages.paginate(ChangeSetName=change_set, StackName=self.name).build_full_result()

    def _followed(self, stack_id: str, seen: set[str]) -> Iterator[ResourceEvent]:
        first: ResourceEvent | None = None
        started: datetime | None = None
        while True:
            status = self._status(stack_id)  # before the events, so that none of the last ones is missed
            for news in self._news(stack_id, seen):
                started = started or news["Timestamp"]
                event = ResourceEvent.of(news, started)
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
        """The first fault that CloudFormation found in its validation, which runs before any resource is touched."""
        try:
            events = self._cloudformation.describe_events(Filters={"FailedEvents": True}, **where)["OperationEvents"]
        except ClientError:  # the caller may lack this one permission: then the summary has to do
            return None
        faults = [event for event in events if event.get("EventType") == "VALIDATION_ERROR"]
        latest = max(events, key=lambda event: event["Timestamp"])["OperationId"] if faults else None
        for fault in sorted(faults, key=lambda event: event["Timestamp"]):
            if fault["OperationId"] == latest and fault.get("ValidationFailureMode") != "WARN":
                resource = f"{fault.get('LogicalResourceId')} ({fault.get('ResourceType')})"
                return f"{resource} failed: {fault.get('ValidationStatusReason')}"
        return None

    def _status(self, stack_id: str) -> str:
        deployed = described(self._cloudformation, stack_id)
        return deployed["StackStatus"] if deployed else "DELETE_COMPLETE"

    def _past(self, stack_id: str) -> set[str]:
        """Ids of the events before this deployment. Not told by time: this machine's clock may differ from AWS's."""
        page = self._cloudformation.describe_stack_events(StackName=stack_id)
        return {event["EventId"] for event in page["StackEvents"]}

    def _news(self, stack_id: str, seen: set[str]) -> list[StackEventTypeDef]:
        """Events that were not seen before, oldest first; marks them as seen."""
        fresh: list[StackEventTypeDef] = []
        for page in self._cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_id):
            fresh += [event for event in page["StackEvents"] if event["EventId"] not in seen]
            if any(event["EventId"] in seen for event in page["StackEvents"]):
                break
        seen.update(event["EventId"] for event in fresh)
        return fresh[::-1]


def is_empty(deployed: StackTypeDef | None) -> bool:
    """Whether the next deployment creates the stack: there is none, or only what a failed creation left."""
    return deployed is None or deployed["StackStatus"] in EMPTY


def _is_going_on(status: str) -> bool:
    """Whether a deployment or removal runs. A stack under review has a change set that was never executed."""
    return status.endswith("_IN_PROGRESS") and status != REVIEWED


def _parameters(deployed: StackTypeDef | None, given: Mapping[str, str]) -> list[ParameterTypeDef]:
    known = parameters_of(deployed).keys()
    # A parameter that the new template lacks must not be sent.
    kept = sorted((known - given.keys()) & set(parameter_names()))
    chosen: list[ParameterTypeDef] = [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()]
    previous: list[ParameterTypeDef] = [{"ParameterKey": key, "UsePreviousValue": True} for key in kept]
    return chosen + previous


def parameters_of(described: Mapping[str, Any] | None) -> dict[str, str]:
    """The parameters of a stack or of a change set, by name."""
    found = described.get("Parameters", []) if described else []
    return {item["ParameterKey"]: item["ParameterValue"] for item in found}


def _way_out(status: str, name: str) -> str:
    """What to do about a stack that cannot be deployed to."""
    if status == "UPDATE_ROLLBACK_FAILED":
        return (
            "The update failed, and so did its rollback. Fix what the stack's events name, then run "
            f"`aws cloudformation continue-update-rollback --stack-name {name}`, then deploy again."
        )
    if status == "DELETE_FAILED":
        return f"Finish the removal with `stockctl destroy --confirm {name}`, then deploy again."
    return f"Remove it with `stockctl destroy --confirm {name}`, which keeps all data, then deploy again."


def _advice(reason: str, status: str, name: str) -> str:
    """What to do after a deployment failed for this reason and left the stack in this status."""
    said = reason.lower()
    if status.endswith("ROLLBACK_FAILED"):
        return _way_out(status, name)
    if denied := DENIED.search(reason):
        return f"Ask for permission to {denied.group(1)} (infra/operator-policy.json lists all that are needed)."
    if "already exists" in said or "is not available" in said:
        return "Another stack or account uses that name: choose another --stack, or remove the resource with that name."
    if "limit" in said or "quota" in said:
        return "An account quota is reached: request an increase in the Service Quotas console, then deploy again."
    return "CloudFormation rolled back to the previous state. Fix the cause, then run `stockctl deploy` again."


def _says_no_change(reason: str) -> bool:
    return "didn't contain changes" in reason or "No updates are to be performed" in reason
