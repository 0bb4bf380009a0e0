"""`stockctl destroy`: removes a stack; its data is kept unless it is to be deleted, too."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from stockctl.cli.session import Session, with_session
from stockctl.cli.stack_events import show_events, show_removal
from stockctl.domain.errors import StockctlError, UsageError
from stockctl.terminal.output import Field, Listing

if TYPE_CHECKING:
    from stockctl.aws.clients import Clients
    from stockctl.deployment.stack import Stack
    from stockctl.deployment.template import Kept


@dataclass(frozen=True)
class Destroyed:
    """A stack that is gone, the tables and buckets that were kept, and the parameters that could not be."""

    stack: str
    kept: Sequence[str]
    parameters: Mapping[str, str]


DESTROYED: Sequence[Field[Destroyed]] = (
    Field("stack", lambda destroyed: destroyed.stack),
    Field("status", lambda _: "destroyed"),
    Field("kept", lambda destroyed: list(destroyed.kept)),
)


@with_session
def destroy(
    session: Session,
    confirm: Annotated[
        str, typer.Option(metavar="NAME", help="Name of the stack, as confirmation. Default: asked on a terminal.")
    ] = "",
    delete_data: Annotated[
        bool, typer.Option("--delete-data", help="Also delete tables and drop bucket with their content.")
    ] = False,
) -> None:
    """Remove the stack: functions, API, queues, streams, logs. Tables and drop bucket are kept.

    A later `deploy` with the same name imports them again, and the template parameters with them. --delete-data deletes
    the data, too, including data kept from an earlier stack.

    Examples:
        stockctl destroy --stack trial --confirm trial
        stockctl destroy --stack trial --confirm trial --delete-data
    """
    from stockctl.aws.clients import Clients
    from stockctl.cli.remember import report_default
    from stockctl.deployment.removal import what_holds_data
    from stockctl.deployment.stack import Stack

    name = session.settings.stack
    if not _may_ask(session):
        _check(name, confirm, delete_data=delete_data)
    clients = Clients.of_target(session.undeployed_target)
    stack, data = Stack(clients, name), what_holds_data(clients, name)
    _check_exists(stack, data, delete_data=delete_data)
    _warn(session, name, data, delete_data=delete_data)
    if _may_ask(session):
        answer = confirm or session.environment.asks(f"Type the name of the stack, {name}, to continue:")
        _check(name, answer, delete_data=delete_data)
    lost = {} if delete_data else _keep_parameters(clients, stack)
    # What the stack leaves behind is not kept if it is deleted next.
    show_events(session.environment, name, (each for each in stack.delete() if not (delete_data and each.is_kept)))
    if delete_data:
        show_removal(session.environment, clients, data)
    _show(session, Destroyed(name, () if delete_data else (*data.tables, *data.buckets), lost))
    report_default(session)


def _may_ask(session: Session) -> bool:
    return session.environment.stdin_is_terminal and session.environment.stderr_is_terminal


def _check(name: str, confirmed: str, *, delete_data: bool) -> None:
    if confirmed != name:
        more = " --delete-data" if delete_data else ""
        raise UsageError(
            f"destroying stack {name} needs its name as confirmation",
            f"To go ahead: `stockctl destroy --stack {name} --confirm {name}{more}`.",
        )


def _check_exists(stack: Stack, data: Kept, *, delete_data: bool) -> None:
    """Refuses to destroy nothing.

    Raises:
        StockctlError: there is no stack of this name, and no data of one that is to be deleted.
    """
    if stack.describe() is not None or (delete_data and (data.tables or data.buckets)):
        return
    kept = [*data.tables, *data.buckets]
    raise StockctlError(
        f"there is no stack {stack.name}" + (f"; {', '.join(kept)} of an earlier one are kept" if kept else ""),
        "To delete them, add --delete-data." if kept else "Check --stack, and the cloud named above.",
    )


def _keep_parameters(clients: Clients, stack: Stack) -> Mapping[str, str]:
    """Keeps the stack's parameters with its data, and returns those that could not be kept."""
    from stockctl.deployment.kept_parameters import keep_parameters
    from stockctl.deployment.parameters import chosen_parameters
    from stockctl.deployment.stack import parameters_of

    return keep_parameters(clients, stack.name, chosen_parameters(parameters_of(stack.describe())))


def _warn(session: Session, name: str, data: Kept, *, delete_data: bool) -> None:
    held = ", ".join([*(f"table {table}" for table in data.tables), *(f"bucket {bucket}" for bucket in data.buckets)])
    note = session.environment.note
    note(f"stockctl: deletes stack {name} with its functions, API, queues, stream and logs")
    if held:
        note(f"stockctl: deletes {held} and everything in them" if delete_data else f"stockctl: keeps {held}")


def _show(session: Session, destroyed: Destroyed) -> None:
    name = destroyed.stack
    if destroyed.kept:
        session.environment.note(
            f"stockctl: data is kept: `stockctl deploy --stack {name}{_options(destroyed.parameters)}` imports it "
            "again, with the same parameters; "
            f"`stockctl destroy --stack {name} --confirm {name} --delete-data` deletes it"
        )
    session.output.show(Listing(DESTROYED, [destroyed], is_document=True))


def _options(parameters: Mapping[str, str]) -> str:
    """The options of `deploy` that set these parameters."""
    return "".join(f" -p {shlex.quote(f'{name}={value}')}" for name, value in parameters.items())
