"""`stockctl destroy`: removes a stack, and keeps its data unless told otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from stockctl.cli.deploy import undeployed_target
from stockctl.cli.session import Session, with_session
from stockctl.cli.stack_events import tell_events
from stockctl.domain.errors import UsageError
from stockctl.terminal.output import Column, Table

if TYPE_CHECKING:
    from stockctl.aws.clients import Clients
    from stockctl.deployment.template import Kept


@with_session
def destroy(
    session: Session,
    confirm: Annotated[
        str, typer.Option(metavar="NAME", help="The name of the stack, once more. On a terminal you are asked for it.")
    ] = "",
    delete_data: Annotated[
        bool, typer.Option("--delete-data", help="Delete the tables and the drop bucket with all they hold, too.")
    ] = False,
) -> None:
    """Remove the stack: functions, API, queues, streams, logs. Tables and drop bucket are kept.

    A later `deploy` of the same name takes what was kept in again. --delete-data keeps nothing, also of a stack that
    went before.

    Examples:
        stockctl destroy --stack trial --confirm trial
        stockctl destroy --stack trial --confirm trial --delete-data
    """
    from stockctl.aws.clients import Clients
    from stockctl.deployment.removal import what_holds_data
    from stockctl.deployment.stack import Stack

    name = session.settings.stack
    if not _may_ask(session):
        _check(name, confirm, delete_data=delete_data)
    clients = Clients.of_target(undeployed_target(session))
    data = what_holds_data(clients, name)
    _warn(session, name, data, delete_data=delete_data)
    if _may_ask(session):
        answer = confirm or session.environment.asks(f"Type the name of the stack, {name}, to go on:")
        _check(name, answer, delete_data=delete_data)
    gone = tell_events(session.environment, name, Stack(clients, name).delete()) > 0
    if delete_data:
        gone = _delete_data(session, clients, data) or gone
    _show(session, name, data, gone=gone, delete_data=delete_data)


def _may_ask(session: Session) -> bool:
    return session.environment.stdin_is_terminal and session.environment.stderr_is_terminal


def _check(name: str, confirmed: str, *, delete_data: bool) -> None:
    if confirmed != name:
        more = " --delete-data" if delete_data else ""
        raise UsageError(
            f"stack {name} is destroyed only when its name is said again",
            f"If that is meant: `stockctl destroy --stack {name} --confirm {name}{more}`.",
        )


def _warn(session: Session, name: str, data: Kept, *, delete_data: bool) -> None:
    held = ", ".join([*(f"table {table}" for table in data.tables), *(f"bucket {bucket}" for bucket in data.buckets)])
    tell = session.environment.tell
    tell(f"stockctl: deletes stack {name} with its functions, API, queues, stream and logs")
    if held:
        tell(f"stockctl: deletes for good {held}, and all they hold" if delete_data else f"stockctl: keeps {held}")


def _delete_data(session: Session, clients: Clients, data: Kept) -> bool:
    from stockctl.deployment.removal import delete_data
    from stockctl.terminal.progress import Progress, Stage, Step

    gone = False
    with Progress(session.environment) as progress:
        for removed in delete_data(clients, data):
            gone = gone or removed.is_gone
            counted = f"{removed.objects:,} object versions gone" if removed.objects else ""
            stage = Stage.DONE if removed.is_gone else Stage.BEGUN
            progress.tell(Step(removed.what, "deleted" if removed.is_gone else "deleting", stage, reason=counted))
    return gone


def _show(session: Session, name: str, data: Kept, *, gone: bool, delete_data: bool) -> None:
    kept = [] if delete_data else [*data.tables, *data.buckets]
    status = "destroyed" if gone else "absent"
    if kept:
        session.environment.tell(
            f"stockctl: what is kept: `stockctl deploy --stack {name}` takes it in again, "
            f"`stockctl destroy --stack {name} --confirm {name} --delete-data` deletes it"
        )
    document = {"stack": name, "status": status, "kept": kept}
    rows = [(name, status, ", ".join(kept))]
    session.output.show(document, Table([Column("stack"), Column("status"), Column("kept")], rows))
