"""The history table: entries written once, and read by ingredient and time (stockctl/README.md, "History")."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from stockctl.aws.retry import Patience
from stockctl.domain.history import ChargeEntry, Entry, LevelEntry
from stockctl.domain.instants import iso
from stockctl.operations.rows import TableRow, Values, in_format

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ENTRIES_PER_REQUEST = 25
"""DynamoDB's limit on the rows of one BatchWriteItem."""

SECONDS_PER_DAY = 86_400
DIGITS = 12
_OWN = {"entry", "forget_at"}
"""Attributes of a row that are none of its entry's."""
CHARGE = "charge#"
FEW = 25
"""Entries in a page where the first level change ends the reading: charges may come before it."""


class HistoryTable:
    """Every level change and charge, kept for `days`; with 0 days nothing is written."""

    def __init__(self, client: DynamoDBClient, name: str, days: int, patience: Patience) -> None:
        self.client = client
        self.name = name
        self.days = days
        self.patience = patience

    def write(self, entries: Sequence[Entry]) -> None:
        """Writes entries; one that is there already stays as it is.

        Raises:
            Busy: DynamoDB kept refusing until the deadline; some are written, and writing all again does no harm.
        """
        if not self.days:
            return
        rows = [history_row(entry, self.days) for entry in entries]
        unique = list({(row["ingredient"]["S"], row["entry"]["S"]): row for row in rows}.values())
        for start in range(0, len(unique), ENTRIES_PER_REQUEST):
            self._write(unique[start : start + ENTRIES_PER_REQUEST])

    def _write(self, rows: Sequence[TableRow]) -> None:
        wanted: Mapping[str, Any] = {self.name: [{"PutRequest": {"Item": row}} for row in rows]}
        for _ in self.patience.attempts("writing history"):
            wanted = self.client.batch_write_item(RequestItems=wanted).get("UnprocessedItems") or {}
            if not wanted:
                return

    def entries(self, ingredient: str, since: datetime, until: datetime) -> Iterator[Entry]:
        """An ingredient's entries from `since` up to `until`, the oldest first."""
        yield from self._query(
            ingredient,
            "entry BETWEEN :since AND :until",
            {":since": _instant(since), ":until": f"{_instant(until)}~"},
        )

    def at(self, ingredient: str, at: str) -> list[LevelEntry]:
        """The level changes of an ingredient at one time, as a level or a record has it."""
        found = self._query(ingredient, "begins_with(entry, :at)", {":at": f"{at}#"})
        return [entry for entry in found if isinstance(entry, LevelEntry)]

    def last_before(self, ingredient: str, moment: datetime) -> LevelEntry | None:
        """The last level change before a moment, or None if the history does not go back that far."""
        return self._nearest(ingredient, "entry < :moment", moment, newest_first=True)

    def first_from(self, ingredient: str, moment: datetime) -> LevelEntry | None:
        """The first level change at a moment or later; None if there is none."""
        return self._nearest(ingredient, "entry >= :moment", moment)

    def _nearest(
        self, ingredient: str, condition: str, moment: datetime, *, newest_first: bool = False
    ) -> LevelEntry | None:
        values = {":moment": _instant(moment)}
        found = self._query(ingredient, condition, values, newest_first=newest_first, page_size=FEW)
        return next((entry for entry in found if isinstance(entry, LevelEntry)), None)

    def _query(
        self,
        ingredient: str,
        condition: str,
        values: Values,
        *,
        newest_first: bool = False,
        page_size: int | None = None,
    ) -> Iterator[Entry]:
        pages = self.client.get_paginator("query").paginate(
            TableName=self.name,
            KeyConditionExpression=f"ingredient = :ingredient AND {condition}",
            ExpressionAttributeValues=in_format({":ingredient": ingredient, **values}),
            ScanIndexForward=not newest_first,
            ConsistentRead=True,
            PaginationConfig={} if page_size is None else {"PageSize": page_size},
        )
        for page in pages:
            yield from map(entry_from, page["Items"])


def history_row(entry: Entry, days: int) -> dict[str, Any]:
    """The row of an entry that is kept for `days`."""
    forget_at = int(datetime.fromisoformat(entry.at).timestamp()) + days * SECONDS_PER_DAY
    return in_format({"entry": key_of(entry), "forget_at": forget_at, **asdict(entry)})


def key_of(entry: Entry) -> str:
    """An entry's sort key, which follows from its content."""
    if isinstance(entry, LevelEntry):
        return f"{entry.at}#{entry.version:0{DIGITS}}"
    return f"{entry.at}#{CHARGE}{entry.through:0{DIGITS}}"


def entry_from(row: TableRow) -> Entry:
    """The entry that a row holds."""
    kind: Callable[..., Entry] = ChargeEntry if f"#{CHARGE}" in row["entry"]["S"] else LevelEntry
    return kind(**{name: _value(value) for name, value in row.items() if name not in _OWN})


def _value(attribute: Mapping[str, str]) -> str | int:
    return int(attribute["N"]) if "N" in attribute else attribute["S"]


def _instant(moment: datetime) -> str:
    return iso(moment.timestamp())
