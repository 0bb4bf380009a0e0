"""A kitchen that anything may happen to: deliveries, uses, repeats, crashes, late and doubled events, time.

Every method is one step, complete with its arguments, so that Hypothesis, or a random number generator, can make up any
run. The invariants are checked after every single AWS call of every step.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from stockctl.domain.discard import Discard, Discarded, TooFew
from stockctl.domain.level_change import LevelChange, NewestVersions
from stockctl.domain.receipt import receipt_key
from stockctl.domain.returns import NoTransaction, NotRecorded, Return, Returned, ReturnedUnits, TooMany
from stockctl.domain.stock import Batch, Level, batch_id_of
from stockctl.domain.transaction import Accepted, Insufficient, Reused, Transaction
from stockctl.operations.discard import discard
from stockctl.operations.publish import LevelPublisher
from stockctl.operations.reconcile import reconcile
from stockctl.operations.return_units import return_units
from stockctl.operations.rows import BATCH_PREFIX, LEVEL, batch_from, level_from
from tests.engines.clouds import ProcessCloud, StruckCloud
from tests.faults.accounts import Accounts
from tests.faults.cloud_engine import LEVEL_STREAM, etag_of, version_of
from tests.faults.crashes import Crash, Death, Striker
from tests.faults.explorer import without
from tests.faults.invariants import Truth, ensure, holds, holds_at_rest, partitions
from tests.faults.operations import (
    batch,
    csv,
    reconciling,
    recording,
    returns,
    settling,
    stock_table,
    tables,
    transacting,
    transacting_many,
)
from tests.faults.steps import Cloud, Operation
from tests.faults.stocktaking import counting
from tests.faults.table_engine import STOCK, Key

INGREDIENTS = ("ham", "cheese")
DAY = 86_400
MOST_FILES = 12


@dataclass(frozen=True)
class Fault:
    """A crash at one call of a step."""

    at: int
    crash: Crash


@dataclass
class Kitchen:
    """The cloud, what has been dropped into it, and the events that are still to come, or to come again."""

    cloud: ProcessCloud = field(default_factory=ProcessCloud)
    batches: list[Batch] = field(default_factory=list)
    files: list[tuple[str, str]] = field(default_factory=list)
    uses: dict[str, Transaction] = field(default_factory=dict)
    discards: dict[str, Discard] = field(default_factory=dict)
    returned: dict[str, tuple[Return, tuple[ReturnedUnits, ...]]] = field(default_factory=dict)
    accepted: set[str] = field(default_factory=set)
    counted: list[Batch] = field(default_factory=list)
    changes: list[Level] = field(default_factory=list)
    accounts: Accounts = field(default_factory=Accounts)
    calls: int = 0

    def __post_init__(self) -> None:
        self.cloud.dynamodb.keeps_history = True

    def drop(self, name: int, rows: Sequence[tuple[int, int, int]]) -> None:
        """A supplier drops a file: rows of ingredient, units, seconds until they expire. The name may be an old one."""
        if len(self.files) >= MOST_FILES:
            return
        key, version = f"{name}.csv", str(len(self.files))
        expiring = {(INGREDIENTS[which], self.cloud.now + left): units for which, units, left in rows}
        made = [batch(key, units, expires_at, name) for (name, expires_at), units in expiring.items()]
        content = csv(*made)
        self.cloud.s3.objects = {**self.cloud.s3.objects, version_of(key, version): content}
        tag = etag_of(content).strip('"')
        self.batches += [
            Batch(**{**vars(one), "etag": tag, "batch_id": batch_id_of(key, one.best_before)}) for one in made
        ]
        self.files.append((key, version))

    def record(self, which: int, fault: Fault | None) -> None:
        """S3's event of any file comes: for the first time, again, or late."""
        if self.files:
            key, version = self.files[which % len(self.files)]
            self._run(recording(key, version), fault)

    def use(self, number: int, units: Sequence[int], fault: Fault | None) -> None:
        """A transaction comes: a new one, or one that came before, with the same items or others."""
        transaction = self._transaction(number, units)
        outcome = self._run(transacting(transaction), fault)
        self._judge([transaction], [outcome])

    def use_batch(self, numbers: Sequence[int], units: Sequence[int], fault: Fault | None) -> None:
        """Several transactions come in one request."""
        transactions = [self._transaction(number, (units[0], number % 3)) for number in numbers]
        outcomes = self._run(transacting_many(transactions), fault)
        if isinstance(outcomes, list):
            self._judge(transactions, outcomes)

    def discard(self, number: int, units: int, which: int, fault: Fault | None) -> None:
        """Something is spoiled: any ham or cheese, or that of one delivery; new, or asked for again."""
        name = INGREDIENTS[number % 2]
        deliveries = [None, *sorted({key for key, _ in self.files})]
        request = Discard(f"d{number}", name, units, "spoiled", delivery=deliveries[which % len(deliveries)])
        outcome = self._run(lambda cloud: discard(tables(cloud), request), fault)
        if isinstance(outcome, Discarded):
            ensure(sum(one.units for one in outcome.removals) == units, "discarded in full", request, outcome)
            ensure(self.discards.setdefault(request.discard_id, request) == request, "an id is one discard", request)
        elif isinstance(outcome, TooFew):
            ensure(self.discards.get(request.discard_id) != request, "what was discarded is not refused", request)

    def give_back(self, number: int, units: int, which: int, fault: Fault | None) -> None:
        """An order is cancelled, whole or in part: a new return, or one that was asked for before."""
        items = {INGREDIENTS[which % 2]: units} if units else {}
        request = Return(f"r{number}", f"t{which % 10}", items)
        outcome = self._run(lambda cloud: return_units(returns(cloud), request), fault)
        if isinstance(outcome, Returned):
            earlier = self.returned.setdefault(request.return_id, (request, outcome.parts))
            ensure(earlier == (request, outcome.parts), "an id is one return", earlier, request, outcome)
            wanted = sum(part.units for part in outcome.parts)
            ensure(not units or wanted == units, "dealt with in full", request, outcome)
        elif isinstance(outcome, TooMany | NoTransaction):
            ensure(request.return_id not in self.returned, "what came back is not refused", request, outcome)
        else:
            ensure(not isinstance(outcome, NotRecorded), "history has every use", request)

    def count(self, number: int, fault: Fault | None) -> None:
        """A stocktake of ham or cheese: a new one, or one that was taken before, and perhaps left half done."""
        self._run(counting(f"c{number}", **{INGREDIENTS[number % 2]: 3 * number}), fault)

    def wait(self, seconds: int) -> None:
        self.cloud.now += seconds

    def wait_until_next_expiry(self, offset: int) -> None:
        """To just before, exactly at, or just after the next moment at which something expires."""
        later = [one.expires_at for one in self.batches if one.expires_at + offset > self.cloud.now]
        if later:
            self.cloud.now = min(later) + offset

    def remove_by_time_to_live(self, which: int) -> None:
        """DynamoDB removes a row that is due, now or days late; its event may come or not."""
        store = self.cloud.dynamodb.store
        due = sorted(key for key, row in store.rows.items() if self._is_due(key, row))
        if due:
            before = store.rows
            self.cloud.dynamodb.store = type(store)(without(before, due[which % len(due)]))
            self._check(before)

    def work_stream(self, which: Sequence[int], fault: Fault | None) -> None:
        """StockUpdated gets some of the level images: old ones, again, in any order."""
        levels = [self.changes[number % len(self.changes)] for number in which] if self.changes else []

        def work(cloud: Cloud) -> None:
            self._publishing(levels)(cloud)
            for name in {level.ingredient for level in levels}:
                reconcile(stock_table(cloud), name, cloud.clock, cloud.patience)

        self._run(work, fault)

    def reconcile(self, which: int, fault: Fault | None) -> None:
        """StockExpired's event, or the operator."""
        self._run(reconciling(INGREDIENTS[which]), fault)

    def close(self) -> None:
        """Everything that is still to come comes, and the books are right."""
        for key, version in self.files:
            self._run(recording(key, version), None)
        self._run(settling, None)
        holds_at_rest(self.cloud.rows(), self.cloud.now)
        self.accounts.close(self.cloud)
        self._run(self._publishing(self.changes), None)
        self._ensure_followers_know()
        for key in {key for key, _ in self.files}:
            self._ensure_receipt(key)

    def _publishing(self, levels: Sequence[Level]) -> Operation:
        return lambda cloud: LevelPublisher(cloud.kinesis, LEVEL_STREAM, cloud.patience).publish(levels)

    def _transaction(self, number: int, units: Sequence[int]) -> Transaction:
        items = {name: taken for name, taken in zip(INGREDIENTS, units, strict=True) if taken} or {"ham": 1}
        return Transaction(f"t{number}", items)

    def _judge(self, transactions: Sequence[Transaction], outcomes: Sequence[Any]) -> None:
        """What callers were told is so, and stays so."""
        for transaction, outcome in zip(transactions, outcomes, strict=True):
            name = transaction.transaction_id
            if isinstance(outcome, Accepted):
                earlier = self.uses.setdefault(name, transaction)
                ensure(dict(earlier.items) == dict(outcome.items), "an id stands for one use", earlier, outcome)
                ensure(outcome.replayed or name not in self.accepted, "accepted anew once only", transaction)
                self.accepted.add(name)
            elif isinstance(outcome, Insufficient):
                ensure(name not in self.accepted, "what was accepted is not refused later", transaction, outcome)
            elif isinstance(outcome, Reused):
                earlier = self.uses.get(name, transaction)
                ensure(name not in self.accepted or earlier.items != transaction.items, "a repeat is no reuse", earlier)

    def _run(self, operation: Operation, fault: Fault | None) -> object:
        """The step's operation, struck where the fault says; what it raises is the caller's to send again."""
        striker = Striker(fault.at, fault.crash) if fault else Striker(-1, Crash.DIES_BEFORE)

        def checked(name: str, do: Callable[[], Any]) -> Any:
            before = self.cloud.rows()
            self.calls += 1
            try:
                return striker(name, do)
            finally:
                if self.cloud.rows() is not before:
                    self._check(before)

        try:
            return operation(StruckCloud(self.cloud, checked))
        except AssertionError:
            raise
        except (Death, Exception):
            if fault is None:
                raise
            return None

    def _check(self, before: Any) -> None:
        after = self.cloud.rows()
        self._note_counted(before, after)
        holds(Truth((*self.batches, *self.counted)), before, after, self.cloud.now)
        self.accounts.observe(before, after)
        self.changes += [
            level_from(row) for key, row in after.items() if key[-1] == LEVEL and before.get(key) is not row
        ]

    def _note_counted(self, before: Any, after: Any) -> None:
        """Remembers the batches of counts, which bring what nobody delivered."""
        for key, row in after.items():
            if key[0] == STOCK and key[-1].startswith(BATCH_PREFIX) and key not in before:
                one = batch_from(row)
                self.counted += [one] if one.delivery.startswith("count/") else []

    def _is_due(self, key: Key, row: Any) -> bool:
        return key[0] == STOCK and "expires_at" in row and int(row["expires_at"]["N"]) <= self.cloud.now

    def _ensure_followers_know(self) -> None:
        """Whoever follows the level stream and drops what is older knows every level."""
        newest, known = NewestVersions(), dict[str, LevelChange]()
        for data in self.cloud.kinesis.published:
            change = LevelChange.parse(data)
            ensure(change.adds_up, "I1, as it is published", change)
            if newest.admits(change):
                known[change.ingredient] = change
        for name, partition in partitions(self.cloud.rows()).items():
            ensure(known[name].quantity == partition.level.quantity, "followers know the level", known[name])

    def _ensure_receipt(self, key: str) -> None:
        """A delivery has a receipt, which claims nothing that was not recorded."""
        content = self.cloud.s3.objects.get(receipt_key(key))
        ensure(content is not None, "every delivery gets a receipt", key)
        receipt = json.loads(content or b"")
        ensure(receipt["status"] in {"recorded", "partial", "rejected"}, "the receipt is finished", receipt)
        received = {name: partition.level.received for name, partition in partitions(self.cloud.rows()).items()}
        for name in INGREDIENTS:
            claimed = sum(row["quantity"] for row in receipt["recorded"] if row["ingredient"] == name)
            ensure(claimed <= received.get(name, 0), "a receipt claims only what was recorded", receipt, received)
