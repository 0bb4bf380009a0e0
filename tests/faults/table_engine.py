"""An in-process table engine, small and fast enough to run every interleaving: DynamoDB as a boto3 client shows it.

It holds tables with the keys of stockctl's own and does what stockctl asks of DynamoDB: transactions that are all
or nothing, conditions and updates parsed from their text, cancellation reasons with the rows that were found, Queries
in pages. `test_engines_agree` runs the same random requests against it and against DynamoDB Local.

Three things it can do that no real engine does on request: take and restore a snapshot at the cost of an assignment,
hide a row's newest version from plain reads (`Store.hidden`), as a reader may see part of a transaction's effect, and
answer every eventually consistent read of the tables with rows as they were before their last change. (Index reads are
as fresh as the table: those of a real index always may be late.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from botocore.exceptions import ClientError

from stockctl.domain.history import Entry, LevelEntry, charge_between, uncharged_between
from stockctl.operations.history_table import history_row
from stockctl.operations.rows import BATCH_PREFIX, LEVEL, batch_from, level_from
from tests.faults.expressions import BadExpression, condition, update

STOCK = "stock"
TRANSACTIONS = "transactions"
HISTORY = "history"
KEYS = {STOCK: ("ingredient", "batch_id"), TRANSACTIONS: ("transaction_id",), HISTORY: ("ingredient", "entry")}
HISTORY_DAYS = 400
MAX_ACTIONS = 100
MAX_ITEM_BYTES = 400 * 1024

Key = tuple[str, ...]
"""The table and the key's values."""
Item = dict[str, Any]


@dataclass(frozen=True)
class Store:
    """Everything the tables hold. Rows are never changed in place, so a snapshot is a reference.

    `hidden` are versions of rows that plain reads still see in the place of the newest (None: no row yet).
    """

    rows: Mapping[Key, Item] = field(default_factory=dict)
    hidden: Mapping[Key, Item | None] = field(default_factory=dict)
    previous: Mapping[Key, Item | None] = field(default_factory=dict)
    """Each row that was written, as it was before."""

    def seen(self, *, is_consistent: bool = True) -> Mapping[Key, Item]:
        """The rows as a plain read sees them."""
        instead = self.hidden if is_consistent else {**self.previous, **self.hidden}
        if not instead:
            return self.rows
        mixed: dict[Key, Item | None] = dict(self.rows)
        mixed.update(instead)
        return {key: item for key, item in mixed.items() if item is not None}


@dataclass(frozen=True)
class _Write:
    """One action: whether its condition holds for `before`; if all do, `after` takes its place."""

    key: Key
    before: Item | None
    after: Item | None
    holds: bool
    answers_old: bool
    is_locked: bool = False
    is_too_large: bool = False


def client_error(operation: str, code: str, message: str = "", **more: Any) -> ClientError:
    """The error that boto3 raises for a failed call."""
    response: Any = {"Error": {"Code": code, "Message": message}, **more}
    return ClientError(response, operation)


class TableEngine:
    """A DynamoDB client whose tables are `store`; `page_rows` is how many rows one page of a Query holds."""

    def __init__(self, page_rows: int = 1_000_000) -> None:
        self.store = Store()
        self.page_rows = page_rows
        self.locks_hidden = False
        """Whether a row with a hidden version is still locked by the transaction that wrote it, as on the way to the
        end of DynamoDB's two phases. Otherwise that transaction is brought to its end first."""
        self.keeps_history = False
        """Whether each commit writes the history that StockUpdated would make of it, at once; what readers do not see
        of it yet is late."""
        self.written: tuple[tuple[Key, Item | None], ...] = ()
        """The keys of the last commit, each with the row as it was before."""

    def transact_write_items(self, *, TransactItems: Sequence[Mapping[str, Any]]) -> dict[str, Any]:  # noqa: N803
        if not 1 <= len(TransactItems) <= MAX_ACTIONS:
            raise client_error("TransactWriteItems", "ValidationException", "1 to 100 actions")
        writes = [self._checked(action) for action in TransactItems]
        if len({write.key for write in writes}) < len(writes):
            message = "Transaction request cannot include multiple operations on one item"
            raise client_error("TransactWriteItems", "ValidationException", message)
        if not all(write.holds and not write.is_locked and not write.is_too_large for write in writes):
            reasons = [_reason(write) for write in writes]
            codes = ", ".join(reason["Code"] for reason in reasons)
            message = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
            raise client_error(
                "TransactWriteItems", "TransactionCanceledException", message, CancellationReasons=reasons
            )
        self._commit(writes)
        return {}

    def put_item(self, **request: Any) -> dict[str, Any]:
        return self._single("PutItem", "Put", request)

    def delete_item(self, **request: Any) -> dict[str, Any]:
        return self._single("DeleteItem", "Delete", request)

    def update_item(self, **request: Any) -> dict[str, Any]:
        return self._single("UpdateItem", "Update", request)

    def get_item(self, **request: Any) -> dict[str, Any]:
        seen = self.store.seen(is_consistent=request.get("ConsistentRead", False))
        row = seen.get(key_of(request["TableName"], request["Key"]))
        return {"Item": row} if row else {}

    def transact_get_items(self, *, TransactItems: Sequence[Mapping[str, Any]]) -> dict[str, Any]:  # noqa: N803
        keys = [key_of(action["Get"]["TableName"], action["Get"]["Key"]) for action in TransactItems]
        locked = [self.locks_hidden and key in self.store.hidden for key in keys]
        if any(locked):
            reasons = [{"Code": "TransactionConflict" if is_locked else "None"} for is_locked in locked]
            raise client_error("TransactGetItems", "TransactionCanceledException", CancellationReasons=reasons)
        rows = (self.store.rows.get(key) for key in keys)
        return {"Responses": [{"Item": row} if row else {} for row in rows]}

    def query(self, **request: Any) -> dict[str, Any]:
        """One page of a partition or of the sparse index of levels, in the order of the sort key."""
        matches, names = condition(request["KeyConditionExpression"])
        values = _values(request, names)
        table, start = request["TableName"], request.get("ExclusiveStartKey")
        after = key_of(table, start) if start else ()
        seen = self.store.seen(is_consistent=request.get("ConsistentRead", False) or "IndexName" in request)
        keys = sorted(key for key, row in seen.items() if key[0] == table and key > after and matches(row, values))
        found = [seen[key] for key in keys]
        answer: dict[str, Any] = {"Items": found[: self.page_rows]}
        if len(found) >= self.page_rows:  # as DynamoDB: also where nothing follows
            last = found[self.page_rows - 1]
            answer["LastEvaluatedKey"] = {name: last[name] for name in KEYS[table]}
        return answer

    def batch_get_item(self, **request: Any) -> dict[str, Any]:
        """As many rows as a page holds; the other keys are left unprocessed, for the caller to ask again."""
        ((table, wanted),) = request["RequestItems"].items()
        seen = self.store.seen(is_consistent=wanted.get("ConsistentRead", False))
        keys = [key_of(table, key) for key in wanted["Keys"][: self.page_rows]]
        left = wanted["Keys"][self.page_rows :]
        rows = [seen[key] for key in keys if key in seen]
        return {"Responses": {table: rows}, "UnprocessedKeys": {table: {**wanted, "Keys": left}} if left else {}}

    def get_paginator(self, operation: str) -> Paginator:
        return Paginator(self, operation)

    def _single(self, operation: str, kind: str, request: Mapping[str, Any]) -> dict[str, Any]:
        write = self._checked({kind: request}, operation)
        if write.is_locked:
            raise client_error(operation, "TransactionConflictException", "Transaction is ongoing for the item")
        if not write.holds:
            row = {"Item": write.before} if write.answers_old and write.before else {}
            raise client_error(operation, "ConditionalCheckFailedException", "The conditional request failed", **row)
        self._commit([write])
        return {}

    def _checked(self, action: Mapping[str, Any], operation: str = "TransactWriteItems") -> _Write:
        ((kind, request),) = action.items()
        table = request["TableName"]
        key = key_of(table, request["Item"] if kind == "Put" else request["Key"])
        before = self.store.rows.get(key)
        try:
            holds, after = _evaluated(kind, request, before)
        except (BadExpression, KeyError) as error:
            raise client_error(operation, "ValidationException", str(error)) from error
        is_too_large = after is not None and _size(after) > MAX_ITEM_BYTES
        if is_too_large and (kind, operation) != ("Update", "TransactWriteItems"):
            raise client_error(operation, "ValidationException", "Item size has exceeded the maximum allowed size")
        answers_old = request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
        is_locked = self.locks_hidden and key in self.store.hidden
        after = before if kind == "ConditionCheck" else after
        return _Write(key, before, after, holds, answers_old, is_locked, is_too_large)

    def _commit(self, writes: Sequence[_Write]) -> None:
        rows, hidden = dict(self.store.rows), dict(self.store.hidden)
        if self.keeps_history:
            entries = (row for write in writes for row in history_rows(write.before, write.after))
            writes = [*writes, *map(_history_write, entries)]
        for write in writes:
            hidden.pop(write.key, None)  # whoever writes a row has its last version committed first
            if write.after is None:
                rows.pop(write.key, None)
            else:
                rows[write.key] = write.after
        previous = {**self.store.previous, **{write.key: write.before for write in writes}}
        self.store = replace(self.store, rows=rows, hidden=hidden, previous=previous)
        self.written = tuple((write.key, write.before) for write in writes if write.after is not write.before)


class Paginator:
    """boto3's paginator of Query: one call for each page, made when the page is asked for."""

    def __init__(self, client: Any, operation: str) -> None:
        self.call = getattr(client, operation)

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        while True:
            page = self.call(**request)
            yield page
            if "LastEvaluatedKey" not in page:
                return
            request = {**request, "ExclusiveStartKey": page["LastEvaluatedKey"]}


def key_of(table: str, item: Mapping[str, Any]) -> Key:
    """The key of an item, or of a key as a request gives it."""
    return (table, *(item[name]["S"] for name in KEYS[table]))


def _evaluated(kind: str, request: Mapping[str, Any], before: Item | None) -> tuple[bool, Item | None]:
    """Whether the condition holds, and the row after the action.

    Raises:
        BadExpression: a value is not used, or one that is used is not given; or the language is not kept to.
    """
    used: set[str] = set()
    holds, after = True, before
    if "ConditionExpression" in request:
        test, names = condition(request["ConditionExpression"])
        used |= names
        holds = test(before or {}, _values(request, names))
    elif kind == "ConditionCheck":
        raise BadExpression("a condition check needs a condition")
    if kind == "Put":
        after = dict(request["Item"])
    elif kind == "Delete":
        after = None
    elif kind == "Update":
        change = update(request["UpdateExpression"])
        used |= change.names
        values = _values(request, change.names)
        if holds:
            after = change.apply(before or dict(request["Key"]), values)
    if unused := set(request.get("ExpressionAttributeValues", {})) - used:
        raise BadExpression(f"Value provided in ExpressionAttributeValues unused in expressions: {sorted(unused)}")
    return holds, after


def _values(request: Mapping[str, Any], names: Iterable[str]) -> Mapping[str, Any]:
    values: Mapping[str, Any] = request.get("ExpressionAttributeValues", {})
    for name in names:
        if name not in values:
            raise BadExpression(f"An expression attribute value used in expression is not defined: {name}")
    return values


def history_rows(before: Item | None, after: Item | None) -> list[dict[str, Any]]:
    """What StockUpdated writes to history of one change of a row."""
    if after is None or "batch_id" not in after:
        return []
    entries: list[Entry | None] = []
    if after["batch_id"]["S"] == LEVEL:
        level, was = level_from(after), level_from(before) if before else None
        entries.append(LevelEntry.of(level) if was is None or was.version != level.version else None)
        entries.append(uncharged_between(was, level) if was else None)
    elif before and after["batch_id"]["S"].startswith(BATCH_PREFIX):
        entries.append(charge_between(batch_from(before), batch_from(after)))
    return [history_row(entry, HISTORY_DAYS) for entry in entries if entry]


def _history_write(row: dict[str, Any]) -> _Write:
    return _Write(key_of(HISTORY, row), None, row, holds=True, answers_old=False)


def _reason(write: _Write) -> dict[str, Any]:
    if write.is_locked:
        return {"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}
    if write.holds and write.is_too_large:
        message = "Item size to update has exceeded the maximum allowed size"
        return {"Code": "ValidationError", "Message": message}
    if write.holds:
        return {"Code": "None"}
    reason: dict[str, Any] = {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"}
    if write.answers_old and write.before is not None:
        reason["Item"] = write.before
    return reason


def _size(item: Item) -> int:
    """About what DynamoDB counts: names and values in bytes."""
    return sum(len(name) + _value_size(value) for name, value in item.items())


def _value_size(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "SS":
            return sum(len(text.encode()) for text in content)
        case _:
            return len(str(content))
