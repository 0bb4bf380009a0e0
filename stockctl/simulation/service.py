"""Runs a plan against a stock service: drops deliveries, places orders, and counts the answers."""

from __future__ import annotations

import csv
import io
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from stockctl.domain.api import Answer
from stockctl.domain.errors import Busy, CredentialsError, OutcomeUnknown, StockctlError
from stockctl.simulation.schedule import Cancellation, CustomerOrder, Delivery, Event, Schedule, Slip

PREFIX = "simulation/"
"""The keys of simulated deliveries begin with this, which tells them from other data."""
MOST_ATTEMPTS = 5
WAKING_SECONDS = 15.0
"""How long to wait for the functions to start; the service opens after that in any case."""
LATE_SECONDS = 0.5
"""How late, after the end of the service, an event may still begin."""
ORDERS_AT_ONCE = 4
"""Most transactions in flight at the same time."""
SLIPS_AT_ONCE = 2
"""Most returns and discards in flight at the same time: a return waits for the batches of its units."""


class StockService(Protocol):
    """The receiver of transactions, returns and discards."""

    def use(self, transaction_id: str, items: Mapping[str, int]) -> Answer:
        """Takes units of each ingredient, all or nothing.

        Raises:
            StockctlError: there was no answer; sending the same transaction again is safe.
        """
        ...

    def return_units(self, return_id: str, transaction_id: str) -> Answer:
        """Brings the units of a transaction back.

        Raises:
            StockctlError: there was no answer; sending the same return again is safe.
        """
        ...

    def discard(self, discard_id: str, ingredient: str, units: int) -> int:
        """Takes units out of stock, all or nothing, and returns how many.

        Raises:
            StockctlError: there was no answer; sending the same discard again is safe.
        """
        ...


class Dock(Protocol):
    """The receiver of deliveries."""

    def drop(self, key: str, content: bytes) -> str:
        """Drops a file."""
        ...

    def receipt(self, delivery: str) -> Mapping[str, Any] | None:
        """The receipt of a delivery; None while there is none."""
        ...


@dataclass
class Tally:
    """What the simulation itself counted.

    `used` has the units of each ingredient in accepted orders, `refused_for` the refused orders that lacked it.
    `cancelled` are orders whose units were returned, `dropped` are units that were discarded.
    """

    served: int = 0
    refused: int = 0
    unanswered: int = 0
    repeated: int = 0
    deliveries: int = 0
    redelivered: int = 0
    cancelled: int = 0
    dropped: int = 0
    used: Counter[str] = field(default_factory=Counter)
    refused_for: Counter[str] = field(default_factory=Counter)
    contradictions: list[str] = field(default_factory=list)
    """Answers that the service should never give, such as accepting a repeated transaction as new."""


class Service:
    """One simulated service period. `began` and `now` are in s since the epoch; `wait` sleeps."""

    def __init__(
        self,
        schedule: Schedule,
        api: StockService,
        dock: Dock,
        speed: float,
        now: Callable[[], float],
        wait: Callable[[float], object],
    ) -> None:
        self.schedule, self.speed = schedule, speed
        self.began = now()
        self.run = datetime.fromtimestamp(self.began, UTC).strftime("%Y%m%dT%H%M%S") + f"-{schedule.seed}"
        self.tally = Tally()
        self._api, self._dock, self._now, self._wait = api, dock, now, wait
        self._stopped = threading.Event()
        self._accepted: set[int] = set()
        self._counting = threading.Lock()
        self._free = threading.BoundedSemaphore(ORDERS_AT_ONCE)
        self._dropped: set[str] = set()

    def open(self) -> None:
        """Warms the functions up with an order and deliveries that change nothing, then starts the clock.

        The first request to a function takes seconds, which at sixty times the speed are minutes of the service. All
        suppliers deliver when the service begins, so one delivery for each warms up enough workers.
        """
        suppliers = self.schedule.kitchen.suppliers
        openings = {f"{PREFIX}{self.run}/0000 opening {supplier.name}.csv" for supplier in suppliers}
        for opening in openings:
            self._dock.drop(opening, b"ingredient,quantity,best_before\nopening,1,2000-01-01\n")
        with suppress(Busy):
            self._api.use(f"opening-{self.run}", {"opening": 1})
        self._dropped |= openings
        self.settle(WAKING_SECONDS)
        self._dropped -= openings
        self.began = self._now()

    def serve(self) -> None:
        """Runs the plan, each event at its time, until the time is up or `stop` is called.

        When the stack cannot keep up, orders wait; those still waiting when the time is up are not placed.
        """
        with (
            ThreadPoolExecutor(ORDERS_AT_ONCE, thread_name_prefix="orders") as callers,
            ThreadPoolExecutor(SLIPS_AT_ONCE, thread_name_prefix="slips") as cook,
        ):
            begun = [self._begin(event, callers, cook) for event in self.schedule.events if self._waits_for(event.at)]
        for event in filter(None, begun):
            event.result()  # raises the error of an event that failed
        self._waits_for(self.schedule.duration)

    def _begin(self, event: Event, callers: ThreadPoolExecutor, cook: ThreadPoolExecutor) -> Future[None] | None:
        """Begins an event: drops a delivery here, gives an order to the next free caller, or a slip to the cook."""
        if isinstance(event, Delivery):
            self._deliver(event)
            return None
        if isinstance(event, Cancellation | Slip):
            return cook.submit(self._slip, event)
        while not self._free.acquire(timeout=0.2):
            if not self._is_open():
                return None
        return callers.submit(self._place, event)

    def _place(self, order: CustomerOrder) -> None:
        try:
            if not order.is_repeat:
                self._order(order)
            elif order.number in self._accepted:  # a refused one left no trace: repeating it would be a new order
                self._order_again(order)
        except Exception:
            self.stop()
            raise
        finally:
            self._free.release()

    def _slip(self, event: Cancellation | Slip) -> None:
        """Cancels an order or drops food, unless the service has closed; what gets no answer is not repeated."""
        if not self._is_open():
            return
        with suppress(Busy, OutcomeUnknown):
            if isinstance(event, Slip):
                dropped = self._api.discard(f"slip-{event.number:04d}-{self.run}", event.ingredient, event.units)
                with self._counting:
                    self.tally.dropped += dropped
            elif event.number in self._accepted:
                self._cancel(event.number)

    def _cancel(self, number: int) -> None:
        answer = self._api.return_units(f"cancel-{number:04d}-{self.run}", self._transaction_id(number))
        with self._counting:
            self.tally.cancelled += 1
            if answer.status_code not in {200, 201}:
                message = answer.body.get("message", "")
                self.tally.contradictions.append(
                    f"return of order {number} was answered {answer.status_code} {message}"
                )

    def _transaction_id(self, number: int) -> str:
        return f"order-{number:04d}-{self.run}"

    def _is_open(self) -> bool:
        late = self._now() - self.began - self.schedule.duration / self.speed
        return not self._stopped.is_set() and late <= LATE_SECONDS

    def stop(self) -> None:
        """Ends the service after the events that have begun."""
        self._stopped.set()

    @property
    def elapsed(self) -> float:
        """Simulated seconds since the start."""
        return min(self.schedule.duration, (self._now() - self.began) * self.speed)

    def settle(self, seconds: float) -> list[str]:
        """Waits up to this many seconds for the receipts of all deliveries; returns the deliveries without one."""
        deadline = self._now() + seconds
        while (missing := self._without_receipt()) and self._now() < deadline:
            self._wait(0.2)
        return missing

    def key_of(self, delivery: Delivery) -> str:
        """The key of a delivery; a repeated one has the same."""
        return f"{PREFIX}{self.run}/{delivery.number:04d} {delivery.supplier}.csv"

    def content_of(self, delivery: Delivery) -> bytes:
        """The file of a delivery; a repeat has the same bytes."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["ingredient", "quantity", "best_before"])
        for supply in delivery.supplies:
            expires = self.began + (delivery.sent + supply.keeps) / self.speed
            writer.writerow([supply.ingredient, supply.units, datetime.fromtimestamp(round(expires), UTC).isoformat()])
        return text.getvalue().encode()

    def _waits_for(self, at: float) -> bool:
        """Sleeps until a simulated moment; False when the run is over."""
        while self._is_open():
            left = self.began + at / self.speed - self._now()
            if left <= 0:
                return True
            self._wait(min(left, 0.2))
        return False

    def _deliver(self, delivery: Delivery) -> None:
        key = self.key_of(delivery)
        self._dock.drop(key, self.content_of(delivery))
        self._dropped.add(key)
        if delivery.is_repeat:
            self.tally.redelivered += 1
        else:
            self.tally.deliveries += 1

    def _order(self, order: CustomerOrder) -> None:
        answer = self._answer(order)
        with self._counting:
            if answer is None:
                self.tally.unanswered += 1
            elif answer.status_code in {200, 201}:  # 200: the first answer was lost
                self._accepted.add(order.number)
                self.tally.served += 1
                self.tally.used.update(order.dish.items)
            elif answer.status_code == 409:
                self.tally.refused += 1
                self.tally.refused_for.update(short["typeId"] for short in answer.body.get("shortages", []))
            else:
                message = answer.body.get("message", "")
                self.tally.contradictions.append(f"order {order.number} was answered {answer.status_code} {message}")

    def _order_again(self, order: CustomerOrder) -> None:
        answer = self._answer(order)
        with self._counting:
            self.tally.repeated += 1
            if answer is not None and not (answer.status_code == 200 and answer.body.get("replayed")):
                self.tally.contradictions.append(f"order {order.number} was accepted twice")

    def _answer(self, order: CustomerOrder) -> Answer | None:
        """The service's answer; the transaction is sent again while the service is busy or does not answer."""
        for attempt in range(MOST_ATTEMPTS):
            try:
                answer = self._api.use(self._transaction_id(order.number), order.dish.items)
                if answer.status_code != 503:
                    return answer
            except CredentialsError:
                raise
            except StockctlError:  # sending the same transaction again is safe
                pass
            self._wait(0.1 * 2**attempt)
        return None

    def _without_receipt(self) -> list[str]:
        answered = {key for key in self._dropped if self._dock.receipt(key) is not None}
        self._dropped -= answered
        return sorted(self._dropped)
