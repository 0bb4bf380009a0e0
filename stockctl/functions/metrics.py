"""Metrics of the service, logged in CloudWatch's embedded metric format.

Each metric has one dimension, the stack. A metric per ingredient would cost 0.30 USD a month each. So a level is a
field of its log line, which Logs Insights and the dashboard query at no standing cost; `LevelMetrics=true` makes
metrics anyway.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from urllib.parse import quote

from stockctl.domain.stock import COUNTERS, Level
from stockctl.domain.transaction import Accepted, Insufficient, Outcome, Unknown

NAMESPACE = "stockctl"
MILLISECONDS = {"Lag"}


def count_outcomes(outcomes: Iterable[Outcome | None]) -> None:
    """Counts transactions by outcome. None (busy) and an unknown outcome count as busy; a reused id is not counted."""
    totals = dict.fromkeys(("Accepted", "Replayed", "Refused", "Busy"), 0)
    for outcome in outcomes:
        match outcome:
            case Accepted():
                totals["Replayed" if outcome.replayed else "Accepted"] += 1
            case Insufficient():
                totals["Refused"] += 1
            case Unknown() | None:
                totals["Busy"] += 1
    _emit({name: total for name, total in totals.items() if total})


def count_rows(recorded: int, rejected: int) -> None:
    """Counts the rows of one delivery."""
    _emit({"RowsRecorded": recorded, "RowsRejected": rejected})


def emit_changes(changes: Sequence[tuple[Level | None, Level]]) -> None:
    """Counts the units that came and went by these changes (each a level before and after), and logs the newest levels.

    Lag is how long the oldest change waited to be published (ms). A level without a change, which a retry of failed
    records publishes again, has not waited.
    """
    units = {f"Units{name.capitalize()}": _units(changes, name) for name in COUNTERS}
    _emit({**_lag(changes), **{name: count for name, count in units.items() if count}})
    for level in {after.ingredient: after for _, after in changes}.values():
        _emit_level(level)


def _lag(changes: Sequence[tuple[Level | None, Level]]) -> dict[str, int]:
    changed = [after for before, after in changes if not before or replace(before, version=after.version) != after]
    since = [datetime.fromisoformat(after.updated_at).timestamp() for after in changed]
    return {"Lag": max(0, round((time.time() - min(since)) * 1000))} if since else {}


def _units(changes: Sequence[tuple[Level | None, Level]], name: str) -> int:
    return sum(getattr(after, name) - (getattr(before, name) if before else 0) for before, after in changes)


def _emit_level(level: Level) -> None:
    fields: dict[str, object] = {"Ingredient": level.ingredient, "Level": level.quantity, "Version": level.version}
    if os.environ.get("LEVEL_METRICS") == "true":
        fields["Ingredient"] = quote(level.ingredient, safe=" ")  # dimension values must be ASCII
        fields |= _metadata(["Stack", "Ingredient"], ["Level"]) | {"Stack": _stack()}
    _print(fields)


def _emit(metrics: Mapping[str, float]) -> None:
    if metrics:
        _print({**_metadata(["Stack"], metrics), "Stack": _stack(), **metrics})


def _metadata(dimensions: list[str], names: Iterable[str]) -> dict[str, object]:
    metrics = [{"Name": name, "Unit": "Milliseconds" if name in MILLISECONDS else "Count"} for name in names]
    directive = {"Namespace": NAMESPACE, "Dimensions": [dimensions], "Metrics": metrics}
    return {"_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}}


def _stack() -> str:
    return os.environ.get("STACK", "unknown")


def _print(line: Mapping[str, object]) -> None:
    # Not the logger: Lambda would wrap the line, and CloudWatch would not recognise it as metrics.
    sys.stdout.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
    sys.stdout.flush()
