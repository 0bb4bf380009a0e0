"""The tables of the session's stack, as operations take them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stockctl.cli.ingredients import stock_table
from stockctl.domain.errors import Refused

if TYPE_CHECKING:
    from stockctl.cli.session import Session
    from stockctl.operations.history_table import HistoryTable
    from stockctl.operations.return_units import Returns
    from stockctl.operations.use import Tables


def tables(session: Session) -> Tables:
    """Where operations of this machine happen."""
    from stockctl.operations.use import Tables

    stock = stock_table(session)
    return Tables(
        stock, session.deployment.transaction_table, lambda: session.environment.now().timestamp(), stock.patience
    )


def returns(session: Session) -> Returns:
    """Where returns happen.

    Raises:
        Refused: the stack has no history.
    """
    from stockctl.operations.return_units import Returns

    return Returns(tables(session), history_table(session))


def has_history(session: Session) -> bool:
    """Whether the session's stack records history."""
    return bool(session.deployment.history_table and int(session.deployment.history_days))


def history_table(session: Session) -> HistoryTable:
    """The history of the session's stack.

    Raises:
        Refused: it has none, or it is turned off.
    """
    from stockctl.operations.history_table import HistoryTable

    deployment = session.deployment
    if not has_history(session):
        raise Refused(
            f"stack {session.settings.stack} records no history",
            "`stockctl deploy --parameter HistoryDays=400` turns it on.",
        )
    return HistoryTable(
        session.clients.dynamodb, deployment.history_table, int(deployment.history_days), stock_table(session).patience
    )
