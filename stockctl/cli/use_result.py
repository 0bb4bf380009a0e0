"""What became of a transaction, in the command line's words: the same for `use` and for each line of `use --file`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stockctl.domain.transaction import Shortage
from stockctl.terminal.output import Field

if TYPE_CHECKING:
    from stockctl.domain.api import Answer

ACCEPTED = "accepted"
SHORT = "insufficient_stock"
REUSED = "transaction_id_reused"
UNDECIDED = {"busy", "outcome_unknown"}
"""Statuses of a transaction that should be sent again, with the same id."""


@dataclass(frozen=True)
class UsedItem:
    """One ingredient that was taken, in units; `before`, `after` and `threshold` are None where they are not known."""

    ingredient: str
    quantity: int
    before: int | None = None
    after: int | None = None
    threshold: int | None = None

    @property
    def is_low(self) -> bool:
        """Whether less than the threshold is left."""
        return self.after is not None and self.threshold is not None and self.after < self.threshold


@dataclass(frozen=True)
class UseResult:
    """The answer to one transaction. `status` is `accepted`, or the API's code for why it was not."""

    transaction_id: str
    status: str
    message: str | None = None
    replayed: bool = False
    items: tuple[UsedItem, ...] = ()
    shortages: tuple[Shortage, ...] = ()

    @classmethod
    def of(cls, transaction_id: str, answer: Answer) -> UseResult:
        """The result that an answer of the API means."""
        body = answer.body
        return cls(
            transaction_id,
            str(body.get("status") or body.get("code") or f"http_{answer.status_code}"),
            _message(body),
            bool(body.get("replayed", False)),
            tuple(UsedItem(item["typeId"], item["quantity"]) for item in body.get("items", [])),
            tuple(Shortage(s["typeId"], s["requested"], s["available"]) for s in body.get("shortages", [])),
        )

    @property
    def is_accepted(self) -> bool:
        """Whether the items were taken, now or by an earlier request."""
        return self.status == ACCEPTED

    @property
    def label(self) -> str:
        """The status for people."""
        return "replayed" if self.replayed else self.status.replace("_", " ")


RESULT_FIELDS: list[Field[UseResult]] = [
    Field("transaction_id", lambda result: result.transaction_id, in_table=False),
    Field("status", lambda result: result.status, in_table=False),
    Field("replayed", lambda result: result.replayed, in_table=False),
]
SHORTAGE_FIELDS: list[Field[Shortage]] = [
    Field("ingredient", lambda shortage: shortage.ingredient),
    Field("requested", lambda shortage: shortage.requested),
    Field("available", lambda shortage: shortage.available),
    Field(
        "short_by",
        lambda shortage: shortage.requested - shortage.available,
        style="bold red",
        in_tsv=False,
        in_json=False,
    ),
]


def _message(body: Any) -> str | None:  # noqa: ANN401 - decoded JSON
    if "shortages" in body:
        return "; ".join(
            f"{s['typeId']}: requested {s['requested']}, available {s['available']}" for s in body["shortages"]
        )
    if "errors" in body:
        return "; ".join(f"{fault['path']} {fault['message']}".strip() for fault in body["errors"])
    message = body.get("message")
    return None if message is None else str(message)
