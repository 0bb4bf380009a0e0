"""Deploying a stack: plan, then execute or discard; and whether the deployed stack is current."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stockctl.deployment.artifacts import Artifact, ArtifactBucket
from stockctl.deployment.bundle import bundle
from stockctl.deployment.change_set import ChangeSet
from stockctl.deployment.kept_parameters import kept_parameters
from stockctl.deployment.parameters import check_parameters
from stockctl.deployment.resource_event import ResourceEvent
from stockctl.deployment.stack import Stack, is_empty, parameters_of
from stockctl.deployment.template import Location, release, template_for
from stockctl.domain.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mypy_boto3_cloudformation.type_defs import StackTypeDef

    from stockctl.aws.clients import Clients


def current(stack: Stack) -> StackTypeDef | None:
    """What CloudFormation knows about the stack, if exactly this template and this bundle are deployed; else None."""
    deployed = stack.describe()
    if deployed is None or deployed["StackStatus"] not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
        return None
    parameters = parameters_of(deployed)
    is_this = parameters.get("CodeKey") == bundle().key and parameters.get("Release") == release()
    return deployed if is_this else None


def stack_findings(stack: Stack) -> Iterator[Finding]:
    """The findings about the stack as a whole: whether it is complete and of this version."""
    deployed = stack.describe()
    status = deployed["StackStatus"] if deployed else "gone"
    if status.endswith("_IN_PROGRESS"):
        yield Finding("stack", False, status, "stockctl deploy --follow")
    elif current(stack):
        yield Finding("stack", True, f"{status}, up to date")
    else:
        is_whole = status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
        yield Finding(
            "stack", False, status + ", deployed by another version of stockctl" * is_whole, "stockctl deploy"
        )


@dataclass(frozen=True)
class Preparation:
    """A planned deployment that has not started: the plan, and the code to upload before it runs.

    `restored` are the parameters of a deleted stack whose data the plan imports.
    """

    plan: ChangeSet
    stack: Stack
    code: Artifact
    artifacts: ArtifactBucket
    restored: Mapping[str, str]

    def notes(self) -> Iterator[str]:
        """What a user should know who did not give the parameters."""
        if self.restored:
            values = ", ".join(f"{name}={value}" for name, value in self.restored.items())
            yield f"stockctl: with the parameters that were kept with the data: {values}"

    def execute(self) -> Iterator[ResourceEvent]:
        """Uploads the code, executes the plan, and yields each event as it happens.

        Raises:
            StockctlError: a resource failed; names the first that did and why.
        """
        if not self.plan.is_empty:
            self.artifacts.upload(self.code)
            yield from self.stack.execute(self.plan)

    def discard(self) -> None:
        """Deletes the plan; nothing was deployed."""
        self.stack.discard(self.plan)


def prepare(
    clients: Clients, stack: Stack, parameters: Mapping[str, str], artifact_bucket: str | None = None
) -> Preparation:
    """Has CloudFormation compare the template, the code and `parameters` with what is deployed.

    Only the artifact bucket changes: the template is uploaded to it. It is `artifact_bucket`, else the one used before,
    else one created for this account and region. A new stack gets the parameters that were kept with its data.

    Raises:
        UsageError: there is no such parameter, or it does not take this value.
        StockctlError: the stack is in a state that no deployment can start from.
    """
    check_parameters(parameters)
    code = bundle()
    deployed = stack.describe()
    artifacts = ArtifactBucket(clients, artifact_bucket or parameters_of(deployed).get("CodeBucket"))
    own = {"CodeBucket": artifacts.name, "CodeKey": code.key, "Release": release()}
    if (clients.endpoint_url or "").startswith("http:"):  # an emulator, which could not be reached otherwise
        own["RequireTls"] = "false"
    text = template_for(Location(stack.name, artifacts.account, artifacts.region))
    template = Artifact.of("templates", text.encode(), "yaml")
    artifacts.ensure()
    artifacts.upload(template)
    found = kept_parameters(clients, stack.name) if is_empty(deployed) else {}
    restored = {name: value for name, value in found.items() if name not in parameters}
    plan = stack.plan(artifacts.url(template), {**restored, **parameters, **own})
    return Preparation(plan, stack, code, artifacts, restored)
