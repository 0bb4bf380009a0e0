"""Transactions: all-or-nothing uses of several ingredients, named by the caller's `transactionId`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from stockctl.domain.compact_json import hash_of
from stockctl.domain.stock import MAX_QUANTITY, ingredient_named

MAX_INGREDIENTS = 99
"""DynamoDB allows 100 actions in a transaction; one is the transaction's record."""
MAX_ID_LENGTH = 128
RESERVED_PREFIX = "delivery#"
"""Claims of deliveries are in the same table, under ids with this prefix."""
RESERVED_PREFIXES = (RESERVED_PREFIX, "discard#", "return#", "correction#", "count#", "recall#")
"""What the ids of other records beside those of transactions begin with."""


@dataclass(frozen=True)
class Fault:
    """One error in a request, and its path: `items[0].quantity`."""

    path: str
    message: str


class InvalidRequest(Exception):
    """A malformed request, with all of its errors."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(f"{fault.path}: {fault.message}" for fault in faults))
        self.faults = tuple(faults)


class OversizedRequest(InvalidRequest):
    """A request's body is larger than the API takes."""


@dataclass(frozen=True)
class Transaction:
    """A valid request: units by ingredient, lines of one ingredient merged, in the order first named."""

    transaction_id: str
    items: Mapping[str, int]

    @property
    def request_hash(self) -> str:
        """Identifies the content: the units of each ingredient, in any order."""
        return hash_of(sorted(self.items.items()))

    def repeated(self, earlier: Accepted) -> Accepted | Reused:
        """The answer if this id was accepted earlier, with those items."""
        return replace(earlier, replayed=True) if earlier.items == self.items else Reused()


@dataclass(frozen=True)
class Shortage:
    """An ingredient with fewer units available than requested."""

    ingredient: str
    requested: int
    available: int


@dataclass(frozen=True)
class Accepted:
    """The items were taken: by this request, or (`replayed`) by an earlier one with the same id and content."""

    items: Mapping[str, int]
    replayed: bool = False


@dataclass(frozen=True)
class Insufficient:
    """Nothing changed: these ingredients are short."""

    shortages: tuple[Shortage, ...]


@dataclass(frozen=True)
class Reused:
    """Nothing changed: the id was accepted before with other items."""


@dataclass(frozen=True)
class Unknown:
    """It is not known whether it was accepted. Repeating it with the same id finds out, and takes nothing twice."""


Outcome = Accepted | Insufficient | Reused | Unknown


MAX_TRANSACTIONS = 500
"""Transactions in one batch."""


def transactions_from(document: object) -> list[Transaction | InvalidRequest]:
    """The transactions in a decoded JSON body, in order; a malformed one as its errors.

    Raises:
        InvalidRequest: the body is not a list of 1 to 500 transactions.
    """
    if not isinstance(document, dict) or not isinstance(document.get("transactions"), list):
        raise InvalidRequest([Fault("transactions", "must be a JSON list of transactions")])
    count = len(document["transactions"])
    if not 1 <= count <= MAX_TRANSACTIONS:
        raise InvalidRequest([Fault("transactions", f"holds {count}; a batch has 1 to {MAX_TRANSACTIONS}")])
    return [_transaction_or_faults(one) for one in document["transactions"]]


def _transaction_or_faults(document: object) -> Transaction | InvalidRequest:
    try:
        return transaction_from(document)
    except InvalidRequest as invalid:
        return invalid


def transaction_from(document: object) -> Transaction:
    """The transaction in a decoded JSON body.

    Raises:
        InvalidRequest: with every fault at once.
    """
    if not isinstance(document, dict):
        raise InvalidRequest([Fault("", "must be a JSON object with transactionId and items")])
    faults: list[Fault] = []
    transaction_id = id_from(document, "transactionId", faults)
    items = items_from(document, faults)
    if not faults and len(items) > MAX_INGREDIENTS:
        faults.append(Fault("items", f"names {len(items)} ingredients; at most {MAX_INGREDIENTS} fit one transaction"))
    if faults:
        raise InvalidRequest(faults)
    return Transaction(transaction_id, items)


def id_from(document: Mapping[str, object], name: str, faults: list[Fault]) -> str:
    """The id in a field of a request; what is wrong with it is added to `faults`."""
    value = document.get(name)
    fault = _id_fault(value)
    if fault:
        faults.append(Fault(name, fault))
    return str(value)


def _id_fault(value: object) -> str | None:
    if value is None:
        return "is missing"
    if not isinstance(value, str):
        return "must be a string"
    if not 1 <= len(value) <= MAX_ID_LENGTH or not value.isprintable():
        return f"must be 1 to {MAX_ID_LENGTH} printable characters"
    if value.startswith(RESERVED_PREFIXES):
        return f"must not begin with {value[: value.index('#') + 1]!r}"
    return None


def items_from(document: Mapping[str, object], faults: list[Fault]) -> dict[str, int]:
    """Units by ingredient in the `items` of a request; what is wrong with them is added to `faults`."""
    value = document.get("items")
    if value is None:
        faults.append(Fault("items", "is missing"))
    elif not isinstance(value, list):
        faults.append(Fault("items", "must be a list"))
    elif not value:
        faults.append(Fault("items", "is empty"))
    merged: dict[str, int] = {}
    for position, item in enumerate(value if isinstance(value, list) else []):
        ingredient, quantity = _item_from(item, f"items[{position}]", faults)
        merged[ingredient] = merged.get(ingredient, 0) + quantity
    return merged


def _item_from(item: object, path: str, faults: list[Fault]) -> tuple[str, int]:
    if not isinstance(item, dict):
        faults.append(Fault(path, "must be an object with typeId and quantity"))
        return "", 0
    return _ingredient_from(item, path, faults), _quantity_from(item, path, faults)


def _ingredient_from(item: Mapping[str, object], path: str, faults: list[Fault]) -> str:
    value = item.get("typeId")
    try:
        if value is None:
            raise ValueError("is missing")
        if not isinstance(value, str):
            raise ValueError("must be a string")
        return ingredient_named(value)
    except ValueError as error:
        faults.append(Fault(f"{path}.typeId", str(error)))
        return ""


def _quantity_from(item: Mapping[str, object], path: str, faults: list[Fault]) -> int:
    value = item.get("quantity")
    if value is None:
        faults.append(Fault(f"{path}.quantity", "is missing"))
    elif not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MAX_QUANTITY:
        faults.append(Fault(f"{path}.quantity", f"must be a whole number from 1 to {MAX_QUANTITY}"))
    else:
        return value
    return 0
