"""The answers of the HTTP API: their codes, their fields, and what callers are told to do."""

from __future__ import annotations

import pytest

from stockctl.domain.api import answer_to, busy, holding_document, invalid, level_document, not_allowed, not_found
from stockctl.domain.instants import NEVER
from stockctl.domain.stock import Batch, Holding, Level, Roster
from stockctl.domain.transaction import (
    Accepted,
    Fault,
    Insufficient,
    InvalidRequest,
    Outcome,
    OversizedRequest,
    Reused,
    Shortage,
    Transaction,
    Unknown,
)

TRANSACTION = Transaction("t1", {"ham": 2})
LEVEL = Level("ham", 7, 20, 9, 3, 86_400, 4, 5, "use t1", "2026-01-01T00:00:00Z", 10, 2, 1, "c")
BATCH = Batch("ham", "a.csv@1970-01-02", "a.csv", 7, 20, "1970-01-02", 86_400, "e", "at")


@pytest.mark.parametrize(
    ("outcome", "status", "code"),
    [
        (Accepted({"ham": 2}), 201, None),
        (Accepted({"ham": 2}, replayed=True), 200, None),
        (Insufficient((Shortage("ham", 2, 1),)), 409, "insufficient_stock"),
        (Reused(), 422, "transaction_id_reused"),
        (Unknown(), 503, "outcome_unknown"),
    ],
)
def test_each_outcome_has_a_status_and_a_code(outcome: Outcome, status: int, code: str | None) -> None:
    answer = answer_to(TRANSACTION, outcome)
    assert (answer.status_code, answer.body.get("code")) == (status, code)
    assert answer.headers == ({"Retry-After": "1"} if status == 503 else {})
    assert code is None or answer.body["message"]


def test_an_accepted_transaction_is_answered_with_what_was_taken() -> None:
    assert answer_to(TRANSACTION, Accepted({"ham": 2})).body == {
        "transactionId": "t1",
        "status": "accepted",
        "items": [{"typeId": "ham", "quantity": 2}],
        "replayed": False,
    }


def test_what_may_be_repeated_says_so() -> None:
    for answer in (answer_to(TRANSACTION, Unknown()), busy()):
        assert answer.body["message"].endswith("try again with the same transactionId")
    assert (busy().status_code, busy().body["code"]) == (503, "busy")


def test_faults_are_listed_with_their_paths() -> None:
    assert invalid(InvalidRequest([Fault("items", "is empty")])).body == {
        "code": "invalid_request",
        "message": "the request has 1 fault",
        "errors": [{"path": "items", "message": "is empty"}],
    }
    assert invalid(OversizedRequest([Fault("", "is large")])).status_code == 413


def test_what_is_not_there_and_what_is_not_allowed() -> None:
    assert (not_found("no").status_code, not_found("no").body) == (404, {"code": "not_found", "message": "no"})
    assert (not_allowed("no").status_code, not_allowed("no").body) == (403, {"code": "not_allowed", "message": "no"})


def test_a_level_has_every_field() -> None:
    assert level_document(LEVEL) == {
        "typeId": "ham",
        "quantity": 7,
        "received": 20,
        "used": 9,
        "expired": 3,
        "discarded": 2,
        "returned": 1,
        "nextExpiry": "1970-01-02T00:00:00Z",
        "version": 5,
        "updatedAt": "2026-01-01T00:00:00Z",
        "threshold": 10,
    }


@pytest.mark.parametrize(("expires_at", "shown"), [(86_400, "1970-01-02T00:00:00Z"), (NEVER, None)])
def test_a_batch_names_its_delivery_only_where_that_is_wanted(expires_at: int, shown: str | None) -> None:
    batch = Batch(**{**vars(BATCH), "expires_at": expires_at})
    holding = Holding(LEVEL, Roster(frozenset({batch.batch_id}), 4, 7), (batch,))
    plain = {"quantity": 7, "received": 20, "bestBefore": "1970-01-02", "expiresAt": shown}
    assert holding_document(holding, with_deliveries=False)["batches"] == [plain]
    named = {"batchId": "a.csv@1970-01-02", "delivery": "a.csv", **plain}
    assert holding_document(holding, with_deliveries=True)["batches"] == [named]
