"""`stockctl destroy`: removes a stack and all it holds."""

from __future__ import annotations

from typing import Annotated

import typer

from stockctl.cli.deploy import undeployed_target
from stockctl.cli.session import Session, with_session
from stockctl.domain.errors import UsageError
from stockctl.terminal.output import Column, Table


@with_session
def destroy(
    session: Session,
    confirm: Annotated[
        str, typer.Option(metavar="NAME", help="The name of the stack, once more, as all of its stock goes with it.")
    ] = "",
) -> None:
    """Remove the stack with its tables, deliveries and logs.

    Examples:
        stockctl destroy --stack trial --confirm trial
    """
    from stockctl.aws.clients import Clients
    from stockctl.aws.removal import remove
    from stockctl.aws.stack import Stack
    from stockctl.terminal.progress import tell_step

    name = session.settings.stack
    if confirm != name:
        raise UsageError(
            f"destroying stack {name} deletes its stock, its deliveries and its logs",
            f"If that is meant: `stockctl destroy --stack {name} --confirm {name}`.",
        )
    clients = Clients.of_target(undeployed_target(session))
    status = "absent"
    for event in remove(clients, Stack(clients, name)):
        status = "destroyed"
        tell_step(session.environment, event.elapsed, f"{event.logical_id} ({event.resource_type})", event.status)
    session.output.show(
        {"stack": name, "status": status}, Table(columns=[Column("stack"), Column("status")], rows=[(name, status)])
    )
