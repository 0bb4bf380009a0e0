"""A stack that is deployed, by the names of its parts, and how one comes to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stockctl.aws.artifacts import ArtifactBucket
from stockctl.aws.bundle import bundle
from stockctl.aws.stack import Plan, Stack
from stockctl.aws.template import parameter_names, template_text
from stockctl.domain.errors import StockctlError, UsageError

if TYPE_CHECKING:
    from stockctl.aws.clients import Clients
    from stockctl.aws.target import Target


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
    parameters = {item["ParameterKey"]: item["ParameterValue"] for item in deployed.get("Parameters", [])}
    return parameters.get("CodeKey") == bundle().key and _essence(stack.template()) == _essence(template_text())


def plan(clients: Clients, stack: Stack, parameters: dict[str, str]) -> Plan:
    """Uploads the bundle and has CloudFormation compare it, the template and `parameters` with what is deployed.

    Raises:
        UsageError: a parameter that the template does not have, or that is not for the caller to set.
    """
    template = template_text()
    _check(parameters, template)
    code = bundle()
    artifacts = ArtifactBucket(clients)
    artifacts.ensure()
    artifacts.upload(code)
    own = {"CodeBucket": artifacts.name, "CodeKey": code.key}
    if (clients.endpoint_url or "").startswith("http:"):  # an emulator, which could not be reached otherwise
        own["RequireTls"] = "false"
    return stack.plan(template, parameters | own)


def _check(parameters: dict[str, str], template: str) -> None:
    settable = [name for name in parameter_names(template) if not name.startswith("Code")]
    for name in parameters:
        if name not in settable:
            raise UsageError(f"there is no parameter {name!r}", f"The parameters are {', '.join(settable)}.")


def _field(output: str) -> str:
    """`StockTable` becomes `stock_table`."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in output).lstrip("_")


def _essence(template: str) -> list[str]:
    """A template without its comments: CloudFormation finds nothing to change in those, and keeps the old text."""
    return [line for line in template.splitlines() if line.strip() and not line.lstrip().startswith("#")]
