"""Receive: record one ingredient's batches of a delivery in one transaction (stockctl/README.md, "Receive")."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain

from stockctl.aws.retry import Patience
from stockctl.domain.commit import Commit
from stockctl.domain.instants import NEVER
from stockctl.domain.stock import Batch, Level
from stockctl.operations import conditions, rows
from stockctl.operations.stock_table import StockTable
from stockctl.operations.transact import Cancelled, Contended, TooLarge, transact

MAX_BATCHES = 97
"""Batches in one transaction. Level and roster make 99 of DynamoDB's 100 actions, and the roster's condition stays
below 300 operators."""


class Conflict(Exception):
    """Another file was delivered under this key before. Nothing changed."""


@dataclass(frozen=True)
class Received:
    """Batches by result: recorded now, recorded by an earlier attempt, expired, or too many.

    `surplus` batches do not fit the roster, a row of at most 400 KB.
    """

    recorded: tuple[Batch, ...] = ()
    known: tuple[Batch, ...] = ()
    expired: tuple[Batch, ...] = ()
    surplus: tuple[Batch, ...] = ()

    def plus(self, other: Received) -> Received:
        """Both results together."""
        return Received(
            self.recorded + other.recorded,
            self.known + other.known,
            self.expired + other.expired,
            self.surplus + other.surplus,
        )


def receive(
    table: StockTable,
    batches: Sequence[Batch],
    clock: Callable[[], float],
    patience: Patience,
    cause: str | None = None,
) -> Received:
    """Records batches of one delivery and one ingredient. Safe to repeat and to run concurrently.

    `clock` returns seconds since the epoch; `cause` is what the level names, the delivery unless it is given.

    Raises:
        Conflict: a batch of this id came before from another file.
        Busy: the deadline passed; some batches may be recorded, and repeating records the rest.
    """
    ordered = sorted(batches, key=lambda batch: (batch.expires_at, batch.batch_id))
    total = Received()
    for start in range(0, len(ordered), MAX_BATCHES):
        total = total.plus(_receive_part(table, ordered[start : start + MAX_BATCHES], clock, patience, cause))
    return total


def receive_together(
    table: StockTable, groups: Sequence[Sequence[Batch]], clock: Callable[[], float]
) -> list[Received] | None:
    """Records the batches of several ingredients, a group each, in one transaction of at most 100 actions.

    Returns None if that failed for any reason. Then call `receive` for each group; it finds what a lost answer has
    recorded.
    """
    levels = {level.ingredient: level for level in table.levels([batches[0].ingredient for batches in groups])}
    now = clock()  # after the levels, as in `_receive_part`
    if any(batch.is_due(int(now)) for batches in groups for batch in batches):
        return None
    actions = [_actions(table.name, list(batches), levels.get(batches[0].ingredient), now) for batches in groups]
    try:
        transact(table.client, list(chain.from_iterable(actions)))
    except (Cancelled, Contended, TooLarge):
        return None
    return [Received(recorded=tuple(batches)) for batches in groups]


def _receive_part(
    table: StockTable, batches: list[Batch], clock: Callable[[], float], patience: Patience, cause: str | None
) -> Received:
    wanted, done = batches, Received()
    for _ in patience.attempts(f"recording {batches[0].ingredient}"):
        level = table.level(batches[0].ingredient)
        # The clock is read after the level: whoever has written these batches off already has moved the generation
        # on, at a time when they were due; so they are due here too, and cannot come back as fresh stock.
        now = clock()
        expired = [batch for batch in wanted if batch.is_due(int(now))]
        wanted = [batch for batch in wanted if not batch.is_due(int(now))]
        done = done.plus(Received(expired=tuple(expired)))
        if not wanted:
            return done
        try:
            transact(table.client, _actions(table.name, wanted, level, now, cause))
        except Contended:
            continue
        except Cancelled as cancelled:
            still_wanted = _not_yet_recorded(wanted, cancelled)
            done = done.plus(Received(known=tuple(batch for batch in wanted if batch not in still_wanted)))
            wanted = still_wanted
        except TooLarge:
            return done.plus(Received(surplus=tuple(wanted)))
        else:
            return done.plus(Received(recorded=tuple(wanted)))
        if not wanted:
            return done
    raise AssertionError  # attempts end by raising


def _actions(
    table: str, batches: list[Batch], level: Level | None, now: float, cause: str | None = None
) -> list[rows.Action]:
    cause = cause or f"delivery {batches[0].delivery}"
    arrival = Arrival("received", cause, Commit.of([cause, batches[0].batch_id], now))
    return arriving(table, batches, level, arrival)


@dataclass(frozen=True)
class Arrival:
    """How batches come into stock: the level's counter that they are added to, and the cause and commit it keeps."""

    counter: str
    cause: str
    commit: Commit


def arriving(table: str, batches: list[Batch], level: Level | None, arrival: Arrival) -> list[rows.Action]:
    """The actions that bring batches of one ingredient into stock; `level` is as it was read, None for a first."""
    return [
        _add_to_level(table, batches, level, arrival),
        _add_to_roster(table, batches),
        *(_put_batch(table, batch) for batch in batches),
    ]


def _add_to_level(table: str, batches: list[Batch], level: Level | None, arrival: Arrival) -> rows.Action:
    expiries = [batch.expires_at for batch in batches if batch.expires_at != NEVER]
    if level is not None and level.next_expiry is not None:
        expiries.append(level.next_expiry)
    units = sum(batch.quantity for batch in batches)
    values = {
        ":units": units,
        ":zero": 0,
        ":row_type": rows.LEVEL_ROW_TYPE,
        **rows.stamp(arrival.cause, arrival.commit),
    }
    if level:
        values[":generation"] = level.generation
    if expiries:
        values[":next_expiry"] = min(expiries)
    guard = "next_expiry = :next_expiry, " if expiries else ""
    return rows.update(
        table,
        rows.level_key(batches[0].ingredient),
        f"ADD quantity :units, {arrival.counter} :units, used :zero, expired :zero, version :one, generation :one "
        f"SET {guard}row_type = :row_type, {rows.STAMP}",
        conditions.IS_SAME_GENERATION if level else conditions.IS_FIRST_DELIVERY,
        values,
        shows_row=True,
    )


def _add_to_roster(table: str, batches: list[Batch]) -> rows.Action:
    ids = {f":b{position}": batch.batch_id for position, batch in enumerate(batches)}
    units = sum(batch.quantity for batch in batches)
    return rows.update(
        table,
        rows.roster_key(batches[0].ingredient),
        "ADD batches :ids, generation :one, batch_units :units",
        conditions.all_of(*(conditions.IS_NOT_ON_ROSTER.format(id=name) for name in ids)),
        {":ids": list(ids.values()), ":one": 1, ":units": units, **ids},
        shows_row=True,
    )


def _put_batch(table: str, batch: Batch) -> rows.Action:
    return {
        "Put": {
            "TableName": table,
            "Item": rows.batch_row(batch),
            "ConditionExpression": conditions.DOES_NOT_EXIST,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }


def _not_yet_recorded(batches: list[Batch], cancelled: Cancelled) -> list[Batch]:
    """The batches that neither the roster nor a row has. All of them, if only the level's generation had changed.

    Raises:
        Conflict: a row of the same id came from another file.
    """
    _, roster_reason, *row_reasons = cancelled.reasons
    on_roster = rows.roster_from(roster_reason.row).batch_ids if roster_reason.row else frozenset()
    wanted = []
    for batch, reason in zip(batches, row_reasons, strict=True):
        if reason.row and reason.row["etag"]["S"] != batch.etag:
            raise Conflict(batch.delivery)
        if not reason.is_failed_condition and batch.batch_id not in on_roster:
            wanted.append(batch)
    return wanted
