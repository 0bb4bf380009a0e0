"""What benchmarks share: orders, clients at work, and the counting of calls and of capacity."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from statistics import quantiles
from typing import TYPE_CHECKING, Any, TypeVar, cast

from stockctl.domain.transaction import Transaction

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from stockctl.client.api import StockApi

T = TypeVar("T")
INGREDIENTS = 1_000
HOT = "hot"


def wide() -> dict[str, int]:
    """Two of a thousand ingredients."""
    first, second = random.sample(range(INGREDIENTS), 2)
    return {f"i{first}": 1, f"i{second}": 1}


def hot() -> dict[str, int]:
    """The hot ingredient and one of a thousand."""
    return {HOT: 1, f"i{random.randrange(INGREDIENTS)}": 1}  # noqa: S311 - no secret


def hot_pair() -> dict[str, int]:
    """The same two ingredients every time."""
    return {HOT: 1, "i0": 1}


def orders(basket: Callable[[], dict[str, int]], count: int) -> list[Transaction]:
    """Transactions with ids of their own."""
    return [Transaction(str(uuid.uuid4()), basket()) for _ in range(count)]


def document(transaction: Transaction) -> dict[str, Any]:
    """A transaction as the API takes it."""
    items = [{"typeId": name, "quantity": units} for name, units in transaction.items.items()]
    return {"transactionId": transaction.transaction_id, "items": items}


@dataclass
class Run:
    """How a number of calls went: the seconds of all together and of each, and what they returned."""

    seconds: float
    each: list[float]
    results: list[Any]

    def percentile(self, percent: int) -> float:
        """Milliseconds."""
        if len(self.each) == 1:
            return 1_000 * self.each[0]
        return 1_000 * quantiles(self.each, n=100, method="inclusive")[percent - 1]


class Callers:
    """Clients of the HTTP API: each thread has a connection of its own."""

    def __init__(self, api: Callable[[], StockApi]) -> None:
        self._make = api
        self._own = threading.local()

    @property
    def api(self) -> StockApi:
        """This thread's."""
        if not hasattr(self._own, "api"):
            self._own.api = self._make()
        return cast("StockApi", self._own.api)

    def use(self, transaction: Transaction) -> int:
        """One transaction a request; the status code."""
        return self.api.use(transaction.transaction_id, transaction.items).status_code

    def use_batch(self, transactions: Sequence[Transaction]) -> list[int]:
        """Many in one request; their status codes."""
        return [answer.status_code for answer in self.api.use_batch([document(one) for one in transactions])]


def at_work(work: Callable[[T], object], subjects: Iterable[T], clients: int) -> Run:
    """So many clients, each doing one after the other."""

    def timed(subject: T) -> tuple[float, object]:
        began = time.perf_counter()
        result = work(subject)
        return time.perf_counter() - began, result

    began = time.perf_counter()
    with ThreadPoolExecutor(clients) as threads:
        done = list(threads.map(timed, subjects))
    return Run(time.perf_counter() - began, [took for took, _ in done], [result for _, result in done])


def chunks(whole: Sequence[T], size: int) -> list[Sequence[T]]:
    """Pieces of a list."""
    return [whole[start : start + size] for start in range(0, len(whole), size)]


@dataclass
class Meter:
    """Counts a client's calls, and the units that the engine says they took."""

    calls: dict[str, int] = field(default_factory=dict)
    write_units: float = 0.0
    read_units: float = 0.0

    def watch(self, client: DynamoDBClient) -> Meter:
        """Counts from now on; cannot be undone."""
        ask: Any = self._ask  # botocore's stubs do not know that what this event's handlers return is used
        client.meta.events.register("provide-client-params.dynamodb", ask)
        client.meta.events.register("after-call.dynamodb", self._note)
        return self

    def reset(self) -> None:
        """Starts anew."""
        self.calls, self.write_units, self.read_units = {}, 0.0, 0.0

    def _ask(self, params: dict[str, Any], model: Any, **_: object) -> dict[str, Any]:
        # DynamoDB Local counts a transaction as if it had one action a table. The rule: two units an action, while no
        # row is larger than a kilobyte (which `test_a_use_costs_the_same...` holds for levels and records).
        self.write_units += 2 * len(params.get("TransactItems", ()))
        can_tell = "ReturnConsumedCapacity" in model.input_shape.members
        return {**params, "ReturnConsumedCapacity": "TOTAL"} if can_tell else params

    def _note(self, parsed: dict[str, Any], model: Any, **_: object) -> None:
        self.calls[model.name] = self.calls.get(model.name, 0) + 1
        consumed = parsed.get("ConsumedCapacity", [])
        units = sum(one["CapacityUnits"] for one in (consumed if isinstance(consumed, list) else [consumed]))
        if model.name in {"Query", "GetItem", "BatchGetItem"}:
            self.read_units += units
        elif model.name != "TransactWriteItems":
            self.write_units += units
