"""`stockctl use --file`: a file of transactions, each answered on its own line."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import typer
from rich.cells import cell_len

from stockctl.cli.ingredients import did_you_mean
from stockctl.cli.session import Session
from stockctl.cli.use_result import ACCEPTED, RESULT_FIELDS, SHORTAGE_FIELDS, UNDECIDED, UseResult
from stockctl.domain.decoding import decoded_lines
from stockctl.domain.errors import ExitCode, StockctlError, UsageError
from stockctl.domain.orders import MAX_ORDER, Order, read_orders
from stockctl.domain.rejection import UnreadableFile
from stockctl.terminal.figures import counts, units
from stockctl.terminal.output import Field, object_of

STDIN = "-"
SECONDS_BETWEEN_NOTES = 1.0
_HEADINGS = ("line", "status", "transaction id", "message")
_LINE_CELLS = 6
_STATUS_CELLS = len("transaction id reused")
"""The longest status that the service answers with."""
_ID_CELLS = 36
"""The most cells of the column of ids, enough for a UUID; a longer id moves its message to the right."""
_QUESTIONS = 10
"""The most names that are reported as possibly misspelt."""
_AGAIN = "Run it again: what was accepted is not taken twice."


@dataclass(frozen=True)
class OrderResult:
    """The result of one line of the file."""

    line: int
    use: UseResult


FIELDS: list[Field[OrderResult]] = [
    Field("line", lambda order: order.line),
    *(field.of(lambda order: order.use) for field in RESULT_FIELDS),
    Field("message", lambda order: order.use.message),
    Field(
        "items",
        lambda order: [{"ingredient": item.ingredient, "quantity": item.quantity} for item in order.use.items],
        in_tsv=False,
    ),
    Field(
        "shortages",
        lambda order: [object_of(SHORTAGE_FIELDS, shortage) for shortage in order.use.shortages],
        in_tsv=False,
    ),
]


def use_file(session: Session, name: str) -> None:
    """Sends every order of a file, prints a line for each, and sums up on stderr.

    Raises:
        UsageError: the file cannot be read.
        StockctlError: the service cannot be reached; earlier orders have been answered.
        BrokenPipeError: the reader of the output is gone; no more orders were sent after that.
        typer.Exit: at least one order was not accepted.
    """
    run = _Run(session)
    try:
        with _opened(session, name) as content:
            run.send(_lines(name, content))
    except StockctlError as error:
        if not run.statuses:
            raise
        raise StockctlError(error.message, f"{run.summary()}. {_AGAIN}") from error
    except KeyboardInterrupt:
        session.environment.note(f"stopped: {run.summary()}. {_AGAIN}")
        raise
    if run.closed is not None:
        session.environment.note(f"stopped: the output was closed. Sent: {run.summary()}. {_AGAIN}")
        raise run.closed
    session.environment.note(run.summary())
    for question in did_you_mean(session, sorted(run.out_of_stock))[:_QUESTIONS]:
        session.environment.note(question)
    if code := run.exit_code():
        raise typer.Exit(code)


def _opened(session: Session, name: str) -> AbstractContextManager[BinaryIO]:
    if name == STDIN:
        return nullcontext(session.environment.stdin.buffer)
    try:
        return Path(name).open("rb")
    except OSError as error:
        raise _unreadable(name, error) from error


def _lines(name: str, content: BinaryIO) -> Iterator[str]:
    """The lines of the file. A fault while they are read is the input's, and no other's.

    Raises:
        UsageError: the file cannot be read, or is not text.
    """
    try:
        yield from decoded_lines(content, MAX_ORDER)
    except OSError as error:
        raise _unreadable(name, error) from error
    except UnreadableFile as error:
        message = f"{name}, line {error.rejection.line}: {error.rejection.reason}"
        raise UsageError(message, "Save it as UTF-8, one JSON object a line.") from error


def _unreadable(name: str, error: OSError) -> UsageError:
    return UsageError(f"{name} cannot be read: {error.strerror}", "Name a file, or - for stdin.")


class _Run:
    """Sends orders, prints and counts their answers, and shows progress now and then."""

    def __init__(self, session: Session) -> None:
        self.closed: BrokenPipeError | None = None
        self.statuses: Counter[str] = Counter()
        self.out_of_stock: set[str] = set()
        self._labels: Counter[str] = Counter()
        self._id_cells = len(_HEADINGS[2])
        self._session, self._api = session, session.api
        self._began = self._shown = time.monotonic()

    def send(self, lines: Iterator[str]) -> None:
        """Sends the orders. Once the output is closed no more are sent; those in flight are still counted."""
        from stockctl.client.api import use_all

        stream = self._session.output.stream(FIELDS, self._line, self._header)
        orders = self._measured(read_orders(lines))
        for order, answer in use_all(self._api, orders, is_stopped=lambda: self.closed is not None):
            result = OrderResult(order.line, UseResult.of(order.transaction_id, answer))
            self.statuses[result.use.status] += 1
            self._labels[result.use.label] += 1
            self.out_of_stock |= {short.ingredient for short in result.use.shortages if not short.available}
            if self.closed is None:
                try:
                    stream.print(result)
                except BrokenPipeError as error:
                    self.closed = error
            self._show_progress()

    def summary(self) -> str:
        """The number of orders by answer, and the rate."""
        total = self.statuses.total()
        if not total:
            return "0 orders"
        seconds = max(time.monotonic() - self._began, sys.float_info.epsilon)
        words = ", ".join(f"{units(count)} {label}" for label, count in sorted(self._labels.items()))
        return f"{counts(total, 'order')}: {words} ({total / seconds:,.0f} per second)"

    def exit_code(self) -> ExitCode:
        """How the run ended; a replayed order counts as accepted, so that a repeat ends as the first run did."""
        if self.statuses.keys() & UNDECIDED:
            return ExitCode.FAILED
        if not self.statuses.keys() - {ACCEPTED}:
            return ExitCode.DONE
        return ExitCode.PARTIAL if self.statuses[ACCEPTED] else ExitCode.REFUSED

    def _show_progress(self) -> None:
        if time.monotonic() - self._shown > SECONDS_BETWEEN_NOTES and not self._session.environment.stdout_is_terminal:
            self._shown = time.monotonic()  # on a terminal the answers themselves are progress enough
            self._session.environment.passing(self.summary())

    def _measured(self, orders: Iterator[Order]) -> Iterator[Order]:
        """The same orders. A batch is read before its first answer is printed, so the column fits its ids."""
        for order in orders:
            self._id_cells = max(self._id_cells, min(cell_len(order.transaction_id), _ID_CELLS))
            yield order

    def _header(self) -> str:
        return self._cells(*_HEADINGS)

    def _line(self, order: OrderResult) -> str:
        """What people see of one answer."""
        use = order.use
        return self._cells(str(order.line), use.label, use.transaction_id, use.message or "")

    def _cells(self, line: str, status: str, transaction_id: str, message: str) -> str:
        ids = transaction_id + " " * (self._id_cells - cell_len(transaction_id))
        return f"{line:>{_LINE_CELLS}}  {status:<{_STATUS_CELLS}}  {ids}  {message}".rstrip()
