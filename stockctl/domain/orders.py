"""Orders: a file of transactions, one JSON object per line, and the batches it is sent in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from stockctl.domain.transaction import MAX_TRANSACTIONS
from stockctl.domain.unique_keys import unique

MAX_BATCH_BYTES = 500_000
"""Bytes of a batch's lines; the service takes a body of twice that."""

MAX_ORDER = 1_000_000
"""Characters of one line: more than the service takes."""


@dataclass(frozen=True)
class Order:
    """One line of the file: its number, its transaction as written, and its length (bytes)."""

    line: int
    transaction: object
    length: int

    @property
    def transaction_id(self) -> str:
        """The id in the line, or an empty string."""
        named = self.transaction.get("transactionId") if isinstance(self.transaction, dict) else None
        return named if isinstance(named, str) else ""


def read_orders(lines: Iterable[str]) -> Iterator[Order]:
    """Yields the orders of a file; blank lines are skipped.

    A line that is not JSON, or repeats a key, becomes an order with its text, which the API then rejects.
    """
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield Order(number, _decoded(line), len(line.encode(errors="surrogatepass")))


def _decoded(line: str) -> object:
    try:
        return json.loads(line, object_pairs_hook=unique)
    except (ValueError, RecursionError):
        return line


def batched(orders: Iterable[Order], most: int = MAX_TRANSACTIONS) -> Iterator[list[Order]]:
    """The orders in batches no larger than the service takes."""
    batch: list[Order] = []
    length = 0
    for order in orders:
        if batch and (len(batch) == most or length + order.length > MAX_BATCH_BYTES):
            yield batch
            batch, length = [], 0
        batch.append(order)
        length += order.length
    if batch:
        yield batch
