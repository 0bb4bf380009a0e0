"""The checks, in the order in which they run: each does something to the stack, and compares what comes of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from stockctl.client.api import StockApi
from stockctl.domain.api import Answer
from stockctl.domain.receipt import DeliveryStatus
from stockctl.selftest.published import gaps, published
from stockctl.selftest.results import Wrong, expect
from stockctl.selftest.stand import Stand, until

Check = tuple[str, Callable[[Stand], str]]
"""What it is about, and the check: it returns what it found, or raises Wrong."""

EXPIRES_AFTER = 12.0
"""Seconds: long enough for a delivery to be recorded before its best-before, cold start included."""


def delivery(stand: Stand) -> str:
    """Good rows of a file become stock, and the receipt names the bad one."""
    delivered = stand.deliver("monday.csv", "ham,100,2099-01-01", "mushroom,50,2099-01-01", "ham,lots,2099-01-01")
    expect("status", delivered.status, DeliveryStatus.PARTIAL)
    expect("rejected lines", [row["line"] for row in delivered.findings["rejected"]], [4])
    expect("levels", stand.levels("ham", "mushroom"), {"ham": 100, "mushroom": 50})
    expect("the same file again", stand.deliver("monday.csv", *_MONDAY).status, DeliveryStatus.DUPLICATE)
    return "2 rows recorded, 1 rejected; the same file again changed nothing"


_MONDAY = ("ham,100,2099-01-01", "mushroom,50,2099-01-01", "ham,lots,2099-01-01")


def use(stand: Stand) -> str:
    """A transaction takes all of its items."""
    expect("answer", _used(stand.api, "order-1", ham=10, mushroom=5).status_code, 201)
    expect("levels", stand.levels("ham", "mushroom"), {"ham": 90, "mushroom": 45})
    return "10 ham and 5 mushroom taken"


def shortage(stand: Stand) -> str:
    """A transaction that lacks one item takes nothing of any."""
    answer = _used(stand.api, "order-2", ham=1, mushroom=46)
    expect("answer", answer.status_code, 409)
    expect("shortages", answer.body["shortages"], [{"typeId": "mushroom", "requested": 46, "available": 45}])
    expect("levels", stand.levels("ham", "mushroom"), {"ham": 90, "mushroom": 45})
    return "refused, nothing taken"


def replay(stand: Stand) -> str:
    """A repeated transaction is answered again, and takes nothing twice."""
    answer = _used(stand.api, "order-1", ham=10, mushroom=5)
    expect("answer", (answer.status_code, answer.body["replayed"]), (200, True))
    expect("answer to other items", _used(stand.api, "order-1", ham=11).status_code, 422)
    expect("levels", stand.levels("ham", "mushroom"), {"ham": 90, "mushroom": 45})
    return "answered again, nothing taken; the id with other items refused"


def soonest_first(stand: Stand) -> str:
    """Usage is charged to the batch that expires first."""
    stand.deliver("cheese.csv", "cheese,10,2099-01-01", "cheese,10,2098-01-01")
    expect("answer", _used(stand.api, "order-3", cheese=12).status_code, 201)
    wanted = {"2099-01-01": 8}
    stand.eventually("12 of cheese charged, soonest first", lambda: _left(stand, "cheese") == wanted)
    return "10 charged to the first batch, 2 to the next"


def expiry(stand: Stand) -> str:
    """Expired stock is not served, and is written off, before DynamoDB's time to live has removed its row."""
    moment = int(time.time() + EXPIRES_AFTER)
    best_before = datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    stand.deliver("eggs.csv", f"egg,10,{best_before}", "egg,4,2099-01-01")
    expect("level before", stand.levels("egg"), {"egg": 14})
    until(moment)
    answer = _used(stand.api, "order-4", egg=5)
    expect("answer", (answer.status_code, answer.body.get("shortages")), (409, _short("egg", 5, 4)))
    level = stand.stock.level("egg")
    expect("quantity and expired", level and (level.quantity, level.expired), (4, 10))
    return "10 expired units refused and written off at once"


def failure(stand: Stand) -> str:
    """A delivery that fails is kept in the failure queue, and a retry records it."""
    with stand.without_table(stand.deployment.stock_received_function):
        stand.bucket.drop("leek.csv", b"ingredient,quantity,best_before\nleek,10,2099-01-01\n")
        stand.eventually("the failure in its queue", lambda: bool(stand.failures.failed_deliveries()))
    with stand.failures.held() as held:
        for each in held:
            stand.failures.retry(each)
    expect("level", stand.levels("leek"), {"leek": 10})
    expect("failures left", stand.failures.failed_deliveries(), [])
    return "kept in the queue, recorded by the retry"


def stream(stand: Stand) -> str:
    """Every change of every level was published, in order."""
    newest = {level.ingredient: level.version for level in stand.stock.levels()}
    found: list[str] = []

    def is_whole() -> bool:
        found[:] = gaps(published(stand.clients.kinesis, stand.deployment.level_stream), newest)
        return not found

    try:
        stand.eventually("all changes published", is_whole)
    except Wrong as wrong:
        raise Wrong(f"{wrong}; {'; '.join(found[:3])}") from None
    return f"{sum(newest.values()):,} changes of {len(newest):,} levels, complete and in order"


def books(stand: Stand) -> str:
    """Levels add up, and agree with their batches once all usage is charged."""
    levels = stand.stock.levels()
    expect("levels that do not add up", [level.ingredient for level in levels if not level.adds_up], [])
    stand.eventually("all usage charged", lambda: not _drifting(stand))
    return f"{sum(level.received for level in levels):,} units received, all accounted for"


BEFORE: Sequence[Check] = (
    ("delivery", delivery),
    ("use", use),
    ("shortage", shortage),
    ("replay", replay),
    ("soonest first", soonest_first),
    ("expiry", expiry),
    ("failure and retry", failure),
)
"""Before the measurements."""
AFTER: Sequence[Check] = (("level stream", stream), ("books", books))
"""After them: these look at everything that was done."""


def _used(api: StockApi, transaction_id: str, **items: int) -> Answer:
    return api.use(transaction_id, items)


def _short(ingredient: str, requested: int, available: int) -> list[dict[str, str | int]]:
    return [{"typeId": ingredient, "requested": requested, "available": available}]


def _left(stand: Stand, ingredient: str) -> dict[str, int]:
    holding = stand.stock.read(ingredient)
    return {batch.best_before: batch.quantity for batch in holding.counted if batch.quantity} if holding else {}


def _drifting(stand: Stand) -> list[str]:
    holdings = (stand.stock.read(ingredient) for ingredient in stand.stock.ingredients())
    return [holding.level.ingredient for holding in holdings if holding and holding.drift]
