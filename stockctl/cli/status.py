"""`stockctl status`: how the service is, on one screen."""

from __future__ import annotations

from stockctl.cli.findings import show_findings
from stockctl.cli.session import Session, with_session


@with_session
def status(session: Session) -> None:
    """Look at the stack, its functions, streams, queues, alarms and stock; say how to mend what is wrong.

    Exit code 1 says that something needs mending.

    Examples:
        stockctl status
        stockctl status --output json
    """
    from functools import partial

    from stockctl.client.deployment import Deployment
    from stockctl.client.health import Health, looked_at
    from stockctl.deployment.deploy import stack_findings
    from stockctl.deployment.stack import Stack

    clients, name = session.clients, session.target.stack
    deployment = Deployment.of(clients, session.target)
    of_stack = looked_at("stack", partial(stack_findings, Stack(clients, name)))
    show_findings(session, [*of_stack, *Health(clients, name, deployment).findings()])
