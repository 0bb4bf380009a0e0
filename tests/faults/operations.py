"""stockctl's own operations, as the fault tests start them: one ingredient or two, a few batches, small numbers.

Batches have quantities whose sums all differ, so that a level tells which of them it has received.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from zoneinfo import ZoneInfo

from stockctl.domain.best_before import DateReading
from stockctl.domain.discard import Discard, DiscardOutcome
from stockctl.domain.errors import Busy
from stockctl.domain.instants import iso, iso_seconds
from stockctl.domain.returns import Return, ReturnOutcome
from stockctl.domain.stock import Batch, batch_id_of
from stockctl.domain.transaction import Outcome, Transaction, Unknown
from stockctl.operations.discard import discard
from stockctl.operations.drop_bucket import DropBucket
from stockctl.operations.history_table import HistoryTable
from stockctl.operations.publish import LevelPublisher
from stockctl.operations.recall import take_out
from stockctl.operations.receive import receive
from stockctl.operations.reconcile import reconcile
from stockctl.operations.record_delivery import Recorder
from stockctl.operations.return_units import Returns, return_units
from stockctl.operations.stock_table import StockTable
from stockctl.operations.use import Tables, use
from stockctl.operations.use_batch import use_batch
from tests.faults.cloud_engine import BUCKET, LEVEL_STREAM, SmallCloud
from tests.faults.steps import Cloud, Operation, to_its_end
from tests.faults.table_engine import HISTORY, HISTORY_DAYS, STOCK, TRANSACTIONS

HAM = "ham"


def batch(name: str, quantity: int, expires_at: int, ingredient: str = HAM, etag: str = "e") -> Batch:
    """A batch of the delivery `name`."""
    best_before = iso_seconds(expires_at)
    batch_id = batch_id_of(name, best_before)
    return Batch(ingredient, batch_id, name, quantity, quantity, best_before, expires_at, etag, iso(0))


def stock_table(cloud: Cloud) -> StockTable:
    return StockTable(cloud.dynamodb, STOCK, cloud.patience)


def receiving(*batches: Batch) -> Operation:
    """Receive: one ingredient's batches of a delivery."""
    return lambda cloud: receive(stock_table(cloud), batches, cloud.clock, cloud.patience)


def using(units: int, transaction_id: str, **more: int) -> Operation:
    """Use: units of ham, and of other ingredients."""
    return transacting(Transaction(transaction_id, {HAM: units, **more}))


def transacting(transaction: Transaction) -> Operation:
    """Use: any one transaction."""

    def run(cloud: Cloud) -> Outcome:
        outcome = use(tables(cloud), transaction)
        if isinstance(outcome, Unknown):
            raise Busy("no answer came")
        return outcome

    return run


def using_many(**transactions: int) -> Operation:
    """Use, many at once: units of ham by transaction id; whoever is kept busy gives up all of it."""
    wanted = [Transaction(transaction_id, {HAM: units}) for transaction_id, units in transactions.items()]

    def run(cloud: Cloud) -> list[Outcome | None]:
        outcomes = transacting_many(wanted)(cloud)
        assert isinstance(outcomes, list)
        if any(outcome is None or isinstance(outcome, Unknown) for outcome in outcomes):
            raise Busy("some were kept busy")
        return outcomes

    return run


def transacting_many(transactions: Sequence[Transaction]) -> Operation:
    """Use, many at once, one AWS call at a time."""
    return lambda cloud: use_batch(tables(cloud), transactions, workers=1)


def tables(cloud: Cloud) -> Tables:
    return Tables(stock_table(cloud), TRANSACTIONS, cloud.clock, cloud.patience)


def reconciling(ingredient: str = HAM) -> Operation:
    """Reconcile, and so what StockExpired does."""
    return lambda cloud: reconcile(stock_table(cloud), ingredient, cloud.clock, cloud.patience)


def publishing(ingredient: str = HAM) -> Operation:
    """What StockUpdated does with the level's newest image: publish, then reconcile."""

    def run(cloud: Cloud) -> None:
        level = stock_table(cloud).level(ingredient)
        if level is not None:
            LevelPublisher(cloud.kinesis, LEVEL_STREAM, cloud.patience).publish([level])
            reconcile(stock_table(cloud), ingredient, cloud.clock, cloud.patience)

    return run


def discarding(units: int, discard_id: str, delivery: str | None = None) -> Operation:
    """Discard: units of ham, of one delivery or of what expires soonest."""
    request = Discard(discard_id, HAM, units, "spoiled", delivery=delivery)

    def run(cloud: Cloud) -> DiscardOutcome:
        outcome = discard(tables(cloud), request)
        if isinstance(outcome, Unknown):
            raise Busy("no answer came")
        return outcome

    return run


def returning(transaction_id: str, return_id: str, **items: int) -> Operation:
    """Return: all units of a transaction that are still out, or these."""
    request = Return(return_id, transaction_id, items)

    def run(cloud: Cloud) -> ReturnOutcome:
        outcome = return_units(returns(cloud), request)
        if isinstance(outcome, Unknown):
            raise Busy("no answer came")
        return outcome

    return run


def returns(cloud: Cloud) -> Returns:
    return Returns(tables(cloud), HistoryTable(cloud.dynamodb, HISTORY, HISTORY_DAYS, cloud.patience))


def recalling(delivery: str) -> Operation:
    """Recall: what is left of a delivery's ham leaves stock."""
    return lambda cloud: take_out(tables(cloud), delivery, HAM, "recall")


def recording(key: str, version: str | None = None) -> Operation:
    """Record: the whole of a delivery, from the bucket to its receipt."""

    def run(cloud: Cloud) -> object:
        bucket = DropBucket(cloud.s3, BUCKET)
        recorder = Recorder(bucket, tables(cloud), DateReading(ZoneInfo("UTC")))
        return recorder.record(key, version)

    return run


def in_turn(*operations: Operation) -> Operation:
    """One after the other, as one process."""
    return lambda cloud: [operation(cloud) for operation in operations][-1]


def csv(*batches: Batch) -> bytes:
    """The file that brings these batches."""
    lines = [f"{one.ingredient},{one.quantity},{one.best_before}" for one in batches]
    return "\n".join(["ingredient,quantity,best_before", *lines, ""]).encode()


def given(
    *operations: Operation, objects: Mapping[str, bytes] | None = None, history: bool = False
) -> Callable[[SmallCloud], None]:
    """A setup: objects in the bucket, and operations that ran before, one after the other, at second 0.

    `history` says that level changes and charges are recorded, then and from then on.
    """

    def setup(cloud: SmallCloud) -> None:
        cloud.dynamodb.keeps_history = history
        for key, content in (objects or {}).items():
            cloud.s3.put_object(Key=key, Body=content)
        for operation in operations:
            ended = to_its_end(operation, cloud)
            if ended.error is not None:
                raise ended.error

    return setup


def settling(cloud: Cloud) -> None:
    """The stream processed: every ingredient is reconciled until nothing moves."""
    table = stock_table(cloud)
    for name in table.ingredients():
        for _ in range(20):
            done = reconcile(table, name, cloud.clock, cloud.patience)
            if not (done.allocated or done.written_off or done.drift):
                break
