"""Table streams across a restart: the emulator forgets their records, and remembers how far each function had read.

So a function would wait for a stream to grow past a point that it no longer has, and what lay in the stream unread
would never be processed. Before a start the positions are forgotten too, and after it every ingredient is reconciled
once, which is all that a lost record could have asked for.
"""

from __future__ import annotations

import json
import logging
import time

from stockctl.aws.clients import Clients
from stockctl.local.home import Home
from stockctl.operations.reconcile import reconcile
from stockctl.operations.stock_table import StockTable

POSITIONS = "dynamodb_stream_positions"

logger = logging.getLogger("stockctl.local")


def forget_positions(home: Home) -> None:
    """Takes the positions out of the saved state; one without them, or of another shape, stays as it is."""
    path = home.state / "lambda.json"
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
        saved["payload"].pop(POSITIONS)
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return
    draft = path.with_suffix(".json.draft")
    draft.write_text(json.dumps(saved), encoding="utf-8")
    draft.replace(path)


def catch_up(clients: Clients, tables: list[str]) -> int:
    """Reconciles every ingredient of these stock tables; how many needed it."""
    moved = 0
    for name in tables:
        table = StockTable(clients.dynamodb, name)
        for ingredient in table.ingredients():
            done = reconcile(table, ingredient, time.time, table.patience)
            moved += bool(done.allocated or done.written_off)
    if moved:
        logger.warning("reconciled %d ingredients whose changes were still in the stream", moved)
    return moved
