"""What is crashed: every operation, from a state in which it has much to do."""

from __future__ import annotations

from collections.abc import Callable

from tests.engines.clouds import AnyCloud
from tests.faults.crashes import Case
from tests.faults.invariants import Truth
from tests.faults.operations import (
    HAM,
    batch,
    csv,
    discarding,
    publishing,
    recalling,
    receiving,
    reconciling,
    recording,
    returning,
    using,
    using_many,
)
from tests.faults.scenarios import BETWEEN, KEY, LATER, SAME_TIME, SOON
from tests.faults.steps import Operation
from tests.faults.stocktaking import CORRECTED_UP, DELIVERED, crash_cases

CHEESE = batch("later", 5, 3, "cheese")
MILK = batch("milk", 7, 6, "milk")
FILED = tuple(
    batch(KEY, quantity, expires_at, name) for quantity, expires_at, name in ((40, 5, HAM), (80, 6, "cheese"))
)
TRUTH = Truth((SOON, LATER, BETWEEN, SAME_TIME, CHEESE, MILK, *FILED))


def begun(*operations: Operation, now: int = 0, removed: bool = False) -> Callable[[AnyCloud], None]:
    """A kitchen with ham and cheese, a file that waits in the bucket, and some more done; then it is `now`."""

    def setup(cloud: AnyCloud) -> None:
        cloud.dynamodb.keeps_history = True
        cloud.s3.put_object(Key=KEY, Body=csv(*FILED))
        for operation in (receiving(SOON), receiving(LATER), receiving(CHEESE), *operations):
            operation(cloud)
        cloud.now = now
        if removed:
            key = {"ingredient": {"S": HAM}, "batch_id": {"S": f"batch#{SOON.batch_id}"}}
            cloud.dynamodb.delete_item(TableName="stock", Key=key)

    return setup


WAITING = begun(using(4, "before"))
RETURNED = begun(using(4, "before", cheese=2), using(1, "another"), returning("before", "first", ham=1))
RECALLED = begun(using(4, "before"), recalling(LATER.delivery), returning("before", "back"))
RETURNS = (
    Case("return", TRUTH, begun(using(4, "before", cheese=2)), returning("before", "back")),
    Case("return the rest", TRUTH, RETURNED, returning("before", "back")),
    Case("return what has expired", TRUTH, begun(using(4, "before"), now=1), returning("before", "back")),
    Case("recall what came back", TRUTH, RECALLED, recalling(LATER.delivery)),
    Case("return too much", TRUTH, RETURNED, returning("before", "back", ham=4)),
)
CASES = (
    Case("use", TRUTH, WAITING, using(2, "two", cheese=1)),
    Case("use what may have expired", TRUTH, begun(using(1, "before"), now=1), using(2, "two", cheese=1)),
    Case("use too much", TRUTH, WAITING, using(9, "nine", cheese=3)),
    Case("use many", TRUTH, WAITING, using_many(two=2, three=3, nine=9, four=3)),
    Case("receive", TRUTH, WAITING, receiving(BETWEEN, SAME_TIME)),
    Case("receive the first", TRUTH, begun(), receiving(MILK)),
    Case("reconcile", TRUTH, WAITING, reconciling()),
    Case("expire", TRUTH, begun(using(1, "before"), now=1, removed=True), reconciling()),
    Case("expire what is still there", TRUTH, begun(using(1, "before"), now=2), reconciling()),
    Case("discard", TRUTH, WAITING, discarding(5, "five")),
    Case("discard of a delivery", TRUTH, begun(using(1, "before"), now=1), discarding(4, "four", LATER.delivery)),
    Case("discard too much", TRUTH, WAITING, discarding(10, "ten")),
    *RETURNS,
    Case("recall", TRUTH, WAITING, recalling(LATER.delivery)),
    Case("publish", TRUTH, WAITING, publishing()),
    Case("record", TRUTH, WAITING, recording(KEY)),
    *crash_cases(TRUTH, WAITING, begun(receiving(DELIVERED)), begun(receiving(DELIVERED), CORRECTED_UP)),
)
WITHOUT_HISTORY = tuple(case for case in CASES if case not in RETURNS)
"""Those that an engine without the table's stream can run."""
