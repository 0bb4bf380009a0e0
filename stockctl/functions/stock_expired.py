"""StockExpired: batch rows were removed, by time to live or by a write-off; reconcile their ingredients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stockctl.functions import worker
from stockctl.functions.work import each_tried


def handler(event: Mapping[str, Any], _context: object) -> None:
    """Works a batch of the table's stream: once per ingredient, however many of its batches went."""
    ingredients = dict.fromkeys(record["dynamodb"]["Keys"]["ingredient"]["S"] for record in event["Records"])
    each_tried(ingredients, worker.reconcile)
