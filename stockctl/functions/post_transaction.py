"""PostTransaction: uses all items of a transaction, or none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stockctl.domain.api import Answer, answer_to, busy, invalid
from stockctl.domain.errors import Busy
from stockctl.domain.transaction import InvalidRequest, transaction_from
from stockctl.functions import metrics, wiring
from stockctl.functions.http import json_body, response
from stockctl.operations.use import use

wiring.prepare(wiring.tables)


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Answers `POST /transactions`."""
    return response(_answer(event))


def _answer(event: Mapping[str, Any]) -> Answer:
    try:
        transaction = transaction_from(json_body(event))
        outcome = use(wiring.tables(), transaction)
    except InvalidRequest as request:
        return invalid(request)
    except Busy:
        metrics.count_outcomes([None])
        return busy()
    metrics.count_outcomes([outcome])
    return answer_to(transaction, outcome)
