"""`stockctl failures`: what could not be worked off, and running it again."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from stockctl.cli.session import Session, with_session
from stockctl.domain.errors import ExitCode, UsageError
from stockctl.terminal.output import Column, Table

if TYPE_CHECKING:
    from stockctl.aws.failure_queues import Failure, FailureQueues


class Action(StrEnum):
    """What to do about failures."""

    LIST = "list"
    SHOW = "show"
    RETRY = "retry"


@with_session
def failures(
    session: Session,
    action: Annotated[Action, typer.Argument(metavar="list|show|retry", help="What to do.")] = Action.LIST,
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="ID...", help="Which ones, by how their ids begin. Default: all.")
    ] = None,
) -> None:
    """List what deliveries and stream records failed for good, show them whole, or run them again.

    A failure is deleted once running it again has gone well. Exit code 1 says that one has failed again.

    Examples:
        stockctl failures
        stockctl failures retry 3f2a
    """
    from stockctl.aws.deployment import Deployment
    from stockctl.aws.failure_queues import FailureQueues

    queues = FailureQueues(session.clients, Deployment.of(session.clients, session.target))
    found = queues.failures()
    chosen = [failure for failure in found if _is_meant(failure, ids)]
    if action is not Action.RETRY or not chosen:
        queues.release(found)
    else:
        queues.release(failure for failure in found if failure not in chosen)
    if ids and not chosen:
        raise UsageError(f"no failure has an id that begins with {' or '.join(ids)}", "`stockctl failures` lists them.")
    {Action.LIST: _list, Action.SHOW: _show, Action.RETRY: lambda *_: _retry(session, queues, chosen)}[action](
        session, chosen
    )


def _is_meant(failure: Failure, ids: list[str] | None) -> bool:
    return not ids or any(failure.failure_id.startswith(each) for each in ids)


def _list(session: Session, found: list[Failure]) -> None:
    columns = [Column(name) for name in ("id", "at", "function", "about", "error")]
    rows = [[each.failure_id, each.at, each.function, each.subject, each.error] for each in found]
    document = [
        {
            "id": each.failure_id,
            "at": each.at,
            "function": each.function,
            "about": each.subject,
            "error": each.error,
            "condition": each.condition,
        }
        for each in found
    ]
    session.output.show(document, Table(columns, rows))
    session.environment.tell("`stockctl failures retry` runs them again" if found else "no failures")


def _show(session: Session, found: list[Failure]) -> None:
    for each in found:
        session.output.json({"id": each.failure_id, "function": each.function, "record": each.body})


def _retry(session: Session, queues: FailureQueues, chosen: list[Failure]) -> None:
    outcomes = []
    for failure in chosen:
        fault = queues.retry(failure)
        session.environment.tell(f"{failure.failure_id}: {fault or 'done'}")
        outcomes.append((failure, fault))
    document = [
        {"id": failure.failure_id, "function": failure.function, "done": fault is None, "error": fault or ""}
        for failure, fault in outcomes
    ]
    rows = [
        [failure.failure_id, failure.function, "failed again" if fault else "done", fault or ""]
        for failure, fault in outcomes
    ]
    session.output.show(document, Table([Column(name) for name in ("id", "function", "state", "error")], rows))
    if any(fault for _, fault in outcomes):
        raise typer.Exit(ExitCode.FAILED)
