"""Prints the events of a stack on stderr as they happen."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stockctl.deployment.resource_event import ResourceEvent
    from stockctl.terminal.environment import Environment
    from stockctl.terminal.progress import Step


def show_events(environment: Environment, stack: str, events: Iterable[ResourceEvent]) -> None:
    """Prints each event. On Ctrl-C it prints that CloudFormation continues anyway."""
    from stockctl.terminal.progress import Progress

    try:
        with Progress(environment) as progress:
            for event in events:
                progress.tell(_step(event))
    except KeyboardInterrupt:
        environment.tell(
            f"stockctl: CloudFormation continues with stack {stack}; "
            f"`stockctl deploy --follow --stack {stack}` shows the rest"
        )
        raise


def _step(event: ResourceEvent) -> Step:
    from stockctl.terminal.progress import Stage, Step

    stage = Stage.FAILED if event.failed else Stage.DONE if event.is_over else Stage.BEGUN
    return Step(event.what, event.doing, stage, event.elapsed, event.reason or "")
