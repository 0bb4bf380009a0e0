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
    from stockctl.aws.health import Health
    from stockctl.deployment.deploy import Deployment

    deployment = Deployment.of(session.clients, session.target)
    show_findings(session, list(Health(session.clients, session.target.stack, deployment).findings()))
