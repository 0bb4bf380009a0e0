"""PostTransactions: many transactions in one request, each answered on its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stockctl.domain.api import Answer, answer_to, answers_document, busy, invalid
from stockctl.domain.transaction import InvalidRequest, Outcome, Transaction, transactions_from
from stockctl.functions import metrics, wiring
from stockctl.functions.http import json_body, response
from stockctl.operations.use_batch import use_batch

wiring.prepare(wiring.tables)


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Answers `POST /transactions/batch`."""
    return response(_answer(event))


def _answer(event: Mapping[str, Any]) -> Answer:
    try:
        requests = transactions_from(json_body(event))
    except InvalidRequest as request:
        return invalid(request)
    return Answer(200, answers_document(_answers(requests)))


def _answers(requests: Sequence[Transaction | InvalidRequest]) -> list[Answer]:
    transactions = [request for request in requests if isinstance(request, Transaction)]
    outcomes = use_batch(wiring.tables(), transactions)
    metrics.count_outcomes(outcomes)
    following = iter(outcomes)
    return [
        invalid(request) if isinstance(request, InvalidRequest) else _answer_to(request, next(following))
        for request in requests
    ]


def _answer_to(transaction: Transaction, outcome: Outcome | None) -> Answer:
    return busy() if outcome is None else answer_to(transaction, outcome)
