"""Questions before stock is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stockctl.domain.errors import StockctlError

if TYPE_CHECKING:
    from stockctl.terminal.environment import Environment


def ask(environment: Environment, question: str, refusal: str) -> None:
    """Asks on a terminal before something is booked; a script is not asked.

    Raises:
        StockctlError: the answer was no; `refusal` is its message.
    """
    if environment.stdin_is_terminal and not environment.agrees(question):
        raise StockctlError(refusal, None)
