"""StockExpired: batch rows were removed, by time to live or by a write-off; reconcile their ingredients."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from stockctl.functions import worker
from stockctl.functions.work import all_tried, each_tried


def handler(event: Mapping[str, Any], _context: object) -> None:
    """Works a batch of the table's stream: once per ingredient, however many of its batches went."""
    ingredients: dict[str, None] = {}
    with all_tried() as attempt:
        for record in event["Records"]:
            attempt("a record", partial(_collect, record, ingredients))
        attempt("reconciliations", partial(each_tried, ingredients, worker.reconcile))


def _collect(record: Mapping[str, Any], ingredients: dict[str, None]) -> None:
    ingredients[record["dynamodb"]["Keys"]["ingredient"]["S"]] = None
