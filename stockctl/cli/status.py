"""`stockctl status`: the health of the service, on one screen."""

from __future__ import annotations

from stockctl.cli.findings import show_findings
from stockctl.cli.session import Session, with_session


@with_session
def status(session: Session) -> None:
    """Check the stack, its functions, streams, queues, alarms and stock; show how to fix what is wrong.

    Calls are counted per function. Commands that write to the tables themselves, such as `return`, `discard` and
    `count`, are not counted.

    Exits with 1 if something needs fixing.

    Examples:
        stockctl status
        stockctl status --output json
    """
    from functools import partial

    from stockctl.client.health import Health, looked_at
    from stockctl.deployment.deploy import stack_findings
    from stockctl.deployment.stack import Stack

    clients, name = session.clients, session.target.stack
    of_stack = looked_at("stack", partial(stack_findings, Stack(clients, name)))
    show_findings(session, [*of_stack, *Health(clients, name, session.deployment).findings()])
