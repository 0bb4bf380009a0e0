"""PostTransaction: uses all items of a transaction, or none."""

from __future__ import annotations

from stockctl.domain.api import Answer, answer_to
from stockctl.domain.errors import Busy
from stockctl.domain.transaction import transaction_from
from stockctl.functions import metrics, wiring
from stockctl.functions.http import Event, answering, json_body
from stockctl.operations.use import use

wiring.prepare(wiring.tables)


@answering
def handler(event: Event) -> Answer:
    """Answers `POST /transactions`."""
    transaction = transaction_from(json_body(event))
    try:
        outcome = use(wiring.tables(), transaction)
    except Busy:
        metrics.count_outcomes([None])
        raise
    metrics.count_outcomes([outcome])
    return answer_to(transaction, outcome)
