"""`stockctl use --file`: a file of transactions, each answered on its own line."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from stockctl.cli.session import Session
from stockctl.domain.decoding import decoded_lines
from stockctl.domain.errors import ExitCode, StockctlError, UsageError
from stockctl.domain.orders import MAX_ORDER, Order, read_orders
from stockctl.domain.rejection import UnreadableFile
from stockctl.terminal.figures import units
from stockctl.terminal.output import OutputFormat, shown

if TYPE_CHECKING:
    from stockctl.client.api import StockApi
    from stockctl.domain.api import Answer

STDIN = "-"
SECONDS_BETWEEN_NOTES = 1.0
_ID_CELLS = 12
"""Cells that a name of a transaction has at least, where people read it."""
WORDS = {200: "replayed", 201: "accepted", 400: "invalid", 409: "short", 422: "reused", 503: "busy"}


def use_file(session: Session, api: StockApi, name: str) -> None:
    """Sends every order of a file, prints a line for each, and sums up on stderr.

    Raises:
        UsageError: the file cannot be read.
        StockctlError: the service cannot be reached; what came before has been answered.
        typer.Exit: at least one order was not accepted.
    """
    from stockctl.client.api import use_all

    tally = _Tally(session)
    with _opened(session, name) as lines:
        try:
            for order, answer in use_all(api, read_orders(lines)):
                _show(session, order, answer)
                tally.add(answer)
        except StockctlError as error:
            raise StockctlError(
                error.message, f"{tally.summary()}. Run it again: what was accepted is not taken twice."
            ) from error
    session.environment.tell(tally.summary())
    if tally.counts["busy"]:
        raise typer.Exit(ExitCode.FAILED)
    if tally.counts.total() > tally.counts["accepted"] + tally.counts["replayed"]:
        raise typer.Exit(ExitCode.REFUSED)


@contextmanager
def _opened(session: Session, name: str) -> Iterator[Iterator[str]]:
    try:
        if name == STDIN:
            yield decoded_lines(session.environment.stdin.buffer, MAX_ORDER)
            return
        with Path(name).open("rb") as content:
            yield decoded_lines(content, MAX_ORDER)
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}", "Name a file, or - for stdin.") from error
    except UnreadableFile as error:
        message = f"{name}, line {error.rejection.line}: {error.rejection.reason}"
        raise UsageError(message, "Save it as UTF-8, one JSON object a line.") from error


def _show(session: Session, order: Order, answer: Answer) -> None:
    if session.output.format is OutputFormat.JSON:
        own = {"line": order.line, "transactionId": order.transaction_id, "statusCode": answer.status_code}
        session.output.json_line({**own, **answer.body})
    else:
        word = WORDS.get(answer.status_code, str(answer.status_code))
        fields = [str(order.line), order.transaction_id, word, _detail(answer.body)]
        if session.output.format is OutputFormat.TABLE:
            line = f"{fields[0]:>6}  {word:<8}  {shown(order.transaction_id):<{_ID_CELLS}}  {shown(fields[3])}"
            print(line.rstrip(), file=session.environment.stdout, flush=True)
        else:
            session.output.line(fields)


def _detail(body: Mapping[str, Any]) -> str:
    if "shortages" in body:
        return ", ".join(
            f"{short['typeId']} {short['available']} of {short['requested']}" for short in body["shortages"]
        )
    if "errors" in body:
        return "; ".join(f"{fault['path']} {fault['message']}".strip() for fault in body["errors"])
    return str(body.get("message", ""))


class _Tally:
    """Counts answers, and says now and then how far it is."""

    def __init__(self, session: Session) -> None:
        self.counts: Counter[str] = Counter()
        self._session = session
        self._began = self._told = time.monotonic()

    def add(self, answer: Answer) -> None:
        self.counts[WORDS.get(answer.status_code, str(answer.status_code))] += 1
        if time.monotonic() - self._told > SECONDS_BETWEEN_NOTES and not self._session.environment.stdout_is_terminal:
            self._told = time.monotonic()  # on a terminal the answers themselves say how far it is
            self._session.environment.passing(self.summary())

    def summary(self) -> str:
        """How many orders had which answer, and how quickly."""
        seconds = max(time.monotonic() - self._began, sys.float_info.epsilon)
        words = ", ".join(f"{units(count)} {word}" for word, count in sorted(self.counts.items()))
        if not words:
            return "0 orders"
        return f"{units(self.counts.total())} orders: {words} ({self.counts.total() / seconds:,.0f} a second)"
