"""StockUpdated: levels or batches changed; publish and record that, and charge what was used to batches."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from stockctl.domain.history import ChargeEntry, LevelEntry, charge_between, uncharged_between
from stockctl.domain.stock import Level
from stockctl.functions import metrics, wiring
from stockctl.functions.try_all import all_tried, each_tried
from stockctl.operations.rows import LEVEL, batch_from, level_from

LevelChanges = list[tuple[Level | None, Level]]
"""Changed levels, each with the level before the change, in their order."""

wiring.prepare(wiring.stock_table, wiring.publisher)


def handler(event: Mapping[str, Any], _context: object) -> None:
    """Processes a batch of the table's stream: publishes every change in order, reconciles once per ingredient.

    Cost per use falls as load grows: the more changes of one ingredient a batch brings, the fewer reconciliations each.
    """
    changes: LevelChanges = []
    charges: list[ChargeEntry] = []
    with all_tried() as attempt:
        for record in event["Records"]:
            attempt("a record", partial(_collect, record["dynamodb"], changes, charges))
        levels = [after for _, after in changes]
        attempt("the level stream", partial(wiring.publisher().publish, levels))
        attempt("the history", partial(wiring.history().write, [*map(LevelEntry.of, levels), *charges]))
        ingredients = dict.fromkeys(level.ingredient for level in levels)
        attempt("reconciliations", partial(each_tried, ingredients, wiring.reconcile))
    metrics.emit_changes(changes)  # a failed batch comes again and is counted then


def _collect(images: Mapping[str, Any], changes: LevelChanges, charges: list[ChargeEntry]) -> None:
    """Adds the change that a record holds; a new `next_expiry` alone is none, and keeps the level's version."""
    old, new = images.get("OldImage"), images["NewImage"]
    if new["batch_id"]["S"] != LEVEL:
        charge = charge_between(batch_from(old), batch_from(new)) if old else None
        charges += [charge] if charge else []
        return
    before, after = level_from(old) if old else None, level_from(new)
    if before is None or before.version != after.version:
        changes.append((before, after))
    uncharged = uncharged_between(before, after) if before else None
    charges += [uncharged] if uncharged else []
