"""StockUpdated: levels changed; tell the world, and charge what was used to batches."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from stockctl.aws.rows import level_from
from stockctl.domain.stock import Level
from stockctl.functions import worker
from stockctl.functions.work import all_tried, each_tried


def handler(event: Mapping[str, Any], _context: object) -> None:
    """Works a batch of the table's stream: publishes every level in order, reconciles once per ingredient.

    Cost per use falls as load grows: the more changes of one ingredient a batch brings, the fewer reconciliations each.
    """
    levels: list[Level] = []
    with all_tried() as attempt:
        for record in event["Records"]:
            attempt("a record", partial(_collect, record, levels))
        attempt("the level stream", partial(worker.publisher().publish, levels))
        ingredients = dict.fromkeys(level.ingredient for level in levels)
        attempt("reconciliations", partial(each_tried, ingredients, worker.reconcile))


def _collect(record: Mapping[str, Any], levels: list[Level]) -> None:
    levels.append(level_from(record["dynamodb"]["NewImage"]))
