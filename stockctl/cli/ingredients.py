"""Ingredients as operators name them: which there are, and what a misspelt one may have meant."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

from stockctl.domain.errors import StockctlError, UsageError
from stockctl.domain.stock import ingredient_named

if TYPE_CHECKING:
    from stockctl.cli.session import Session
    from stockctl.operations.stock_table import StockTable


def stock_table(session: Session) -> StockTable:
    """The stock table of the session's stack."""
    from stockctl.client.deployment import Deployment
    from stockctl.operations.stock_table import StockTable

    return StockTable(session.clients.dynamodb, Deployment.of(session.clients, session.target).stock_table)


def named(words: Sequence[str]) -> list[str] | None:
    """The ingredients that words mean, or None where none are named, which stands for all.

    Raises:
        UsageError: a word cannot be an ingredient.
    """
    try:
        return list(dict.fromkeys(ingredient_named(word) for word in words)) or None
    except ValueError as error:
        raise UsageError(f"an ingredient {error}", "Write its name as `stockctl stock` lists it.") from error


def check_known(session: Session, wanted: Sequence[str] | None, found: Sequence[str]) -> None:
    """Raises where a named ingredient was never delivered.

    Raises:
        StockctlError: with the names that were perhaps meant.
    """
    absent = [name for name in wanted or [] if name not in found]
    if absent:
        hints = did_you_mean(session, absent) or ["`stockctl stock` lists what there is."]
        raise StockctlError(f"never delivered: {', '.join(absent)}", " ".join(hints))


def did_you_mean(session: Session, absent: Sequence[str]) -> list[str]:
    """A question for each name that resembles an ingredient; silent where the ingredients cannot be read."""
    try:
        known = stock_table(session).ingredients() if absent else []
    except Exception:
        return []
    matches = {name: get_close_matches(name, known, n=1, cutoff=0.6) for name in absent if name not in known}
    return [f"{name}: did you mean {match[0]}?" for name, match in matches.items() if match]
