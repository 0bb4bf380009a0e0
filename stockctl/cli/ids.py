"""Ids on the command line: what they may be, and what an unknown one may have meant."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import typer

from stockctl.cli.completion import TRANSACTIONS
from stockctl.domain.errors import Refused, UsageError
from stockctl.domain.transaction import MAX_ID_LENGTH

if TYPE_CHECKING:
    from stockctl.cli.session import Session


def id_option(kind: str) -> Any:  # noqa: ANN401 - what Typer takes for an option
    """The option --id of a command that makes a return, discard or count."""
    return typer.Option("--id", metavar="ID", help=f"{kind} id; a repeat with the same id changes nothing.")


def chosen_id(given: str | None) -> str:
    """The id that --id gives, if it can be one; a new one without it.

    Raises:
        UsageError: it is too long, empty or not printable.
    """
    if given is None:
        return str(uuid.uuid4())
    if not 1 <= len(given) <= MAX_ID_LENGTH or not given.isprintable():
        raise UsageError(f"--id must be 1 to {MAX_ID_LENGTH} printable characters", None)
    return given


def no_such_id(session: Session, kind: str, name: str, others: Sequence[str] = ()) -> Refused:
    """The error for an id that nobody knows, with the recent ids, or `others`, that it may have meant."""
    recent = [*TRANSACTIONS.of(session.target.stack), *others]
    alike = [other for other in get_close_matches(name, recent, n=4) if other != name][:3]
    meant = f"Did you mean {' or '.join(alike)}?" if alike else "Ids are case-sensitive, and kept for 90 days."
    return Refused(f"no such {kind}: {name}", meant)
