"""Every interleaving of a few operations' AWS calls, with the faults a scenario allows, each state visited once.

States that agree in the cloud's rows, the clock and what each operation has seen so far have the same future, so the
search walks a graph and not a tree; `Explored.interleavings` counts the paths through it all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

from stockctl.domain.discard import Discarded, TooFew
from stockctl.domain.returns import Returned, TooMany
from stockctl.domain.transaction import Accepted, Insufficient, Reused
from tests.faults.cloud_engine import SmallCloud, Snapshot
from tests.faults.invariants import Broken, Truth, holds, holds_at_rest, partitions
from tests.faults.steps import Fate, Operation, Stepped, Steps, to_its_end
from tests.faults.table_engine import STOCK, TRANSACTIONS, Item, Key

Setup = Callable[[SmallCloud], None]


@dataclass(frozen=True)
class Scenario:
    """Operations that run beside each other, and what may go wrong meanwhile, each so many times.

    `ticks` let time pass by a second, `removals` are rows deleted by time to live, `skewed` are transactions of which
    readers see a part (`locked`: and whose hidden rows conflict with other transactions), `deaths` are processes that
    end between two calls.
    """

    name: str
    truth: Truth
    given: Setup
    operations: Mapping[str, Operation]
    ticks: int = 0
    removals: int = 0
    lost: int = 0
    undone: int = 0
    refused: int = 0
    deaths: int = 0
    skewed: int = 0
    locked: bool = False
    page_rows: int = 1
    is_serial: bool = True
    """Whether every end must be that of some serial order."""
    settles: bool = False
    """Whether in a serial order the stream may be processed at any point in between: a use that waits while several
    batches expire does that itself, at the first."""
    finally_: Callable[[SmallCloud, Sequence[Stepped]], None] | None = None
    """What else must hold at each end."""
    always: Callable[[Snapshot], None] | None = None
    """What else must hold after every step."""


@dataclass
class Explored:
    """How far the search went."""

    states: int = 0
    ends: int = 0
    interleavings: int = 0


@dataclass(frozen=True)
class _Budget:
    ticks: int
    removals: int
    lost: int
    undone: int
    refused: int
    deaths: int
    skewed: int


_FATES = {Fate.LOST: "lost", Fate.UNDONE: "undone", Fate.REFUSED: "refused"}


@dataclass(frozen=True)
class _Node:
    cloud: Snapshot
    actors: tuple[Stepped | None, ...]
    """None is an operation whose process has died."""
    budget: _Budget


@dataclass
class Explorer:
    """Walks all of one scenario.

    Raises:
        Broken: an invariant does not hold; `trail` in its notes says what happened in which order.
    """

    scenario: Scenario
    settle: Operation
    explored: Explored = field(default_factory=Explored)

    def __post_init__(self) -> None:
        self.cloud = SmallCloud(self.scenario.page_rows)
        self.cloud.dynamodb.locks_hidden = self.scenario.locked
        self.names = tuple(self.scenario.operations)
        self.operations = tuple(self.scenario.operations.values())
        clock_is_a_step = self.scenario.ticks > 0  # else it stands still
        self.steps = tuple(Steps(one, self.cloud, clock_is_a_step=clock_is_a_step) for one in self.operations)
        self.paths: dict[object, int] = {}
        self.trail: list[str] = []
        self.rows = _Names()

    def run(self) -> Explored:
        self.scenario.given(self.cloud)
        s, start, count = self.scenario, self.cloud.state, len(self.operations)
        budget = _Budget(s.ticks, s.removals, s.lost, s.undone, s.refused, s.deaths, s.skewed)
        self.serial_ends = self._serial_ends(_Node(start, (None,) * count, budget)) if s.is_serial else None
        try:
            self.explored.interleavings = self._walk(_Node(start, (Stepped(()),) * count, budget))
        except Broken as broken:
            broken.add_note(f"{s.name}:\n  " + "\n  ".join(self.trail))
            raise
        self.explored.states = len(self.paths)
        return self.explored

    def _walk(self, node: _Node) -> int:
        key = self._key(node)
        if key in self.paths:
            return self.paths[key]
        paths, can_move = 0, False
        for what, following in self._following(node):
            can_move = True
            self.trail.append(what)
            if following.cloud.store.rows is not node.cloud.store.rows:
                holds(self.scenario.truth, node.cloud.store.rows, following.cloud.store.rows, following.cloud.now)
            if self.scenario.always:
                self.scenario.always(following.cloud)
            paths += self._walk(following)
            self.trail.pop()
        if not can_move or all(actor is None or actor.has_ended for actor in node.actors):
            self._end(node)
            paths = max(paths, 1)
        self.paths[key] = paths
        return paths

    def _following(self, node: _Node) -> Iterator[tuple[str, _Node]]:
        yield from self._steps(node)
        yield from self._deaths(node)
        cloud = node.cloud
        if cloud.store.hidden:
            shown = replace(cloud, store=replace(cloud.store, hidden={}))
            yield "readers see all", replace(node, cloud=shown)
        if any(actor is not None and not actor.has_ended for actor in node.actors):
            yield from _time_passes(node)

    def _steps(self, node: _Node) -> Iterator[tuple[str, _Node]]:
        for position, actor in enumerate(node.actors):
            if actor is None or actor.has_ended:
                continue
            after, cloud = self._stepped(position, actor, node.cloud, Fate.ANSWERED)
            name, written = after.history[-1].call, self.cloud.dynamodb.written
            yield f"{self.names[position]}: {name}", _moved(node, position, after, cloud)
            if name == "clock":
                continue
            if node.budget.skewed and name == "transact_write_items" and cloud.store is not node.cloud.store:
                yield from self._skewed(_moved(node, position, after, cloud), written, self.names[position])
            for fate, budgeted in _FATES.items():
                if left := getattr(node.budget, budgeted):
                    after, cloud = self._stepped(position, actor, node.cloud, fate)
                    following = _moved(node, position, after, cloud)
                    budget = replace(node.budget, **{budgeted: left - 1})
                    yield f"{self.names[position]}: {name}, {fate.value}", replace(following, budget=budget)

    def _stepped(self, position: int, actor: Stepped, cloud: Snapshot, fate: Fate) -> tuple[Stepped, Snapshot]:
        self.cloud.state = cloud
        after = self.steps[position].step(actor, fate)
        return after, self.cloud.state

    def _skewed(
        self, node: _Node, written: tuple[tuple[Key, Item | None], ...], name: str
    ) -> Iterator[tuple[str, _Node]]:
        """The same commit, of which readers miss a part for a while: any one to three rows, or all but one."""
        sizes = {1, 2, 3, len(written) - 1} & set(range(1, len(written)))
        for size in sorted(sizes):
            for late in combinations(written, size):
                store = replace(node.cloud.store, hidden={**node.cloud.store.hidden, **dict(late)})
                left = replace(node.budget, skewed=node.budget.skewed - 1)
                what = ", ".join(key[-1] for key, _ in late)
                cloud = replace(node.cloud, store=store)
                yield f"{name}: transact_write_items, {what} still unseen", replace(node, cloud=cloud, budget=left)

    def _deaths(self, node: _Node) -> Iterator[tuple[str, _Node]]:
        if not node.budget.deaths:
            return
        for position, actor in enumerate(node.actors):
            if actor is not None and not actor.has_ended and actor.history:
                actors = (*node.actors[:position], None, *node.actors[position + 1 :])
                budget = replace(node.budget, deaths=node.budget.deaths - 1)
                yield f"{self.names[position]} dies", replace(node, actors=actors, budget=budget)

    def _end(self, node: _Node) -> None:
        """No operation is running: operations that died or failed are repeated and the stream is processed, twice."""
        self.explored.ends += 1
        self.cloud.state = node.cloud
        self.cloud.shows_all()
        for _ in range(2):
            for operation, actor in zip(self.operations, node.actors, strict=True):
                if actor is None or actor.error is not None:
                    to_its_end(operation, self.cloud)
            self._settle()
        if self.scenario.finally_:
            self.scenario.finally_(self.cloud, [actor for actor in node.actors if actor])
        if self.serial_ends is not None:
            view = self._view(node.actors)
            if view not in self.serial_ends and view not in {state for state, _ in self.serial_ends}:
                raise Broken("the end is that of no serial order", view)

    def _settle(self) -> None:
        before = self.cloud.state.store.rows
        ended = to_its_end(self.settle, self.cloud)
        if ended.error is not None:
            raise Broken("the stream cannot be processed", ended.error)
        after = self.cloud.state.store.rows
        holds_at_rest(after, self.cloud.now)
        for name, partition in partitions(after).items():
            was = partitions(before)[name].level
            now = partition.level
            if now.expired == was.expired:
                continue
            if now.quantity != sum(batch.quantity for batch in partition.holding.counted):
                raise Broken("I5: a write-off leaves exactly what is fresh", was, now)

    def _serial_ends(self, start: _Node) -> set[Any]:
        """The ends of the operations one after the other in every order, with time passing anywhere between."""
        ends: set[object] = set()
        seen: set[object] = set()
        waiting = [start]
        while waiting:
            node = waiting.pop()
            if (key := self._key(node)) in seen:
                continue
            seen.add(key)
            if None not in node.actors:
                self.cloud.state = node.cloud
                self._settle()
                ends.add(self._view(node.actors))
            waiting += self._serially(node)
        return ends

    def _serially(self, node: _Node) -> Iterator[_Node]:
        """One whole operation further, or time passes. None is an operation that has not begun."""
        for position, operation in enumerate(self.operations):
            if node.actors[position] is None:
                self.cloud.state = node.cloud
                ended = to_its_end(operation, self.cloud)
                yield _moved(node, position, ended, self.cloud.state)
        if self.scenario.settles:
            self.cloud.state = node.cloud
            self._settle()
            yield replace(node, cloud=self.cloud.state)
        yield from (following for _, following in _time_passes(node))

    def _view(self, actors: Sequence[Stepped | None]) -> object:
        """What a caller can tell of an end: what is in stock, what was accepted, and what the operations answered."""
        rows = self.cloud.state.store.rows
        stock = [
            (
                name,
                (
                    p.level.quantity,
                    p.level.received,
                    p.level.used,
                    p.level.expired,
                    p.level.discarded,
                    p.level.returned,
                    p.level.next_expiry,
                ),
                tuple((batch.batch_id, batch.quantity) for batch in p.holding.counted),
            )
            for name, p in sorted(partitions(rows).items())
        ]
        known = sorted(key for key in rows if key[0] == TRANSACTIONS)
        state = self.cloud.now, tuple(stock), tuple(known)
        if any(actor is None or actor.error is not None for actor in actors):
            return state  # whoever died, or gave up, has answered nothing
        return state, tuple(_answer(actor) for actor in actors if actor)

    def _key(self, node: _Node) -> object:
        cloud = node.cloud
        actors = tuple(None if actor is None else actor.identity for actor in node.actors)
        hidden = tuple((key, self.rows.of(row)) for key, row in sorted(cloud.store.hidden.items()))
        rows = tuple((key, self.rows.of(row)) for key, row in sorted(cloud.store.rows.items()))
        return cloud.now, actors, node.budget, rows, hidden, tuple(sorted(cloud.objects.items())), cloud.published


class _Names:
    """A short name for each row by its content; the rows are kept, so that an identity is never used again."""

    def __init__(self) -> None:
        self.by_identity: dict[int, tuple[object, int]] = {}
        self.by_content: dict[str, int] = {}

    def of(self, row: Item | None) -> int:
        if row is None:
            return -1
        known = self.by_identity.get(id(row))
        if known is None:
            name = self.by_content.setdefault(repr(sorted(row.items())), len(self.by_content))
            known = self.by_identity[id(row)] = (row, name)
        return known[1]


def without(rows: Mapping[Key, Any], key: Key) -> dict[Key, Any]:
    """The same rows but one."""
    return {other: row for other, row in rows.items() if other != key}


def _moved(node: _Node, position: int, actor: Stepped, cloud: Snapshot) -> _Node:
    return replace(node, cloud=cloud, actors=(*node.actors[:position], actor, *node.actors[position + 1 :]))


def _time_passes(node: _Node) -> Iterator[tuple[str, _Node]]:
    """A second later, or with a due row removed by time to live, as far as the budget allows."""
    cloud, budget = node.cloud, node.budget
    if budget.ticks:
        later = replace(cloud, now=cloud.now + 1)
        yield f"it is {later.now}", replace(node, cloud=later, budget=replace(budget, ticks=budget.ticks - 1))
    if budget.removals:
        for key in [key for key, row in cloud.store.rows.items() if _is_due(key, row, cloud.now)]:
            rows, hidden = without(cloud.store.rows, key), without(cloud.store.hidden, key)
            gone = replace(cloud, store=replace(cloud.store, rows=rows, hidden=hidden))
            left = replace(budget, removals=budget.removals - 1)
            yield f"time to live removes {key[-1]}", replace(node, cloud=gone, budget=left)


def _is_due(key: Key, row: Item, now: int) -> bool:
    return key[0] == STOCK and "expires_at" in row and int(row["expires_at"]["N"]) <= now


def _answer(actor: Stepped) -> tuple[str, ...]:
    """What an operation told its caller of each transaction; the others tell only how much they found to do."""
    outcomes = actor.result if isinstance(actor.result, list) else [actor.result]
    return tuple(
        type(outcome).__name__
        for outcome in outcomes
        if isinstance(outcome, Accepted | Insufficient | Reused | Discarded | TooFew | Returned | TooMany)
    )
