"""How a stack is deployed: planned, shown, executed or discarded; and whether the deployed one is current."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stockctl.deployment.artifacts import Artifact, ArtifactBucket
from stockctl.deployment.bundle import bundle
from stockctl.deployment.change_set import ChangeSet
from stockctl.deployment.stack import ResourceEvent, Stack
from stockctl.deployment.template import Location, parameter_names, release, template_for
from stockctl.domain.errors import UsageError
from stockctl.domain.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mypy_boto3_cloudformation.type_defs import StackTypeDef

    from stockctl.aws.clients import Clients

OURS = {"CodeBucket", "CodeKey", "Release"}
"""Parameters that a deployment sets itself."""


def is_current(stack: Stack) -> bool:
    """Whether what is deployed is this very template and this very bundle."""
    deployed = stack.describe()
    if deployed is None or deployed["StackStatus"] not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
        return False
    parameters = _parameters_of(deployed)
    return parameters.get("CodeKey") == bundle().key and parameters.get("Release") == release()


def stack_findings(stack: Stack) -> Iterator[Finding]:
    """What is found of the stack as a whole: whether it is complete, and this very version."""
    deployed = stack.describe()
    status = deployed["StackStatus"] if deployed else "gone"
    if status.endswith("_IN_PROGRESS"):
        yield Finding("stack", False, status, "stockctl deploy --follow")
    elif is_current(stack):
        yield Finding("stack", True, f"{status}, up to date")
    else:
        is_whole = status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
        yield Finding("stack", False, status + ", by another version of stockctl" * is_whole, "stockctl deploy")


@dataclass(frozen=True)
class Preparation:
    """A planned deployment that has not started: the plan, and the code to upload before it runs."""

    plan: ChangeSet
    stack: Stack
    code: Artifact
    artifacts: ArtifactBucket

    def execute(self) -> Iterator[ResourceEvent]:
        """Uploads the code, executes the plan, and yields each event as it happens.

        Raises:
            StockctlError: a resource failed; names the first that did and why.
        """
        if not self.plan.is_empty:
            self.artifacts.upload(self.code)
            yield from self.stack.execute(self.plan)

    def discard(self) -> None:
        """Takes the plan back, so that nothing has changed."""
        self.stack.discard(self.plan)


def prepare(
    clients: Clients, stack: Stack, parameters: Mapping[str, str], artifact_bucket: str | None = None
) -> Preparation:
    """Has CloudFormation compare the template, the code and `parameters` with what is deployed.

    Only the artifact bucket changes: the template is uploaded to it. It is `artifact_bucket`, else the one used before,
    else one created for this account and region.

    Raises:
        UsageError: a parameter that the template does not have, or that is not for the caller to set.
        StockctlError: the stack is in a state that no deployment can start from.
    """
    _check(parameters)
    code = bundle()
    artifacts = ArtifactBucket(clients, artifact_bucket or _parameters_of(stack.describe()).get("CodeBucket"))
    own = {"CodeBucket": artifacts.name, "CodeKey": code.key, "Release": release()}
    if (clients.endpoint_url or "").startswith("http:"):  # an emulator, which could not be reached otherwise
        own["RequireTls"] = "false"
    text = template_for(Location(stack.name, artifacts.account, artifacts.region))
    template = Artifact.of("templates", text.encode(), "yaml")
    artifacts.ensure()
    artifacts.upload(template)
    return Preparation(stack.plan(artifacts.url(template), {**parameters, **own}), stack, code, artifacts)


def _parameters_of(deployed: StackTypeDef | None) -> dict[str, str]:
    found = deployed.get("Parameters", []) if deployed else []
    return {item["ParameterKey"]: item["ParameterValue"] for item in found}


def _check(parameters: Iterable[str]) -> None:
    settable = [name for name in parameter_names() if name not in OURS]
    for name in parameters:
        if name not in settable:
            raise UsageError(f"there is no parameter {name!r}", f"The parameters are {', '.join(settable)}.")
