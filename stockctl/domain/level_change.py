"""Level changes: the records that the service publishes, one for each change of an ingredient's level."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from stockctl.domain.instants import iso
from stockctl.domain.stock import Totals


class MalformedChange(ValueError):
    """A record that is not a level change."""


@dataclass(frozen=True)
class LevelChange(Totals):
    """One change of one level: what the level was after it, in units, and why it changed.

    `received`, `used`, `expired`, `discarded` and `returned` are cumulative; the last two are 0 in records of older
    releases. `version` grows by one with every change of the level. `cause` is `use <transactionId>`, `use <first id>
    +<number of others>`, `delivery <key>`, `return <id>`, `count <id>`, `discard <id>`, `expired` or `threshold`.
    """

    ingredient: str
    quantity: int
    version: int
    at: datetime
    cause: str
    received: int
    used: int
    expired: int
    discarded: int = 0
    returned: int = 0

    @classmethod
    def parse(cls, data: bytes) -> LevelChange:
        """The change in a record's data; fields that are not known here are ignored.

        Raises:
            MalformedChange: it is not JSON, or lacks a field, or a field has the wrong type.
        """
        try:
            return cls._of(json.loads(data))
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            raise MalformedChange(f"not a level change: {error!r}") from error

    @classmethod
    def _of(cls, record: dict[str, Any]) -> LevelChange:
        return cls(
            ingredient=_text(record["typeId"]),
            quantity=_units(record["quantity"]),
            version=_units(record["version"]),
            at=_instant(record["at"]),
            cause=_text(record["cause"]),
            received=_units(record["received"]),
            used=_units(record["used"]),
            expired=_units(record["expired"]),
            discarded=_units(record.get("discarded", 0)),
            returned=_units(record.get("returned", 0)),
        )

    def document(self) -> dict[str, str | int]:
        """The record as it was published."""
        return {
            "typeId": self.ingredient,
            "quantity": self.quantity,
            "version": self.version,
            "at": iso(self.at.timestamp()),
            "cause": self.cause,
            **self.counters,
        }


class NewestVersions:
    """Drops duplicate and late changes: per ingredient, only a higher version is admitted."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def admits(self, change: LevelChange) -> bool:
        """Whether the change is newer than all that were admitted of its ingredient; if so, it is now the newest."""
        if change.version <= self._seen.get(change.ingredient, -1):
            return False
        self._seen[change.ingredient] = change.version
        return True


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value


def _units(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise TypeError(f"{value!r} is not a number of units")
    return value


def _instant(value: object) -> datetime:
    moment = datetime.fromisoformat(_text(value))
    if moment.tzinfo is None:
        raise ValueError(f"{value!r} has no offset")
    return moment.astimezone(UTC)
