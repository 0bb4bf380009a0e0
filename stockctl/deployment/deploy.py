"""A stack that is deployed, by the names of its parts, and how one comes to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stockctl.deployment.artifacts import ArtifactBucket
from stockctl.deployment.bundle import Bundle, bundle
from stockctl.deployment.change_set import Plan
from stockctl.deployment.stack import ResourceEvent, Stack
from stockctl.deployment.template import Place, parameter_names, release, template_for, template_text
from stockctl.domain.errors import StockctlError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mypy_boto3_cloudformation.type_defs import StackTypeDef

    from stockctl.aws.clients import Clients
    from stockctl.aws.target import Target

OURS = {"CodeBucket", "CodeKey", "Release"}
"""Parameters that a deployment sets itself."""


@dataclass(frozen=True)
class Deployment:
    """The outputs of a stack. Queues are URLs; `api_url` is where `/stock` and `/transactions` are put behind."""

    stock_table: str
    transaction_table: str
    drop_bucket: str
    level_stream: str
    api_id: str
    api_url: str
    receive_failure_queue: str
    stream_failure_queue: str
    stock_received_function: str
    stock_expired_function: str
    stock_updated_function: str
    post_transaction_function: str
    post_transactions_function: str
    get_stock_function: str
    time_zone: str

    @property
    def functions(self) -> dict[str, str]:
        """The functions: the name that the template gives each, and the one it bears in Lambda."""
        suffix = "_function"
        fields = [field for field in self.__dataclass_fields__ if field.endswith(suffix)]
        return {
            "".join(part.capitalize() for part in field.removesuffix(suffix).split("_")): getattr(self, field)
            for field in fields
        }

    @classmethod
    def of(cls, clients: Clients, target: Target) -> Deployment:
        """Reads the outputs of the target's stack.

        Raises:
            StockctlError: the stack is not there, or lacks an output.
        """
        outputs = outputs_of(clients, target)
        fields = {_field(key): value for key, value in outputs.items()}
        missing = [name for name in cls.__dataclass_fields__ if name not in fields]
        if missing:
            raise StockctlError(
                f"stack {target.stack} has no {', '.join(missing)}: it is not, or not yet, one of stockctl's",
                "Run `stockctl deploy`.",
            )
        return cls(**{name: fields[name] for name in cls.__dataclass_fields__})


def outputs_of(clients: Clients, target: Target) -> dict[str, str]:
    """The outputs of the target's stack, with an `ApiUrl` that can be called from here."""
    outputs = Stack(clients, target.stack).outputs()
    if target.endpoint_url and "ApiId" in outputs:
        # The emulator's host names do not resolve everywhere; its path does.
        outputs["ApiUrl"] = f"{target.endpoint_url}/_aws/execute-api/{outputs['ApiId']}"
    return outputs


def is_current(stack: Stack) -> bool:
    """Whether what is deployed is this very template and this very bundle."""
    deployed = stack.describe()
    if deployed is None or deployed["StackStatus"] not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
        return False
    parameters = _parameters_of(deployed)
    return parameters.get("CodeKey") == bundle().key and parameters.get("Release") == release()


@dataclass(frozen=True)
class Preparation:
    """A deployment that was planned and not begun: the plan, and the code that must be there before that runs."""

    plan: Plan
    stack: Stack
    code: Bundle
    artifacts: ArtifactBucket

    def execute(self) -> Iterator[ResourceEvent]:
        """Uploads the code, carries the plan out, and yields each event as it comes.

        Raises:
            StockctlError: a resource failed; names the first that did and why.
        """
        if not self.plan.is_empty:
            self.artifacts.ensure()
            self.artifacts.upload(self.code)
            yield from self.stack.execute(self.plan)

    def discard(self) -> None:
        """Takes the plan back, so that nothing has changed."""
        self.stack.discard(self.plan)


def prepare(
    clients: Clients, stack: Stack, parameters: Mapping[str, str], artifact_bucket: str | None = None
) -> Preparation:
    """Has CloudFormation compare the template, the code and `parameters` with what is deployed; changes nothing.

    Code goes to `artifact_bucket`, else to the one it went to before, else to one that is made for it.

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
    template = template_for(Place(stack.name, artifacts.account, artifacts.region))
    return Preparation(stack.plan(template, {**parameters, **own}), stack, code, artifacts)


def _parameters_of(deployed: StackTypeDef | None) -> dict[str, str]:
    found = deployed.get("Parameters", []) if deployed else []
    return {item["ParameterKey"]: item["ParameterValue"] for item in found}


def _check(parameters: Iterable[str]) -> None:
    settable = [name for name in parameter_names(template_text()) if name not in OURS]
    for name in parameters:
        if name not in settable:
            raise UsageError(f"there is no parameter {name!r}", f"The parameters are {', '.join(settable)}.")


def _field(output: str) -> str:
    """`StockTable` becomes `stock_table`."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in output).lstrip("_")
