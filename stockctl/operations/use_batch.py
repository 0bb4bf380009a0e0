"""Use many transactions at once, committed in groups; each is still taken in full or not at all.

Works in rounds until every transaction has its answer or the deadline has passed: read the levels, judge, commit in
groups, leave the rest for the next round. A group whose conditions fail changes nothing, and its members are judged
again. So every shortage rests on a level that was read, and every acceptance on conditions that DynamoDB checked
(stockctl/README.md, "Group commit").
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TypeVar

from stockctl.domain.commit import Commit
from stockctl.domain.errors import Busy
from stockctl.domain.group_commit import Group, ingredients_of, judge, packed, waves
from stockctl.domain.reconciliation import MAX_ACTIONS
from stockctl.domain.stock import Level
from stockctl.domain.transaction import Accepted, Insufficient, Outcome, Transaction, Unknown
from stockctl.operations.batch_reads import in_requests
from stockctl.operations.reconcile import reconcile
from stockctl.operations.rows import Action, TableRow, record_key
from stockctl.operations.transact import Cancelled, Contended, Unanswered, isolated_rows, transact
from stockctl.operations.use import Tables, known, put_record, take

WORKERS = 8
"""Concurrent calls. Groups that share ingredients never run at the same time."""

FEWEST_ACTIONS = 6
"""Under contention, groups shrink down to this size."""

RECONCILIATION_SECONDS = 2.0
"""How long a round waits for the reconciliation of one ingredient; the next round tries again."""


S = TypeVar("S")
R = TypeVar("R")


def use_batch(tables: Tables, transactions: Sequence[Transaction], workers: int = WORKERS) -> list[Outcome | None]:
    """The outcome of each transaction, in order; None means busy: nothing changed.

    Repeats of one id are answered as if they came one after the other.
    """
    with ThreadPoolExecutor(workers) as threads:
        batch = _Batch(tables, transactions, threads)
        batch.run()
    return [
        Unknown() if outcome is None and position in batch.unanswered else outcome
        for position, outcome in enumerate(batch.outcomes)
    ]


@dataclass
class _Batch:
    tables: Tables
    transactions: Sequence[Transaction]
    threads: Executor
    limit: int = MAX_ACTIONS
    unanswered: set[int] = field(default_factory=set)
    deadline: float = field(init=False)
    outcomes: list[Outcome | None] = field(init=False)

    def __post_init__(self) -> None:
        self.deadline = self.tables.patience.clock() + self.tables.patience.seconds
        self.outcomes = [None] * len(self.transactions)

    def run(self) -> None:
        waiting = dict(enumerate(self.transactions))
        try:
            for _ in self.tables.patience.attempts(f"{len(waiting)} transactions"):
                self._round(waiting)
                waiting = self._waiting()
                if not waiting:
                    return
        except Busy:
            return

    def _waiting(self) -> dict[int, Transaction]:
        """Transactions without an outcome, after repeats of accepted ones have been answered."""
        accepted = {
            self.transactions[position].transaction_id: outcome
            for position, outcome in enumerate(self.outcomes)
            if isinstance(outcome, Accepted)
        }
        for position, transaction in enumerate(self.transactions):
            earlier = accepted.get(transaction.transaction_id)
            if self.outcomes[position] is None and earlier is not None:
                self.outcomes[position] = transaction.repeated(earlier)
        return {at: transaction for at, transaction in enumerate(self.transactions) if self.outcomes[at] is None}

    def _round(self, waiting: Mapping[int, Transaction]) -> None:
        levels = self._levels(ingredients_of(waiting.values()))
        judgement = judge(waiting, levels, int(self.tables.clock()))
        self._refuse(judgement.refused)
        groups = packed({position: waiting[position] for position in judgement.accepted}, self.limit)
        if any(self._committed(waves(groups))):
            self.limit = max(FEWEST_ACTIONS, self.limit // 2)
        self._each(self._reconcile, judgement.guarded)

    def _committed(self, planned: Iterable[Iterable[Group]]) -> list[bool]:
        """Commits wave by wave until the deadline; returns for each group whether it met contention."""
        contended: list[bool] = []
        for wave in planned:
            if self.tables.patience.clock() > self.deadline:
                break
            contended += self._each(self._commit, wave)
        return contended

    def _each(self, work: Callable[[S], R], subjects: Iterable[S]) -> list[R]:
        """Does the work for each subject, several at a time. After an error, it starts no more."""
        return list(self.threads.map(work, subjects))

    def _levels(self, ingredients: Sequence[str]) -> dict[str, Level]:
        found = self._each(self.tables.stock.levels, in_requests(ingredients))
        return {level.ingredient: level for levels in found for level in levels}

    def _refuse(self, refused: Mapping[int, Insufficient]) -> None:
        """Refuses transactions, except those whose ids were accepted or are being committed: these are answered as
        repeats."""
        ids = sorted({self.transactions[position].transaction_id for position in refused})
        records = {name: row for rows in self._each(self._records, in_requests(ids)) for name, row in rows.items()}
        for position, insufficient in refused.items():
            transaction = self.transactions[position]
            if transaction.transaction_id in records:
                record = records[transaction.transaction_id]
                self.outcomes[position] = known(transaction, record) or insufficient

    def _records(self, ids: Sequence[str]) -> Mapping[str, TableRow | None]:
        """The record of each id, None for an unknown one. Empty if one of the ids is being committed.

        A plain read could miss the record of a transaction whose effect on the level was already read.
        """
        keys = [record_key(transaction_id) for transaction_id in ids]
        try:
            return dict(zip(ids, isolated_rows(self.tables.stock.client, self.tables.transactions, keys), strict=True))
        except Contended:
            return {}

    def _commit(self, group: Group) -> bool:
        """Commits one group; returns whether it met contention.

        If a condition fails, nothing happens, and only transactions with known ids are answered.
        """
        now = self.tables.clock()
        try:
            transact(self.tables.stock.client, _actions(self.tables, group, now))
        except Contended as contended:
            if isinstance(contended, Unanswered):
                self.unanswered |= group.transactions.keys()
            return True
        except Cancelled as cancelled:
            for (position, transaction), reason in zip(group.transactions.items(), cancelled.reasons, strict=False):
                if reason.is_failed_condition:
                    self.outcomes[position] = known(transaction, reason.row)
        else:
            for position, transaction in group.transactions.items():
                self.outcomes[position] = Accepted(transaction.items)
        return False

    def _reconcile(self, ingredient: str) -> None:
        patience = replace(self.tables.patience, seconds=min(RECONCILIATION_SECONDS, self.tables.patience.seconds))
        try:
            reconcile(self.tables.stock, ingredient, self.tables.clock, patience)
        except Busy:
            return


def _actions(tables: Tables, group: Group, now: float) -> list[Action]:
    """The records, then one update per ingredient."""
    members = group.transactions
    commit = Commit.of((transaction.transaction_id for transaction in members.values()), now)
    offsets = group.units_after()
    records = [put_record(tables.transactions, members[at], commit, offsets[at]) for at in members]
    takes = [take(tables.stock.name, name, units, group.cause_of(name), commit) for name, units in group.units.items()]
    return [*records, *takes]
