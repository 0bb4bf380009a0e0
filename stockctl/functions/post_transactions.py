"""PostTransactions: many transactions in one request, each answered on its own."""

from __future__ import annotations

from collections.abc import Sequence

from stockctl.domain.api import Answer, answer_to, answers_document, busy, invalid
from stockctl.domain.transaction import InvalidRequest, Outcome, Transaction, transactions_from
from stockctl.functions import metrics, wiring
from stockctl.functions.http import Event, answering, json_body
from stockctl.operations.use_batch import use_batch

wiring.prepare(wiring.tables)


@answering
def handler(event: Event) -> Answer:
    """Answers `POST /transactions/batch`."""
    return Answer(200, answers_document(_answers(transactions_from(json_body(event)))))


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
