"""Crashing operations: at each call in turn, before it and after it, as a death or as an error to the operation."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from stockctl.domain.level_change import LevelChange, NewestVersions
from tests.engines.clouds import AnyCloud, StruckCloud
from tests.faults.cloud_engine import Snapshot
from tests.faults.invariants import Rows, Truth, ensure, holds, holds_at_rest, partitions
from tests.faults.operations import settling
from tests.faults.steps import Operation, refusal
from tests.faults.table_engine import TRANSACTIONS


class Crash(Enum):
    """How a call ends badly."""

    DIES_BEFORE = "the process dies before it"
    DIES_AFTER = "the process dies after it"
    TIMES_OUT = "it is done, and times out"
    IS_CUT_OFF = "it is not done, and the connection breaks"
    IS_REFUSED = "it is refused"


class Death(BaseException):
    """The process ends here."""


@dataclass
class Striker:
    """Strikes one call, counted from 0."""

    at: int
    crash: Crash
    calls: int = 0

    def __call__(self, name: str, do: Callable[[], Any]) -> Any:
        number = self.calls
        self.calls += 1
        if number != self.at:
            return do()
        if self.crash is Crash.DIES_BEFORE:
            raise Death
        if self.crash is Crash.IS_CUT_OFF:
            raise ConnectionClosedError(endpoint_url="http://127.0.0.1")
        if self.crash is Crash.IS_REFUSED:
            raise refusal(name)
        do()
        if self.crash is Crash.DIES_AFTER:
            raise Death
        raise ReadTimeoutError(endpoint_url="http://127.0.0.1")

    @property
    def has_struck(self) -> bool:
        return self.calls > self.at


@dataclass(frozen=True)
class Case:
    """An operation that is struck, on a cloud that a setup has made; `after` runs before its event comes again.

    `halves` are what it may have come to where it takes several transactions, besides all or nothing.
    """

    name: str
    truth: Truth
    given: Callable[[AnyCloud], None]
    operation: Operation
    after: Operation | None = None
    halves: tuple[Operation, ...] = ()


def crashed_at_each_call(case: Case, cloud: AnyCloud) -> Iterator[tuple[int, Crash]]:
    """Runs the case once for each call and each crash, and yields those once all is well afterwards.

    Raises:
        Broken: an invariant does not hold, or the end is another than without the crash.
    """
    cloud.clear()
    case.given(cloud)
    begun = cloud.state
    expected = _ends_without(case, cloud, begun)
    for crash in Crash:
        for at in range(1_000):
            striker = Striker(at, crash)
            cloud.state = begun
            _tried(case.operation, StruckCloud(cloud, striker))
            if not striker.has_struck:
                break
            _all_again(case, cloud)
            ensure(_seen(cloud.rows()) in expected, "the end is that without a crash", case.name, at, crash)
            yield at, crash


def _ends_without(case: Case, cloud: AnyCloud, begun: Snapshot) -> list[object]:
    """The ends without a crash: with the operation before the other one, or only after it.

    An operation that reconciles first may die after that: then the stream was processed before the other one.
    """
    ends = []
    for first in (case.operation, settling, None, *case.halves):
        cloud.state = begun
        if first is not None:
            first(StruckCloud(cloud, lambda _name, do: do()))
        _all_again(case, cloud)
        ends.append(_seen(cloud.rows()))
    return ends


def _all_again(case: Case, cloud: AnyCloud) -> None:
    """The event comes twice more, the stream is processed, and everything is right."""
    for operation in (*([case.after] if case.after else []), case.operation, case.operation, settling):
        operation(StruckCloud(cloud, lambda _name, do: do()))
        rows = cloud.rows()
        holds(case.truth, rows, rows, cloud.now)
    holds_at_rest(cloud.rows(), cloud.now)
    _published_well(cloud)


def _tried(operation: Operation, cloud: StruckCloud) -> None:
    try:
        operation(cloud)
    except (Death, Exception):  # what is raised is told to whoever sends the event again
        return


def _published_well(cloud: AnyCloud) -> None:
    """A consumer that follows the stream and drops what is older never has a level from after the table's."""
    newest = NewestVersions()
    seen: dict[str, LevelChange] = {}
    for data in cloud.kinesis.published:
        change = LevelChange.parse(data)
        if newest.admits(change):
            seen[change.ingredient] = change
    for name, partition in partitions(cloud.rows()).items():
        if name in seen:
            ensure(seen[name].version <= partition.level.version, "nothing is published before it happened", seen[name])
            ensure(seen[name].adds_up, "what is published adds up", seen[name])


def _seen(rows: Rows) -> object:
    """What a restaurant could tell of the end."""
    stock = [
        (
            name,
            (p.level.quantity, p.level.received, p.level.used, p.level.expired, p.level.discarded, p.level.returned),
            [(one.batch_id, one.quantity) for one in p.holding.counted],
        )
        for name, p in sorted(partitions(rows).items())
    ]
    known = sorted(json.dumps(key) for key in rows if key[0] == TRANSACTIONS)
    return stock, known


def pairs(cases: Sequence[Case]) -> list[Case]:
    """Each case followed by each other one's operation."""
    return [
        Case(
            f"{first.name}, then {second.name}",
            Truth(tuple({*first.truth.batches, *second.truth.batches})),
            first.given,
            first.operation,
            second.operation,
            first.halves,
        )
        for first in cases
        for second in cases
    ]
