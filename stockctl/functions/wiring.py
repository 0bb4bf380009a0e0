"""What a Lambda worker makes once and keeps: clients, adapters and settings, from its environment variables."""

from __future__ import annotations

import os
import time
from functools import cache

from stockctl.aws.clients import Clients
from stockctl.aws.retry import Patience
from stockctl.domain.best_before import DateOrder
from stockctl.domain.instants import time_zone
from stockctl.operations.drop_bucket import DropBucket
from stockctl.operations.publish import LevelPublisher
from stockctl.operations.reconcile import Reconciled
from stockctl.operations.reconcile import reconcile as reconciled
from stockctl.operations.record_delivery import MAX_MEGABYTES, Recorder
from stockctl.operations.stock_table import StockTable
from stockctl.operations.use import Tables

PATIENCE = Patience(seconds=8.0)
"""With one more attempt of the client's own, below the timeout of functions whose callers wait for an answer."""


@cache
def clients() -> Clients:
    """The AWS services, as this function's role may use them."""
    return Clients.of_function()


@cache
def stock_table() -> StockTable:
    """The table of levels, rosters and batches."""
    return StockTable(clients().dynamodb, os.environ["STOCK_TABLE"], PATIENCE)


@cache
def tables() -> Tables:
    """Where transactions happen."""
    return Tables(stock_table(), os.environ["TRANSACTION_TABLE"], time.time, PATIENCE)


@cache
def recorder(bucket: str) -> Recorder:
    """Where deliveries to this bucket are recorded."""
    return Recorder(
        bucket=DropBucket(clients().s3, bucket),
        stock=stock_table(),
        transactions=os.environ["TRANSACTION_TABLE"],
        zone=time_zone(os.environ.get("TIME_ZONE") or "UTC"),
        date_order=DateOrder(os.environ.get("DATE_ORDER") or "YMD"),
        max_megabytes=int(os.environ.get("MAX_DELIVERY_SIZE") or MAX_MEGABYTES),
        clock=time.time,
        patience=PATIENCE,
    )


@cache
def publisher() -> LevelPublisher:
    """The stream that level changes go to."""
    return LevelPublisher(clients().kinesis, os.environ["LEVEL_STREAM"], PATIENCE)


def reconcile(ingredient: str) -> Reconciled:
    """Reconciles one ingredient."""
    return reconciled(stock_table(), ingredient, time.time, PATIENCE)
