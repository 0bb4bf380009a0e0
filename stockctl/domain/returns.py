"""Returns: units of an accepted transaction that come back into stock, named by an id of the caller's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from stockctl.domain.compact_json import hash_of
from stockctl.domain.stock import batch_id_of
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
        return hash_of([self.transaction_id, sorted(self.items.items())])


@dataclass(frozen=True)
class ReturnedUnits:
    """Units of one ingredient, delivery and best-before, and the batch that they come back as.

    Those that had expired do not come back: `batch_id` is empty. So are `best_before` and `delivery` where the batch
    had left stock before the use was charged to it. `expires_at` is in seconds since the epoch.
    """

    ingredient: str
    units: int
    best_before: str
    delivery: str
    expires_at: int
    batch_id: str = ""

    @property
    def is_back(self) -> bool:
        """Whether they are in stock again."""
        return bool(self.batch_id)


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


def merged(units: Iterable[ReturnedUnits]) -> list[ReturnedUnits]:
    """Units that share ingredient, delivery and best-before become one."""
    found: dict[tuple[object, ...], ReturnedUnits] = {}
    for one in units:
        key = one.ingredient, one.delivery, one.best_before, one.expires_at
        found[key] = replace(one, units=one.units + (found[key].units if key in found else 0))
    return list(found.values())


def is_return(batch_id: str) -> bool:
    """Whether a batch came back by a return."""
    return batch_id.startswith(BATCH_PREFIX)


def coming_back(units: Iterable[ReturnedUnits], return_id: str, now: int) -> Iterator[ReturnedUnits]:
    """Units with the batches that they come back as, where they have not expired: `return/<return id>@<best before>`.

    They keep the delivery that they came with. Where several of one ingredient have that best-before, a number tells
    their batches apart.
    """
    seen: Counter[tuple[str, str]] = Counter()
    for one in units:
        if one.expires_at <= now:
            yield one
            continue
        seen[one.ingredient, one.best_before] += 1
        number = seen[one.ingredient, one.best_before]
        name = f"{BATCH_PREFIX}{return_id}" + (f"/{number}" if number > 1 else "")
        yield replace(one, batch_id=batch_id_of(name, one.best_before))


BATCH_PREFIX = "return/"
"""What the ids of batches begin with that came back by a return."""

FIELDS = {"returnId", "transactionId", "items"}
"""The fields of a request."""


def return_from(document: object) -> Return:
    """The return in a decoded JSON body.

    `items` may be left out, so a misspelt `items` would bring everything back: unknown fields are faults.

    Raises:
        InvalidRequest: with every fault at once.
    """
    if not isinstance(document, dict):
        raise InvalidRequest([Fault("", "must be a JSON object with returnId and transactionId")])
    faults: list[Fault] = []
    return_id = id_from(document, "returnId", faults)
    transaction_id = id_from(document, "transactionId", faults)
    items = items_from(document, faults) if "items" in document else {}
    faults += [Fault(name, "is no field of a return") for name in document if name not in FIELDS]
    if faults:
        raise InvalidRequest(faults)
    return Return(return_id, transaction_id, items)
