"""`stockctl deploy`: puts the stack into the cloud, or brings it up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from stockctl.cli.session import Session, with_session
from stockctl.domain.errors import UsageError
from stockctl.terminal.output import Column, Table

if TYPE_CHECKING:
    from stockctl.aws.stack import Plan, Stack
    from stockctl.aws.target import Target


@with_session
def deploy(
    session: Session,
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "--parameter",
            "-p",
            metavar="NAME=VALUE",
            help="A template parameter: Shards, TimeZone, ApiAuthorization, FunctionMemory, LogRetention. "
            "The next deploy remembers it.",
        ),
    ] = None,
) -> None:
    """Deploy the stack, or bring it up to date. With nothing to change it says so.

    Examples:
        stockctl deploy --local
        stockctl deploy --aws --parameter TimeZone=Europe/London
    """
    from stockctl.aws.clients import Clients
    from stockctl.aws.deployment import outputs_of, plan
    from stockctl.aws.stack import Stack

    parameters = _parameters(parameter or [])
    target = undeployed_target(session)
    clients = Clients.of_target(target)
    stack = Stack(clients, target.stack)
    planned = plan(clients, stack, parameters)
    _execute(session, stack, planned)
    outputs = outputs_of(clients, target)
    status = "unchanged" if planned.is_empty else "created" if planned.creates else "updated"
    session.output.show(_document(target.stack, status, outputs), _table(outputs))
    session.environment.tell("Next: `stockctl ingest FILE`, `stockctl stock`, `stockctl use ham=10`, `stockctl watch`.")


def undeployed_target(session: Session) -> Target:
    """Where to deploy to. Unlike other commands this one must not deploy to the embedded cloud just to find it."""
    from stockctl.cli.target import resolve

    target = resolve(session.settings, session.environment, deployed=False)
    session.environment.tell(f"stockctl: {target.describe()}")
    return target


def _execute(session: Session, stack: Stack, planned: Plan) -> None:
    from stockctl.terminal.progress import tell_step

    if planned.is_empty:
        session.environment.tell(f"stockctl: stack {stack.name} is up to date: nothing to change")
        return
    for event in stack.execute(planned):
        what = f"{event.logical_id} ({event.resource_type})"
        tell_step(
            session.environment, event.elapsed, what if not event.reason else f"{what}: {event.reason}", event.status
        )


def _parameters(given: list[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    for name, equals, _ in pairs:
        if not (name and equals):
            raise UsageError(f"{name!r} is not NAME=VALUE", "As in `--parameter TimeZone=Europe/London`.")
    return {name: value for name, _, value in pairs}


def _document(stack: str, status: str, outputs: dict[str, str]) -> dict[str, Any]:
    return {"stack": stack, "status": status, "outputs": outputs}


def _table(outputs: dict[str, str]) -> Table:
    return Table(columns=[Column("output"), Column("value")], rows=sorted(outputs.items()))
