"""StockUpdated: levels changed; tell the world, and charge what was used to batches."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from stockctl.domain.stock import Level
from stockctl.functions import metrics, wiring
from stockctl.functions.try_all import all_tried, each_tried
from stockctl.operations.rows import level_from


def handler(event: Mapping[str, Any], _context: object) -> None:
    """Works a batch of the table's stream: publishes every level in order, reconciles once per ingredient.

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
    before = record["dynamodb"].get("OldImage")
    changes.append((level_from(before) if before else None, level_from(record["dynamodb"]["NewImage"])))
