"""How a command gets to a stack on the embedded cloud: start the cloud, and deploy the installed version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stockctl.aws.clients import Clients
from stockctl.deployment.deploy import current, prepare
from stockctl.deployment.stack import Stack
from stockctl.domain.errors import StockctlError
from stockctl.local.cloud import EmbeddedCloud, Started
from stockctl.local.home import Home

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_cloudformation.type_defs import StackTypeDef

    from stockctl.aws.target import Target
    from stockctl.terminal.environment import Environment


def ensure_running(
    stack: str,
    environment: Environment,
    clients_of: Callable[[Target], Clients] = Clients.of_target,
    *,
    create: bool = True,
) -> tuple[Target, StackTypeDef | None]:
    """The stack on the embedded cloud, which is started when it does not run; and its description, if one was read.

    A stack of another version is brought up to date; a missing one is deployed only to `create` it.
    """
    target = start(environment, anywhere=True).run.target(stack)
    return target, _deploy_if_needed(stack, clients_of(target), environment, create=create)


def start(environment: Environment, port: int | None = None, *, anywhere: bool = False) -> Started:
    """Starts the embedded cloud, with a message where that takes a while or state is not kept as it should be."""
    cloud = EmbeddedCloud(environment.variables)
    named = cloud.named_port()
    if cloud.running() is None:
        environment.note("stockctl: starting the embedded cloud")
    started = cloud.up(port, anywhere=anywhere)
    if port is None and named not in {None, started.run.port}:
        environment.note(f"stockctl: the embedded cloud runs on port {started.run.port}, not on {named}")
    for problem in cloud.home.problems():
        environment.note(f"stockctl: {problem}")
    return started


def _deploy_if_needed(name: str, clients: Clients, environment: Environment, *, create: bool) -> StackTypeDef | None:
    """Deploys stack `name` unless it is missing and not to be created. Returns its description if it was current."""
    stack = Stack(clients, name)
    deployed = current(stack)
    if deployed is None and (create or stack.describe()):
        with Home.of(environment.variables).alone("deploying"):
            deployed = current(stack)  # another command may have deployed it meanwhile
            if deployed is None:
                environment.note(f"stockctl: deploying stack {name} to the embedded cloud")
                _deploy(stack, clients, environment)
    return deployed


def _deploy(stack: Stack, clients: Clients, environment: Environment) -> None:
    """Deploys, unless data would be lost: nobody has asked for this deployment."""
    preparation = prepare(clients, stack, {})
    lost = [change.logical_id for change in preparation.plan.changes if change.touches_data]
    if lost:
        preparation.discard()
        raise StockctlError(
            f"this version of stockctl would replace {', '.join(lost)} of stack {stack.name}",
            "`stockctl deploy --local` asks and does it; `stockctl local reset` starts over.",
        )
    for line in preparation.notes():
        environment.note(line)
    for _ in preparation.execute():
        pass  # only a failure of this deployment is worth showing
