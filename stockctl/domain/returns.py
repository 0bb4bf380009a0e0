"""Returns: units of an accepted transaction that come back into stock, named by an id of the caller's."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from stockctl.domain.transaction import (
    Fault,
    InvalidRequest,
    Reused,
    Unknown,
    id_from,
    items_from,
)

PREFIX = "return#"
"""Records of returns are beside those of transactions."""


@dataclass(frozen=True)
class Return:
    """A request: units by ingredient of one transaction; no items stand for all that has not come back yet."""

    return_id: str
    transaction_id: str
    items: Mapping[str, int]

    @property
    def request_hash(self) -> str:
        """What makes two requests the same."""
        content = json.dumps(
            [self.transaction_id, sorted(self.items.items())], ensure_ascii=False, separators=(",", ":")
        )
        return hashlib.sha256(content.encode()).hexdigest()

    @property
    def delivery(self) -> str:
        """What the batches that it brings name as their delivery."""
        return f"return/{self.return_id}"


@dataclass(frozen=True)
class ReturnedUnits:
    """Units of one ingredient and best-before. Those that had expired (`is_back` is False) do not come back.

    `best_before` is empty where the batch had left stock before the use was charged to it: it had expired.
    """

    ingredient: str
    units: int
    best_before: str
    is_back: bool


@dataclass(frozen=True)
class Returned:
    """The units are dealt with, by this request or (`replayed`) by an earlier one of the same id and content."""

    parts: tuple[ReturnedUnits, ...]
    replayed: bool = False


@dataclass(frozen=True)
class Excess:
    """More units of an ingredient than the transaction took and did not return yet."""

    ingredient: str
    requested: int
    taken: int
    returned: int


@dataclass(frozen=True)
class TooMany:
    """Nothing changed: more would come back than was taken."""

    excesses: tuple[Excess, ...]


@dataclass(frozen=True)
class NoTransaction:
    """Nothing changed: there is no accepted transaction with this id."""


@dataclass(frozen=True)
class NotRecorded:
    """Nothing changed: history does not have which batches the transaction was served from."""


@dataclass(frozen=True)
class TooWide:
    """Nothing changed: the return would change more rows than one DynamoDB transaction can."""


ReturnOutcome = Returned | TooMany | NoTransaction | NotRecorded | TooWide | Reused | Unknown


def return_from(document: object) -> Return:
    """The return in a decoded JSON body; `items` may be left out.

    Raises:
        InvalidRequest: with every fault at once.
    """
    if not isinstance(document, dict):
        raise InvalidRequest([Fault("", "must be a JSON object with returnId and transactionId")])
    faults: list[Fault] = []
    return_id = id_from(document, "returnId", faults)
    transaction_id = id_from(document, "transactionId", faults)
    items = items_from(document, faults) if "items" in document else {}
    if faults:
        raise InvalidRequest(faults)
    return Return(return_id, transaction_id, items)
