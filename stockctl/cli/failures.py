"""`stockctl failures`: lists, shows and retries what the functions gave up on."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from stockctl.cli.completion import FAILURES
from stockctl.cli.session import Session, with_session
from stockctl.domain.errors import ExitCode, Refused
from stockctl.terminal.figures import local_iso
from stockctl.terminal.output import Field, Listing, OutputFormat

if TYPE_CHECKING:
    from stockctl.client.failure_queues import FailureQueues, Held

GIST = 240
"""Characters of an error that a table shows."""
_ANSWERED = re.compile(r"An error occurred \((\w+)\) when calling the (\w+) operation(?: \([^)]*\))?")
"""The beginning of boto3's message about an AWS error."""


@with_session
def failures(
    session: Session,
    action: Annotated[
        Literal["list", "show", "retry"],
        typer.Argument(metavar="list|show|retry", help="What to do. Default: list."),
    ] = "list",
    ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="ID...", help="Ids or prefixes. Default: all.", autocompletion=FAILURES.complete),
    ] = None,
) -> None:
    """Show or retry deliveries and stream records that failed permanently.

    Without ids, `show` and `retry` apply to all failures. `show` prints JSON. A failure is deleted after a successful
    retry. Exits with 1 if a retry fails, with 3 if there is no such failure.

    Examples:
        stockctl failures
        stockctl failures show 3f2a
        stockctl failures retry 3f2a
    """
    from stockctl.client.failure_queues import FailureQueues

    queues = FailureQueues(session.clients, session.deployment)
    with queues.held() as held:
        chosen = _chosen(held, ids or [])
        if action == "retry":
            outcomes = [Retried(each, _retried(session, queues, each)) for each in chosen]
    FAILURES.replace(session.settings.stack, [each.failure.failure_id for each in held])
    if action == "list":
        session.output.show(Listing(LISTED, chosen, empty="no failures"))
        if chosen:
            session.environment.note("`stockctl failures show` prints them in full, `retry` runs them again")
    elif action == "show":
        if chosen or session.output.format is OutputFormat.JSON:
            session.output.json(Listing(SHOWN, chosen).document())
        if not chosen:
            session.environment.note("no failures")
    else:
        session.output.show(Listing(OUTCOME, outcomes, empty="no failures"))
        if any(outcome.fault for outcome in outcomes):
            raise typer.Exit(ExitCode.FAILED)


def _chosen(held: Sequence[Held], ids: Sequence[str]) -> list[Held]:
    """The failures whose ids begin with one of these, or all.

    Raises:
        Refused: no failure has such an id.
    """
    for wanted in ids:
        if not any(each.failure.failure_id.startswith(wanted) for each in held):
            raise Refused(f"no failure has an id that begins with {wanted!r}", "`stockctl failures` lists them.")
    return [each for each in held if not ids or each.failure.failure_id.startswith(tuple(ids))]


def _retried(session: Session, queues: FailureQueues, held: Held) -> str | None:
    """Why the retry failed; None after success. One that fails does not stop the others."""
    from stockctl.aws.errors import EXPECTED, explained

    fault = None
    try:
        queues.retry(held)
    except EXPECTED as error:
        fault = explained(error).message
    session.environment.passing(f"{held.failure.failure_id}: {fault or 'done'}")
    return fault


def _short_id(failure_id: str) -> str:
    """The beginning of an id, which is enough to name it."""
    return failure_id[:8]


def _gist(error: str) -> str:
    """An error shortened for a table; `show` prints it in full."""
    return textwrap.shorten(_ANSWERED.sub(r"\2: \1", error), GIST, placeholder=" \N{HORIZONTAL ELLIPSIS}")


@dataclass(frozen=True)
class Retried:
    """A failure that was retried, and why it failed again, if it did."""

    held: Held
    fault: str | None


LISTED: Sequence[Field[Held]] = (
    Field("id", lambda held: held.failure.failure_id, format=_short_id),
    Field("at", lambda held: held.failure.at, format=local_iso, folds=False, yields=1),
    Field("function", lambda held: held.function),
    Field("about", lambda held: held.failure.subject),
    Field("error", lambda held: held.failure.error, shown=lambda held: _gist(held.failure.error)),
    Field("condition", lambda held: held.failure.condition, in_table=False, in_tsv=False),
)
SHOWN: Sequence[Field[Held]] = (*LISTED, Field("record", lambda held: held.failure.record))
OUTCOME: Sequence[Field[Retried]] = (
    Field("id", lambda each: each.held.failure.failure_id, format=_short_id),
    Field("function", lambda each: each.held.function),
    Field("done", lambda each: each.fault is None, "state", lambda each: "failed again" if each.fault else "done"),
    Field("error", lambda each: each.fault, shown=lambda each: _gist(each.fault or "")),
)
