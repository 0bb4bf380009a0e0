"""Brings a stack on the embedded cloud up to date with the code that is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stockctl.aws.clients import Clients
from stockctl.deployment.deploy import is_current, prepare
from stockctl.deployment.stack import Stack
from stockctl.domain.errors import StockctlError
from stockctl.local.home import Home
from stockctl.local.target import local_target

if TYPE_CHECKING:
    from stockctl.aws.target import Target
    from stockctl.local.home import Run
    from stockctl.terminal.environment import Environment


def deploy_if_needed(name: str, run: Run, environment: Environment) -> Target:
    """The target of stack `name`, deployed anew unless what is there is this template and this bundle."""
    target = local_target(name, run)
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
