"""What a Lambda worker creates once: clients, adapters and settings, from its environment variables.

Handlers create it while they are imported: Lambda runs imports with a full vCPU, and the first request with the share
that the function's memory buys, 0.29 of one at 512 MB.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import cache

from stockctl.aws.clients import Clients
from stockctl.aws.retry import Patience
from stockctl.domain.best_before import DateOrder, DateReading
from stockctl.domain.instants import time_zone
from stockctl.operations.drop_bucket import DropBucket
from stockctl.operations.history_table import HistoryTable
from stockctl.operations.publish import LevelPublisher
from stockctl.operations.reconcile import Reconciled
from stockctl.operations.reconcile import reconcile as reconciled
from stockctl.operations.record_delivery import MAX_MEGABYTES, Recorder
from stockctl.operations.return_units import Returns
from stockctl.operations.stock_table import StockTable
from stockctl.operations.use import Tables

PATIENCE = Patience(seconds=8.0)
"""With one more attempt by the client, this stays below the timeout of functions whose callers wait."""


def prepare(*makers: Callable[[], object]) -> None:
    """Makes what a handler needs, inside a Lambda worker; elsewhere it is made when it is first asked for."""
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        for make in makers:
            make()


@cache
def clients() -> Clients:
    """The AWS services, as this function's role may use them."""
    return Clients.of_function()


@cache
def stock_table() -> StockTable:
    """The table of levels, rosters and batches."""
    return StockTable(clients().dynamodb, os.environ["STOCK_TABLE"], PATIENCE)


@cache
def history() -> HistoryTable:
    """Where level changes and charges are kept; an earlier template gives no table."""
    days = int(os.environ.get("HISTORY_DAYS") or 0)
    return HistoryTable(clients().dynamodb, os.environ.get("HISTORY_TABLE") or "", days, PATIENCE)


@cache
def tables() -> Tables:
    """The tables for uses."""
    return Tables(stock_table(), os.environ["TRANSACTION_TABLE"], time.time, PATIENCE)


@cache
def returns() -> Returns:
    """Where returns happen."""
    return Returns(tables(), history())


@cache
def recorder(bucket: str) -> Recorder:
    """The recorder of deliveries to this bucket."""
    zone, order = os.environ.get("TIME_ZONE") or "UTC", os.environ.get("DATE_ORDER") or "YMD"
    reading = DateReading(time_zone(zone), DateOrder(order))
    most = int(os.environ.get("MAX_DELIVERY_SIZE") or MAX_MEGABYTES)
    return Recorder(DropBucket(clients().s3, bucket), tables(), reading, most)


@cache
def publisher() -> LevelPublisher:
    """The publisher of level changes."""
    return LevelPublisher(clients().kinesis, os.environ["LEVEL_STREAM"], PATIENCE)


def reconcile(ingredient: str) -> Reconciled:
    """Reconciles one ingredient."""
    return reconciled(stock_table(), ingredient, time.time, PATIENCE)
