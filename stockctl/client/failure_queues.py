"""Failures: list what the functions gave up on, and retry it. A failure leaves its queue only after a successful retry.

A failed delivery is queued with its event, which is sent again. A failed batch of stream records is queued without the
records, only with their place in the stream, which forgets them after a day. Only their ingredients matter: they are
published and reconciled as they are now.

Messages are hidden while they are processed, so that the queue does not return them again. They are shown again
afterwards, or by themselves if this process dies.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from stockctl.aws.errors import unless_refused
from stockctl.client.failures import Failure, StreamRange, failure_from
from stockctl.domain.errors import StockctlError
from stockctl.domain.instants import iso
from stockctl.operations.rows import level_key, number
from stockctl.operations.stock_table import StockTable

if TYPE_CHECKING:
    from mypy_boto3_dynamodbstreams import DynamoDBStreamsClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

    from stockctl.aws.clients import Clients
    from stockctl.client.deployment import Deployment

HIDDEN_SECONDS = 300
"""Seconds that a failure is hidden from others; a retry starts the time again."""

WAIT_SECONDS = 1
"""A queue is spread over many servers; only a request that waits asks all of them."""

LEVELS_AT_ONCE = 100

EMPTY_PAGES = 20
"""A shard can return empty pages. After this many in a row, the records are considered gone."""

FORGOTTEN = {"TrimmedDataAccessException", "ResourceNotFoundException", "ExpiredIteratorException"}


@dataclass(frozen=True)
class Held:
    """A failure whose message is hidden from others. `function` is its name in the template."""

    failure: Failure
    function: str
    queue: str
    handle: str


class FailureQueues:
    """Both failure queues of a deployment."""

    def __init__(self, clients: Clients, deployment: Deployment) -> None:
        self._clients = clients
        self._deployment = deployment
        self._known_as = {function: name for name, function in deployment.functions.items()}

    def held(self) -> AbstractContextManager[list[Held]]:
        """All failures, oldest first, hidden from others until the block ends."""
        return self._held_in(self._deployment.receive_failure_queue, self._deployment.stream_failure_queue)

    def failed_deliveries(self) -> list[Failure]:
        """The deliveries that were given up."""
        queue = self._deployment.receive_failure_queue
        waiting = self._clients.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessages"])
        if waiting["Attributes"]["ApproximateNumberOfMessages"] == "0":
            return []
        with self._held_in(queue) as held:
            return [each.failure for each in held]

    @contextmanager
    def _held_in(self, *queues: str) -> Iterator[list[Held]]:
        held: dict[str, Held] = {}
        try:
            for queue in queues:
                self._take(queue, held)
            yield sorted(held.values(), key=lambda each: each.failure.at)
        finally:
            for each in held.values():
                with suppress(ClientError, BotoCoreError):  # deleted after a retry, or shown again after the timeout
                    self._hide(each, 0)

    def retry(self, held: Held) -> None:
        """Retries a failure, and deletes it after success.

        Raises:
            StockctlError: it failed again, or nobody knows how to run it; it stays in its queue.
        """
        self._hide(held, HIDDEN_SECONDS)
        function = self._deployment.functions.get(held.function)
        if function is None:
            raise StockctlError(held.failure.error or f"the stack has no function {held.failure.function}")
        for event in self._events(held.failure):
            self._invoke(function, event)
        self._clients.sqs.delete_message(QueueUrl=held.queue, ReceiptHandle=held.handle)

    def _hide(self, held: Held, seconds: int) -> None:
        self._clients.sqs.change_message_visibility(
            QueueUrl=held.queue, ReceiptHandle=held.handle, VisibilityTimeout=seconds
        )

    def _take(self, queue: str, held: dict[str, Held]) -> None:
        while messages := self._receive(queue, held):
            held |= {message["MessageId"]: self._held(queue, message) for message in messages}

    def _receive(self, queue: str, held: Mapping[str, Held]) -> list[MessageTypeDef]:
        """The next messages not seen yet; empty at the end, or once hidden messages have become visible again."""
        answer = self._clients.sqs.receive_message(
            QueueUrl=queue,
            MaxNumberOfMessages=10,
            VisibilityTimeout=HIDDEN_SECONDS,
            WaitTimeSeconds=WAIT_SECONDS,
            MessageSystemAttributeNames=["SentTimestamp"],
        )
        return [message for message in answer.get("Messages", []) if message["MessageId"] not in held]

    def _held(self, queue: str, message: MessageTypeDef) -> Held:
        failure = failure_from(message["MessageId"], message["Body"])
        if not failure.at:  # the embedded cloud's records bear no time
            failure = replace(failure, at=iso(int(message["Attributes"]["SentTimestamp"]) / 1000))
        known_as = self._known_as.get(failure.function, failure.function)
        return Held(failure, known_as, queue, message["ReceiptHandle"])

    def _events(self, failure: Failure) -> Iterator[Mapping[str, Any]]:
        if failure.event is not None:
            yield failure.event
        if failure.place is not None:
            yield from self._changes(self._ingredients(failure.place))

    def _ingredients(self, place: StreamRange) -> Sequence[str]:
        """The ingredients of the records; all ingredients if the stream no longer has the records."""
        found = ingredients_at(self._clients.dynamodbstreams, place)
        return sorted(found) if found is not None else self._table().ingredients()

    def _changes(self, ingredients: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        for start in range(0, len(ingredients), LEVELS_AT_ONCE):
            some = ingredients[start : start + LEVELS_AT_ONCE]
            yield {"Records": [record for name in some if (record := self._record(name)) is not None]}

    def _record(self, ingredient: str) -> dict[str, Any] | None:
        table = self._table()
        row = table.client.get_item(TableName=table.name, Key=level_key(ingredient), ConsistentRead=True).get("Item")
        return change_without_effect(row) if row else None

    def _table(self) -> StockTable:
        return StockTable(self._clients.dynamodb, self._deployment.stock_table)

    def _invoke(self, function: str, event: Mapping[str, Any]) -> None:
        """Calls a function and waits for it.

        Raises:
            StockctlError: it failed, with what it died of.
        """
        answer = self._clients.patient_lambda.invoke(FunctionName=function, Payload=json.dumps(event).encode())
        if "FunctionError" in answer:
            said = json.loads(answer["Payload"].read() or b"{}")
            raise StockctlError(str(said.get("errorMessage", answer["FunctionError"])))


def change_without_effect(row: Mapping[str, Any]) -> dict[str, Any]:
    """A stream record of a level row that became this version without any other change."""
    before = {**row, "version": number(int(row["version"]["N"]) - 1)}
    keys = {name: row[name] for name in ("ingredient", "batch_id")}
    return {"eventName": "MODIFY", "dynamodb": {"Keys": keys, "OldImage": before, "NewImage": row}}


def ingredients_at(streams: DynamoDBStreamsClient, place: StreamRange) -> set[str] | None:
    """The ingredients whose rows changed at this place of the stream; None if not all records are there any more.

    Records for other functions may be among them, which does no harm.
    """
    try:
        return unless_refused(lambda: _ingredients_at(streams, place), FORGOTTEN)
    except ParamValidationError:  # an invalid place
        return None


def _ingredients_at(streams: DynamoDBStreamsClient, place: StreamRange) -> set[str] | None:
    position: str | None = streams.get_shard_iterator(
        StreamArn=place.stream_arn,
        ShardId=place.shard_id,
        ShardIteratorType="AT_SEQUENCE_NUMBER",
        SequenceNumber=place.first,
    )["ShardIterator"]
    found: set[str] = set()
    empty = 0
    while position and empty < EMPTY_PAGES:
        page = streams.get_records(ShardIterator=position)
        for record in page["Records"]:
            number = int(record["dynamodb"]["SequenceNumber"])
            if number <= int(place.last):
                found.add(record["dynamodb"]["Keys"]["ingredient"]["S"])
            if number >= int(place.last):
                return found
        empty = 0 if page["Records"] else empty + 1
        position = page.get("NextShardIterator")
    return None
