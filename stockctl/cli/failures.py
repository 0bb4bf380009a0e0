"""`stockctl failures`: what could not be worked off, and running it again."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stockctl.cli.completion import complete_failures, remember_failures
from stockctl.cli.session import Session, with_session
from stockctl.domain.errors import ExitCode, StockctlError, UsageError
from stockctl.terminal.figures import local
from stockctl.terminal.output import Column, Table

if TYPE_CHECKING:
    from stockctl.client.failure_queues import FailureQueues, Held

GIST = 240
"""Letters of an error that a table shows."""
_ANSWERED = re.compile(r"An error occurred \((\w+)\) when calling the (\w+) operation(?: \([^)]*\))?")
"""How boto3 begins what AWS said."""


class Action(StrEnum):
    """What to do about failures."""

    LIST = "list"
    SHOW = "show"
    RETRY = "retry"


@with_session
def failures(
    session: Session,
    action: Annotated[
        Action, typer.Argument(metavar="list|show|retry", help="What to do; list, if nothing is said.")
    ] = Action.LIST,
    ids: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ID...", help="Which ones, by how their ids begin. Default: all.", autocompletion=complete_failures
        ),
    ] = None,
) -> None:
    """List what deliveries and stream records failed for good, show them whole, or run them again.

    A failure is deleted once running it again has gone well. Exit code 1 says that one has failed again.

    Examples:
        stockctl failures
        stockctl failures show 3f2a
        stockctl failures retry 3f2a
    """
    from stockctl.client.deployment import Deployment
    from stockctl.client.failure_queues import FailureQueues

    queues = FailureQueues(session.clients, Deployment.of(session.clients, session.target))
    with queues.held() as held:
        chosen = _chosen(held, ids or [])
        if action is Action.RETRY:
            outcomes = [(each, _retried(session, queues, each)) for each in chosen]
    remember_failures(session.settings.stack, [each.failure.failure_id for each in held])
    if action is Action.LIST:
        _list(session, chosen)
    elif action is Action.SHOW:
        _show(session, chosen)
    else:
        _tell_outcomes(session, outcomes)


def _chosen(held: Sequence[Held], ids: Sequence[str]) -> list[Held]:
    """Those whose ids begin so, or all.

    Raises:
        UsageError: there is none of an id.
    """
    for wanted in ids:
        if not any(each.failure.failure_id.startswith(wanted) for each in held):
            raise UsageError(f"no failure has an id that begins with {wanted!r}", "`stockctl failures` lists them.")
    return [each for each in held if not ids or each.failure.failure_id.startswith(tuple(ids))]


def _retried(session: Session, queues: FailureQueues, held: Held) -> str | None:
    """Why it failed again; None if it is done. A fault of one is no reason not to try the next."""
    from botocore.exceptions import BotoCoreError, ClientError

    from stockctl.aws.errors import translated

    fault = None
    try:
        queues.retry(held)
    except (StockctlError, ClientError, BotoCoreError) as error:
        known = error if isinstance(error, StockctlError) else translated(error)
        fault = known.message if known else str(error)
    session.environment.passing(f"{held.failure.failure_id}: {fault or 'done'}")
    return fault


def _list(session: Session, found: Sequence[Held]) -> None:
    columns = [Column("id"), Column("at", folds=False, yields=1), Column("function"), Column("about"), Column("error")]
    plain = [
        [each.failure.failure_id, each.failure.at, each.function, each.failure.subject, each.failure.error]
        for each in found
    ]
    rows = [[_short_id(name), _clock(at), function, about, _gist(error)] for name, at, function, about, error in plain]
    session.output.show([_document(each) for each in found], Table(columns, rows, plain))
    session.environment.tell(
        "`stockctl failures show` has all of it, `retry` runs it again" if found else "no failures"
    )


def _short_id(failure_id: str) -> str:
    """As much of an id as people need to name it."""
    return failure_id[:8]


def _clock(at: str) -> str:
    return local(datetime.fromisoformat(at).replace(microsecond=0)) if at else "-"


def _gist(error: str) -> str:
    """What there is room for in a table; `show` has all of it."""
    return textwrap.shorten(_ANSWERED.sub(r"\2: \1", error), GIST, placeholder=" \N{HORIZONTAL ELLIPSIS}")


def _document(held: Held) -> dict[str, Any]:
    failure = held.failure
    return {
        "id": failure.failure_id,
        "at": failure.at,
        "function": held.function,
        "about": failure.subject,
        "error": failure.error,
        "condition": failure.condition,
    }


def _show(session: Session, found: Sequence[Held]) -> None:
    session.output.json([{**_document(each), "record": each.failure.record} for each in found])


def _tell_outcomes(session: Session, outcomes: Sequence[tuple[Held, str | None]]) -> None:
    document = [
        {"id": each.failure.failure_id, "function": each.function, "done": fault is None, "error": fault or ""}
        for each, fault in outcomes
    ]
    words = {True: "failed again", False: "done"}
    about = [(each.failure.failure_id, each.function, fault) for each, fault in outcomes]
    rows = [
        [_short_id(name), function, words[fault is not None], _gist(fault or "")] for name, function, fault in about
    ]
    plain = [[name, function, str(fault is None).lower(), fault or ""] for name, function, fault in about]
    columns = [Column("id"), Column("function"), Column("state", field="done"), Column("error")]
    session.output.show(document, Table(columns, rows, plain))
    if any(fault for _, fault in outcomes):
        raise typer.Exit(ExitCode.FAILED)
