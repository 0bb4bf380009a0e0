"""What `ingest --dry-run` asks a stack, where one can be reached; it starts and deploys none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from stockctl.aws.clients import Clients
from stockctl.cli.ingest_checks import NewIngredients
from stockctl.cli.target import existing
from stockctl.client.deployment import Deployment
from stockctl.domain.errors import StockctlError
from stockctl.operations.stock_table import StockTable

if TYPE_CHECKING:
    from stockctl.cli.session import Session
    from stockctl.cli.supplier_files import Checked


@dataclass(frozen=True)
class ReachableStack:
    """A stack that answers."""

    clients: Clients
    deployment: Deployment


def reachable_stack(session: Session) -> ReachableStack | None:
    """The session's stack, or None where it cannot be reached."""
    try:
        target = existing(session.settings, session.environment)
        if target is None:
            return None
        clients = Clients.of_target(target)
        return ReachableStack(clients, Deployment.of(clients, target))
    except (StockctlError, ClientError, BotoCoreError):
        return None


def note_unknown(session: Session, files: Sequence[Checked]) -> None:
    """Notes ingredients that the stack does not know, and what they may have meant."""
    names = [row.ingredient for file in files for row in file.rows]
    stack = reachable_stack(session) if names else None
    if stack is None:
        return
    try:
        unknown = NewIngredients.of(StockTable(stack.clients.dynamodb, stack.deployment.stock_table), names)
    except (ClientError, BotoCoreError):
        return
    for note in unknown.notes():
        session.environment.note(f"note: {note}")
    if unknown.alike:
        session.environment.note("note: to send them as new ingredients takes --new")
