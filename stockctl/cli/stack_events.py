"""Prints the events of a stack on stderr as they happen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stockctl.terminal.progress import Progress, Stage, Step

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stockctl.aws.clients import Clients
    from stockctl.deployment.resource_event import ResourceEvent
    from stockctl.deployment.template import Kept
    from stockctl.terminal.environment import Environment


def show_events(environment: Environment, stack: str, events: Iterable[ResourceEvent]) -> None:
    """Prints each event. On Ctrl-C it prints that CloudFormation continues anyway."""
    try:
        show_steps(environment, events)
    except KeyboardInterrupt:
        environment.note(
            f"stockctl: CloudFormation continues with stack {stack}; "
            f"`stockctl deploy --follow --stack {stack}` shows the rest"
        )
        raise


def show_steps(environment: Environment, events: Iterable[ResourceEvent]) -> None:
    """Prints each event."""
    with Progress(environment) as progress:
        for event in events:
            progress.show(_step(event))


def show_removal(environment: Environment, clients: Clients, data: Kept) -> None:
    """Deletes tables and buckets with their content, and prints each one."""
    from stockctl.deployment.removal import delete_data

    with Progress(environment) as progress:
        for removed in delete_data(clients, data):
            counted = f"{removed.objects:,} object versions deleted" if removed.objects else ""
            stage = Stage.DONE if removed.is_gone else Stage.BEGUN
            progress.show(Step(removed.what, "deleted" if removed.is_gone else "deleting", stage, reason=counted))


def _step(event: ResourceEvent) -> Step:
    stage = Stage.FAILED if event.failed else Stage.DONE if event.is_over else Stage.BEGUN
    return Step(event.what, event.doing, stage, event.elapsed, event.reason or "")
