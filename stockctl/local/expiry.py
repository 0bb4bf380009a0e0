"""Stands in for DynamoDB's TTL service, which the emulator has no use of: a template's TTL setting is ignored there.

It does what the service does on AWS, only sooner: it deletes the rows that are due, and each deletion goes to the
table's stream. AWS takes minutes to days, this takes a second.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from stockctl.aws.clients import Clients
from stockctl.aws.errors import CONDITION_FAILED, unless_refused
from stockctl.domain.errors import StockctlError
from stockctl.local.streams import catch_up
from stockctl.local.undelivered import Drop

SECONDS_BETWEEN = 1.0
REST_FACTOR = 10
"""Reading a table takes the emulator's time: about a tenth of it goes to that."""
LONGEST_REST = 5.0
"""A sweep is long also where the emulator is busy otherwise: what has expired then still goes within seconds."""


@dataclass(frozen=True)
class TimeToLive:
    """The TTL attribute of a table, and how long (s) its rows are let alone between two sweeps that look at them.

    Transactions are many, and each is kept for months: to look for one that is due every second, as for stock, would
    take a tenth of the emulator's time under load.
    """

    attribute: str
    seconds_between: float = 0.0


STOCK_TTL = TimeToLive("expires_at")
TABLES = {
    "StockTable": STOCK_TTL,
    "TransactionTable": TimeToLive("forget_at", 300.0),
    "HistoryTable": TimeToLive("forget_at", 3600.0),
}
"""What lives for a time, by the stack output that names the table."""

logger = logging.getLogger("stockctl.local")


class ExpiryService(threading.Thread):
    """Deletes due rows of the tables of every stack that is deployed, until it is stopped."""

    def __init__(self, clients: Clients) -> None:
        super().__init__(name="expiry", daemon=True)
        self._clients = clients
        self._stopped = threading.Event()
        self._next_look: dict[str, float] = {}

    def run(self) -> None:
        rest = SECONDS_BETWEEN
        caught_up = False
        while not self._stopped.wait(rest):
            started = time.monotonic()
            try:
                if not caught_up:
                    self._catch_up()
                    caught_up = True
                self.sweep(time.time())
            except (BotoCoreError, ClientError, StockctlError) as error:  # a stack that is coming or going
                logger.info("expiry, tried again soon: %s", error)
            rest = min(max(SECONDS_BETWEEN, REST_FACTOR * (time.monotonic() - started)), LONGEST_REST)

    def _catch_up(self) -> None:
        """Once after a start: does what the last run left undone."""
        catch_up(self._clients, [name for name, kind in self._tables() if kind == STOCK_TTL])
        for outputs in self._outputs():
            if drop := Drop.of(self._clients, outputs):
                drop.deliver_again()

    def stop(self) -> None:
        """Ends the thread, after the sweep it is at."""
        self._stopped.set()
        self.join(timeout=5)

    def sweep(self, now: float) -> int:
        """Deletes the rows that are due at `now` (epoch seconds) in each table that is to be looked at; how many."""
        tables = [(name, kind) for name, kind in self._tables() if now >= self._next_look.get(name, 0.0)]
        self._next_look |= {name: now + kind.seconds_between for name, kind in tables}
        return sum(self._sweep_table(name, kind.attribute, int(now)) for name, kind in tables)

    def _tables(self) -> list[tuple[str, TimeToLive]]:
        return [
            (outputs[name], kind) for outputs in self._outputs() for name, kind in TABLES.items() if name in outputs
        ]

    def _outputs(self) -> list[dict[str, str]]:
        """The outputs of each stack."""
        stacks = self._clients.cloudformation.describe_stacks()["Stacks"]
        return [{each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])} for stack in stacks]

    def _sweep_table(self, table: str, attribute: str, now: int) -> int:
        dynamodb = self._clients.dynamodb
        keys = [key["AttributeName"] for key in dynamodb.describe_table(TableName=table)["Table"]["KeySchema"]]
        names = {f"#key{number}": key for number, key in enumerate(keys)}
        pages = dynamodb.get_paginator("scan").paginate(
            TableName=table,
            FilterExpression="#due <= :now",
            ProjectionExpression=", ".join(names),
            ExpressionAttributeNames={"#due": attribute, **names},
            ExpressionAttributeValues={":now": {"N": str(now)}},
        )
        due = [row for page in pages for row in page["Items"]]
        return sum(self._delete_row(table, row, attribute, now) for row in due)

    def _delete_row(self, table: str, key: dict[str, Any], attribute: str, now: int) -> bool:
        deleted = unless_refused(
            lambda: self._clients.dynamodb.delete_item(
                TableName=table,
                Key=key,
                ConditionExpression="#due <= :now",  # the row may have been put anew since it was read
                ExpressionAttributeNames={"#due": attribute},
                ExpressionAttributeValues={":now": {"N": str(now)}},
            ),
            CONDITION_FAILED,
        )
        return deleted is not None
