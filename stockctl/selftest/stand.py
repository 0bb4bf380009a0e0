"""What the checks and the measurements share: the deployed stack, its API, its drop bucket and its tables."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from stockctl.aws.retry import Patience
from stockctl.client.api import StockApi
from stockctl.client.failure_queues import FailureQueues
from stockctl.client.supplier import Delivered, deliver
from stockctl.domain.errors import Busy
from stockctl.operations.drop_bucket import DropBucket
from stockctl.operations.stock_table import StockTable
from stockctl.selftest.results import Wrong

if TYPE_CHECKING:
    from stockctl.aws.clients import Clients
    from stockctl.client.deployment import Deployment

SOON = Patience(seconds=90.0, first_wait=0.1, longest_wait=1.0)
"""Streams and failure queues are asynchronous."""
SECONDS_FOR_A_RECEIPT = 300.0


class Stand:
    """A stack that nobody else uses."""

    def __init__(self, clients: Clients, deployment: Deployment) -> None:
        self.clients = clients
        self.deployment = deployment
        self.stock = StockTable(clients.dynamodb, deployment.stock_table)
        self.bucket = DropBucket(clients.s3, deployment.drop_bucket)

    @cached_property
    def api(self) -> StockApi:
        """The HTTP API."""
        return StockApi(self.clients.session, self.deployment.api_url)

    @cached_property
    def failures(self) -> FailureQueues:
        """The failure queues."""
        return FailureQueues(self.clients, self.deployment)

    def deliver(self, key: str, *rows: str) -> Delivered:
        """Drops a delivery, and waits for its receipt."""
        content = "\n".join(["ingredient,quantity,best_before", *rows, ""]).encode()
        return deliver(self.bucket, key, content, Patience(SECONDS_FOR_A_RECEIPT, 0.05, 0.5))

    def levels(self, *ingredients: str) -> dict[str, int]:
        """What is in stock of each."""
        return {level.ingredient: level.quantity for level in self.stock.levels(list(ingredients))}

    def eventually(self, what: str, is_so: Callable[[], bool], patience: Patience = SOON) -> None:
        """Waits for a condition.

        Raises:
            Wrong: it did not hold in time.
        """
        try:
            for _ in patience.attempts(what):
                if is_so():
                    return
        except Busy:
            raise Wrong(f"{what}: not within {patience.seconds:g} s") from None

    @contextmanager
    def without_table(self, function: str) -> Iterator[None]:
        """Has a function look for a table that does not exist, and fail for good at the first attempt."""
        lambda_, before = self.clients.lambda_, self.variables(function)
        latest: dict[str, Any] = {"FunctionName": function, "Qualifier": "$LATEST"}
        settings = lambda_.get_function_event_invoke_config(**latest)
        lambda_.put_function_event_invoke_config(
            **latest, MaximumRetryAttempts=0, DestinationConfig=settings["DestinationConfig"]
        )
        try:
            self.set_variables(function, {**before, "STOCK_TABLE": f"{before['STOCK_TABLE']}-missing"})
            yield
        finally:
            self.set_variables(function, before)

    def variables(self, function: str) -> dict[str, str]:
        """The environment of a function."""
        return self.clients.lambda_.get_function_configuration(FunctionName=function)["Environment"]["Variables"]

    def set_variables(self, function: str, variables: dict[str, str]) -> None:
        """Replaces the environment of a function, which ends its workers."""
        lambda_ = self.clients.lambda_
        lambda_.update_function_configuration(FunctionName=function, Environment={"Variables": variables})
        lambda_.get_waiter("function_updated_v2").wait(FunctionName=function, WaiterConfig={"Delay": 1})


def until(moment: float, clock: Callable[[], float] = time.time, sleep: Callable[[float], None] = time.sleep) -> None:
    """Waits for a time (s since the epoch) to have passed."""
    while (left := moment - clock()) >= 0:
        sleep(left + 0.1)
