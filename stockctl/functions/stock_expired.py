"""StockExpired: reconciles ingredients with expired batches.

It is called by the table's stream when a batch row has been removed, and by a schedule, which finds due levels where
TTL is late.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from stockctl.functions import wiring
from stockctl.functions.try_all import all_tried, each_tried

wiring.prepare(wiring.stock_table)


def handler(event: Mapping[str, Any], _context: object) -> None:
    """Processes stream records or a scheduled call: reconciles each ingredient once."""
    ingredients: dict[str, None] = {}
    with all_tried() as attempt:
        for record in event.get("Records", ()):
            attempt("a record", partial(_collect, record, ingredients))
        if "Records" not in event:
            attempt("the levels", partial(_collect_due, ingredients))
        attempt("reconciliations", partial(each_tried, ingredients, wiring.reconcile))


def _collect(record: Mapping[str, Any], ingredients: dict[str, None]) -> None:
    ingredients[record["dynamodb"]["Keys"]["ingredient"]["S"]] = None


def _collect_due(ingredients: dict[str, None]) -> None:
    now = int(time.time())
    ingredients |= {level.ingredient: None for level in wiring.stock_table().levels() if level.is_guarded(now)}
