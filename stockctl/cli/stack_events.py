"""Tells on stderr what CloudFormation does, as it does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stockctl.deployment.resource_event import ResourceEvent
    from stockctl.terminal.environment import Environment
    from stockctl.terminal.progress import Progress, Step


def tell_events(environment: Environment, stack: str, events: Iterable[ResourceEvent]) -> int:
    """Tells each event; how many there were. Who interrupts it is told that CloudFormation goes on all the same."""
    from stockctl.terminal.progress import Progress

    try:
        with Progress(environment) as progress:
            return _told(progress, events)
    except KeyboardInterrupt:
        environment.tell(
            f"stockctl: CloudFormation goes on with stack {stack}; "
            f"`stockctl deploy --follow --stack {stack}` shows the rest"
        )
        raise


def _told(progress: Progress, events: Iterable[ResourceEvent]) -> int:
    count = 0
    for event in events:
        count += 1
        progress.tell(_step(event))
    return count


def _step(event: ResourceEvent) -> Step:
    from stockctl.terminal.progress import Stage, Step

    stage = Stage.FAILED if event.failed else Stage.DONE if event.is_over else Stage.BEGUN
    return Step(event.what, event.doing, stage, event.elapsed, event.reason or "")
