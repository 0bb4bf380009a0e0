"""The measurements: how long uses take, and how much a stack does in a second and for which capacity."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from statistics import quantiles
from typing import TYPE_CHECKING, Any

from stockctl.aws.retry import Patience
from stockctl.client.api import use_all
from stockctl.domain.orders import Order
from stockctl.domain.transaction import Transaction
from stockctl.operations.use import Tables, use
from stockctl.selftest.results import Result, Wrong, measured
from stockctl.selftest.stand import Stand

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

COLD, WARM = 5, 200
ROWS, KINDS = 2_000, 200
"""Rows of the measured delivery, and the ingredients in it."""
BULK = 1_000
"""Transactions of the bulk measurement."""

Measurement = tuple[str, Callable[[Stand], list[Result]]]


def recording(stand: Stand) -> list[Result]:
    """Rows a second, from the drop to the receipt."""
    dates = [f"2099-{1 + number // 28:02}-{1 + number % 28:02}" for number in range(ROWS // KINDS)]
    rows = [f"kind {kind},1000,{date}" for kind in range(KINDS) for date in dates]
    began = time.perf_counter()
    recorded = stand.deliver("measured.csv", *rows).findings["recorded_rows"]
    seconds = time.perf_counter() - began
    if recorded != ROWS:
        raise Wrong(f"{recorded} of {ROWS} rows were recorded")
    return [measured(f"delivery of {ROWS:,} rows", ROWS / seconds, "rows/s")]


def cold_uses(stand: Stand) -> list[Result]:
    """A use that starts a worker: each of these ends the workers that there are."""
    function = stand.deployment.post_transaction_function
    before = stand.variables(function)
    took = []
    try:
        for number in range(COLD):
            stand.set_variables(function, {**before, "SELFTEST": str(number)})
            took.append(_seconds_of_a_use(stand, f"cold-{number}"))
    finally:
        stand.set_variables(function, before)
    return _percentiles(f"cold use ({COLD})", took)


def warm_uses(stand: Stand) -> list[Result]:
    """Uses one after the other."""
    _seconds_of_a_use(stand, "warm-up")
    return _percentiles(f"warm use ({WARM})", [_seconds_of_a_use(stand, f"warm-{number}") for number in range(WARM)])


def bulk(stand: Stand) -> list[Result]:
    """Transactions a second in batches, as `use --file` sends them."""
    documents = [
        {"transactionId": f"bulk-{number}", "items": [{"typeId": f"kind {number % KINDS}", "quantity": 1}]}
        for number in range(BULK)
    ]
    orders = [Order(number, document, 100) for number, document in enumerate(documents, start=1)]
    began = time.perf_counter()
    accepted = sum(answer.status_code == 201 for _, answer in use_all(stand.api, orders))
    seconds = time.perf_counter() - began
    if accepted != BULK:
        raise Wrong(f"{accepted} of {BULK} transactions were accepted")
    return [measured(f"bulk use ({BULK:,})", BULK / seconds, "transactions/s")]


def capacity(stand: Stand) -> list[Result]:
    """Capacity units of one use of two ingredients, as DynamoDB counts them."""
    client = stand.clients.dynamodb
    tables = Tables(stand.stock, stand.deployment.transaction_table, time.time, Patience())
    with_units = _Units(client)
    use(tables, Transaction("capacity", {"kind 1": 1, "kind 2": 1}))
    with_units.stop()
    return [measured("use of two ingredients", with_units.total, "capacity units")]


MEASUREMENTS: Sequence[Measurement] = (
    ("recording a delivery", recording),
    ("cold uses", cold_uses),
    ("warm uses", warm_uses),
    ("bulk uses", bulk),
    ("capacity", capacity),
)


def _seconds_of_a_use(stand: Stand, transaction_id: str) -> float:
    began = time.perf_counter()
    answer = stand.api.use(transaction_id, {"kind 0": 1})
    seconds = time.perf_counter() - began
    if answer.status_code != 201:
        raise Wrong(f"{transaction_id} was answered {answer.status_code}: {answer.body.get('message')}")
    return seconds


def _percentiles(what: str, seconds: Sequence[float]) -> list[Result]:
    cuts = quantiles(seconds, n=100, method="inclusive")
    return [measured(f"{what}, p{percent}", 1_000 * cuts[percent - 1], "ms") for percent in (50, 99)]


class _Units:
    """Counts the capacity units of a client's calls."""

    def __init__(self, client: DynamoDBClient) -> None:
        self._events = client.meta.events
        self.total = 0.0
        ask: Any = self._ask  # the stubs do not know that what handlers of this event return is used
        self._handlers = (("provide-client-params.dynamodb", ask), ("after-call.dynamodb", self._note))
        for event, handler in self._handlers:
            self._events.register(event, handler)

    def stop(self) -> None:
        """Counts no more."""
        for event, handler in self._handlers:
            self._events.unregister(event, handler)

    def _ask(self, params: dict[str, Any], model: Any, **_: object) -> dict[str, Any]:  # noqa: ANN401 - botocore's
        can_tell = "ReturnConsumedCapacity" in model.input_shape.members
        return {**params, "ReturnConsumedCapacity": "TOTAL"} if can_tell else params

    def _note(self, parsed: dict[str, Any], **_: object) -> None:
        self.total += sum(_units_in(parsed.get("ConsumedCapacity", [])))


def _units_in(consumed: object) -> Iterator[float]:
    for each in consumed if isinstance(consumed, list) else [consumed]:
        if isinstance(each, dict):
            yield each["CapacityUnits"]
