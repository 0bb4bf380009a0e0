"""Brings a stack on the embedded cloud up to date with the code that is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stockctl.aws.clients import Clients
from stockctl.aws.deployment import is_current, plan
from stockctl.aws.stack import Stack
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
    planned = plan(clients, stack, {})
    for _ in stack.execute(planned):
        pass  # a deployment that a command needs on its way shows only that it fails
