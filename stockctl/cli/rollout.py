"""What a command does on its way to a stack on the embedded cloud: start the cloud, and deploy what is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stockctl.aws.clients import Clients
from stockctl.deployment.deploy import is_current, prepare
from stockctl.deployment.stack import Stack
from stockctl.domain.errors import StockctlError
from stockctl.local.cloud import EmbeddedCloud, Started
from stockctl.local.home import Home

if TYPE_CHECKING:
    from stockctl.aws.target import Target
    from stockctl.local.home import Run
    from stockctl.terminal.environment import Environment


def ensure_running(stack: str, environment: Environment) -> Target:
    """The stack on the embedded cloud: started when it does not run, deployed when it is missing or not this code."""
    return _deploy_if_needed(stack, start(environment, anywhere=True).run, environment)


def ensure_started(stack: str, environment: Environment) -> Target:
    """A stack on the embedded cloud, which is started when it does not run; whether the stack is there is left open."""
    return start(environment, anywhere=True).run.target(stack)


def start(environment: Environment, port: int | None = None, *, anywhere: bool = False) -> Started:
    """`up`, with a word to the user where it takes a while or something may be lost."""
    cloud = EmbeddedCloud(environment.variables)
    if cloud.running() is None:
        environment.tell("stockctl: starting the embedded cloud")
    started = cloud.up(port, anywhere=anywhere)
    if started.lost_since:
        environment.tell(f"stockctl: its last run was cut off; changes since {started.lost_since} may be lost")
    return started


def _deploy_if_needed(name: str, run: Run, environment: Environment) -> Target:
    """The target of stack `name`, deployed anew unless what is there is this template and this bundle."""
    target = run.target(name)
    clients = Clients.of_target(target)
    stack = Stack(clients, name)
    if not is_current(stack):
        with Home.of(environment.variables).alone("deploying"):
            if not is_current(stack):  # else another command has done it meanwhile
                environment.tell(f"stockctl: deploying stack {name} to the embedded cloud")
                _deploy(stack, clients)
    return target


def _deploy(stack: Stack, clients: Clients) -> None:
    """Deploys, but not where data would be lost: nobody has asked for this deployment by name."""
    preparation = prepare(clients, stack, {})
    lost = [change.logical_id for change in preparation.plan.changes if change.touches_data]
    if lost:
        preparation.discard()
        raise StockctlError(
            f"this version of stockctl would replace {', '.join(lost)} of stack {stack.name}",
            "`stockctl deploy --local` does it once you agree; `stockctl local reset` begins anew.",
        )
    for _ in preparation.execute():
        pass  # a deployment that a command needs on its way shows only that it fails
