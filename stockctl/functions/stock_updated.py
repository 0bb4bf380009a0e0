"""StockUpdated: levels changed; publish them, and charge what was used to batches."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from stockctl.domain.stock import Level
from stockctl.functions import metrics, wiring
from stockctl.functions.try_all import all_tried, each_tried
from stockctl.operations.rows import level_from

wiring.prepare(wiring.stock_table, wiring.publisher)


def handler(event: Mapping[str, Any], _context: object) -> None:
    """Processes a batch of the table's stream: publishes every change in order, reconciles once per ingredient.

    Cost per use falls as load grows: the more changes of one ingredient a batch brings, the fewer reconciliations each.
    """
    changes: list[tuple[Level | None, Level]] = []
    with all_tried() as attempt:
        for record in event["Records"]:
            attempt("a record", partial(_collect, record, changes))
        levels = [after for _, after in changes]
        attempt("the level stream", partial(wiring.publisher().publish, levels))
        ingredients = dict.fromkeys(level.ingredient for level in levels)
        attempt("reconciliations", partial(each_tried, ingredients, wiring.reconcile))
    metrics.tell_changes(changes)  # not of a batch that failed, which comes again


def _collect(record: Mapping[str, Any], changes: list[tuple[Level | None, Level]]) -> None:
    """Adds the change that a record holds; a new `next_expiry` alone is none, and keeps the level's version."""
    images = record["dynamodb"]
    before = level_from(images["OldImage"]) if images.get("OldImage") else None
    after = level_from(images["NewImage"])
    if before is None or before.version != after.version:
        changes.append((before, after))
