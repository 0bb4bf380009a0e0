"""Many transactions over the HTTP API: batches, a few of them in flight, answers in the order of the orders."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from stockctl.aws.api import StockApi
from stockctl.domain.api import Answer
from stockctl.domain.orders import Order, batched

IN_FLIGHT = 4
"""Requests at once: while one is on its way, the service works on another."""


def use_all(api: StockApi, orders: Iterable[Order], in_flight: int = IN_FLIGHT) -> Iterator[tuple[Order, Answer]]:
    """Sends orders in batches and gives each its answer, in their order; reads no further ahead than is in flight.

    Raises:
        StockctlError: a batch could not be sent; what was accepted is replayed when the orders are sent again.
    """
    waiting: deque[Future[list[tuple[Order, Answer]]]] = deque()
    with ThreadPoolExecutor(in_flight) as threads:
        try:
            for batch in batched(orders):
                waiting.append(threads.submit(_send, api, batch))
                if len(waiting) > in_flight:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _send(api: StockApi, batch: list[Order]) -> list[tuple[Order, Answer]]:
    return list(zip(batch, api.use_many([order.transaction for order in batch]), strict=True))
