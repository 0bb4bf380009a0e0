"""The answers of the HTTP API (README.md, "HTTP API"): a transaction's outcome as status code and JSON body."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, assert_never

from stockctl.domain.instants import NEVER, iso_seconds
from stockctl.domain.returns import (
    NoTransaction,
    NotRecorded,
    Return,
    Returned,
    ReturnedUnits,
    ReturnOutcome,
    TooMany,
    TooWide,
)
from stockctl.domain.stock import Batch, Holding, Level
from stockctl.domain.transaction import (
    Accepted,
    Insufficient,
    InvalidRequest,
    Outcome,
    OversizedRequest,
    Reused,
    Shortage,
    Transaction,
    Unknown,
)

RETRY_AFTER_SECONDS = 1
MAX_ERRORS = 10
"""Errors that an answer lists. Without a limit, a malformed body of 1 MB had an answer of 40 MB."""


@dataclass(frozen=True)
class Answer:
    """One HTTP answer: its status code, JSON body and extra headers."""

    status_code: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


def answer_to(transaction: Transaction, outcome: Outcome) -> Answer:
    """The answer to `POST /transactions`."""
    match outcome:
        case Accepted():
            return Answer(200 if outcome.replayed else 201, _accepted(transaction, outcome))
        case Insufficient():
            return Answer(409, _insufficient(outcome.shortages))
        case Reused():
            message = f"transaction {transaction.transaction_id} was accepted before with other items; use a new id"
            return Answer(422, {"code": "transaction_id_reused", "message": message})
        case Unknown():
            return _again("outcome_unknown", "DynamoDB did not answer, so this may have been accepted")
        case _:
            assert_never(outcome)


def answer_to_return(request: Return, outcome: ReturnOutcome) -> Answer:  # noqa: PLR0911 - one return a case
    """The answer to `POST /returns`."""
    match outcome:
        case Returned():
            return Answer(200 if outcome.replayed else 201, _returned(request, outcome))
        case NoTransaction():
            return not_found(f"no such transaction: {request.transaction_id}")
        case Reused():
            message = f"return {request.return_id} was made before with other content; use a new id"
            return Answer(422, {"code": "return_id_reused", "message": message})
        case Unknown():
            return _again("outcome_unknown", "DynamoDB did not answer, so this may have been carried out", "returnId")
        case TooMany():
            return Answer(409, _too_many(outcome))
        case NotRecorded():
            message = "history does not have the batches that this transaction was served from; nothing changed"
            return Answer(409, {"code": "not_recorded", "message": message})
        case TooWide():
            message = "this changes more than 100 rows; nothing changed: return fewer items at a time"
            return Answer(409, {"code": "too_many_batches", "message": message})
        case _:
            assert_never(outcome)


def charges_pending() -> Answer:
    """503: which batches the units came from is not known yet, or others kept changing the same rows."""
    return _again("busy", "the batches that these units came from are not known yet; nothing changed", "returnId")


def invalid(request: InvalidRequest) -> Answer:
    """400, or 413 for a body that is too large: lists the first 10 errors of a malformed request."""
    errors = [{"path": fault.path, "message": fault.message} for fault in request.faults[:MAX_ERRORS]]
    status, code = (413, "too_large") if isinstance(request, OversizedRequest) else (400, "invalid_request")
    return Answer(status, {"code": code, "message": _count_of(len(request.faults)), "errors": errors})


def _count_of(faults: int) -> str:
    more = f": the first {MAX_ERRORS}, and {faults - MAX_ERRORS:,} more" if faults > MAX_ERRORS else ""
    return "the request has 1 fault" if faults == 1 else f"the request has {faults:,} faults{more}"


def busy() -> Answer:
    """503: contention outlasted the deadline; nothing changed, and the same request may be sent again."""
    return _again("busy", "too many concurrent uses of these ingredients; nothing changed")


def _again(code: str, message: str, name: str = "transactionId") -> Answer:
    body = {"code": code, "message": f"{message}: try again with the same {name}"}
    return Answer(503, body, {"Retry-After": str(RETRY_AFTER_SECONDS)})


def answers_document(answers: Iterable[Answer]) -> dict[str, Any]:
    """The body of an answer to `POST /transactions/batch`: the status code and body of each transaction, in order."""
    return {"answers": [{"statusCode": answer.status_code, "body": answer.body} for answer in answers]}


def not_found(message: str) -> Answer:
    """404: no such ingredient or path."""
    return Answer(404, {"code": "not_found", "message": message})


def not_allowed(message: str) -> Answer:
    """403: the stack does not answer this to anybody."""
    return Answer(403, {"code": "not_allowed", "message": message})


def levels_document(levels: list[Level]) -> dict[str, Any]:
    """The body of `GET /stock`."""
    return {"stock": [level_document(level) for level in levels]}


def level_document(level: Level) -> dict[str, Any]:
    """One level as `GET /stock` shows it."""
    return {
        "typeId": level.ingredient,
        "quantity": level.quantity,
        **level.counters,
        "nextExpiry": None if level.next_expiry is None else iso_seconds(level.next_expiry),
        "version": level.version,
        "updatedAt": level.updated_at,
        "threshold": level.threshold,
    }


def holding_document(holding: Holding, *, with_deliveries: bool) -> dict[str, Any]:
    """The body of `GET /stock/{typeId}`: the level and its batches with stock, the soonest to expire first.

    Deliveries are named after suppliers' files, and batches after deliveries.
    """
    stocked = [batch for batch in holding.counted if batch.quantity]
    batches = [_batch_document(batch, with_delivery=with_deliveries) for batch in stocked]
    return {**level_document(holding.level), "batches": batches}


def _batch_document(batch: Batch, *, with_delivery: bool) -> dict[str, Any]:
    names = {"batchId": batch.batch_id, "delivery": batch.delivery} if with_delivery else {}
    return {
        **names,
        "quantity": batch.quantity,
        "received": batch.received,
        "bestBefore": batch.best_before,
        "expiresAt": None if batch.expires_at == NEVER else iso_seconds(batch.expires_at),
    }


def _accepted(transaction: Transaction, outcome: Accepted) -> dict[str, Any]:
    return {
        "transactionId": transaction.transaction_id,
        "status": "accepted",
        "items": [{"typeId": ingredient, "quantity": units} for ingredient, units in outcome.items.items()],
        "replayed": outcome.replayed,
    }


def _insufficient(shortages: tuple[Shortage, ...]) -> dict[str, Any]:
    short = [
        {"typeId": shortage.ingredient, "requested": shortage.requested, "available": shortage.available}
        for shortage in shortages
    ]
    names = ", ".join(shortage.ingredient for shortage in shortages)
    return {
        "code": "insufficient_stock",
        "message": f"not enough stock: {names}; nothing changed",
        "shortages": short,
    }


def _returned(request: Return, outcome: Returned) -> dict[str, Any]:
    return {
        "returnId": request.return_id,
        "transactionId": request.transaction_id,
        "status": "returned",
        "items": [_returned_part(part) for part in outcome.parts if part.is_back],
        "expired": [_returned_part(part) for part in outcome.parts if not part.is_back],
        "replayed": outcome.replayed,
    }


def _returned_part(part: ReturnedUnits) -> dict[str, Any]:
    return {"typeId": part.ingredient, "quantity": part.units, "bestBefore": part.best_before or None}


def _too_many(outcome: TooMany) -> dict[str, Any]:
    excesses = [
        {"typeId": one.ingredient, "requested": one.requested, "taken": one.taken, "returned": one.returned}
        for one in outcome.excesses
    ]
    names = ", ".join(one.ingredient for one in outcome.excesses)
    message = f"more than was taken and has not come back yet: {names}; nothing changed"
    return {"code": "too_many_returned", "message": message, "excesses": excesses}
