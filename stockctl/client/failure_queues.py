"""What the functions could not work off, and running it again. Nothing leaves a queue before its work is done.

A failed delivery comes with its event, which is sent again. A failed batch of the table's stream comes without its
records: it says where they lie in the stream, which forgets them after a day. What matters about them is which
ingredients they concern: those are published and reconciled as they are now, which is all the records could ask for.

Messages are taken out of sight while they are looked at, as a queue would hand out the same ones over and over
otherwise. They are put back whatever happens; where this very process dies, they come back by themselves.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from stockctl.aws.errors import code_of
from stockctl.client.failures import Failure, StreamRange, failure_from
from stockctl.domain.errors import StockctlError
from stockctl.operations.rows import level_key
from stockctl.operations.stock_table import StockTable

if TYPE_CHECKING:
    from mypy_boto3_dynamodbstreams import DynamoDBStreamsClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

    from stockctl.aws.clients import Clients
    from stockctl.client.deployment import Deployment

HIDDEN_SECONDS = 300
"""How long nobody else sees a failure that is being looked at or run again; for each it begins anew when it runs."""

WAIT_SECONDS = 1
"""A queue is spread over many servers; only a request that waits asks all of them."""

LEVELS_AT_ONCE = 100

EMPTY_PAGES = 20
"""A shard has gaps, which come as empty pages; after so many in a row, what was looked for is not to be found."""

FORGOTTEN = {"TrimmedDataAccessException", "ResourceNotFoundException", "ExpiredIteratorException"}


@dataclass(frozen=True)
class Held:
    """A failure whose message is out of others' sight. `function` is its name as users know it."""

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

    @contextmanager
    def held(self) -> Iterator[list[Held]]:
        """All that lies there, the oldest first, out of others' sight until the block ends."""
        held: dict[str, Held] = {}
        try:
            for queue in (self._deployment.receive_failure_queue, self._deployment.stream_failure_queue):
                self._take(queue, held)
            yield sorted(held.values(), key=lambda each: each.failure.at)
        finally:
            for each in held.values():
                with suppress(ClientError, BotoCoreError):  # it is done and gone; or it comes back by itself
                    self._hide(each, 0)

    def retry(self, held: Held) -> None:
        """Runs one again, and deletes it once that has gone well.

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
        """The next messages, none at the end. Of a very long queue the first are in sight again by then."""
        answer = self._clients.sqs.receive_message(
            QueueUrl=queue,
            MaxNumberOfMessages=10,
            VisibilityTimeout=HIDDEN_SECONDS,
            WaitTimeSeconds=WAIT_SECONDS,
        )
        return [message for message in answer.get("Messages", []) if message["MessageId"] not in held]

    def _held(self, queue: str, message: MessageTypeDef) -> Held:
        failure = failure_from(message["MessageId"], message["Body"])
        known_as = self._known_as.get(failure.function, failure.function)
        return Held(failure, known_as, queue, message["ReceiptHandle"])

    def _events(self, failure: Failure) -> Iterator[Mapping[str, Any]]:
        if failure.event is not None:
            yield failure.event
        if failure.place is not None:
            yield from self._changes(self._ingredients(failure.place))

    def _ingredients(self, place: StreamRange) -> Sequence[str]:
        """Those that the records of a batch concern; all there are where the stream has forgotten them."""
        found = ingredients_at(self._clients.dynamodbstreams, place)
        return sorted(found) if found is not None else self._table().ingredients()

    def _changes(self, ingredients: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        for start in range(0, len(ingredients), LEVELS_AT_ONCE):
            some = ingredients[start : start + LEVELS_AT_ONCE]
            yield {"Records": [record for name in some if (record := self._record(name)) is not None]}

    def _record(self, ingredient: str) -> dict[str, Any] | None:
        """The level as it is now, in the form of a stream record of a change that changed nothing."""
        key = level_key(ingredient)
        table = self._table()
        row = table.client.get_item(TableName=table.name, Key=key, ConsistentRead=True).get("Item")
        return {"eventName": "MODIFY", "dynamodb": {"Keys": key, "OldImage": row, "NewImage": row}} if row else None

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


def ingredients_at(streams: DynamoDBStreamsClient, place: StreamRange) -> set[str] | None:
    """The ingredients whose rows changed at this place of the stream; None where not all of it is to be found.

    Records of other functions lie between, which does no harm: more is worked off than must be.
    """
    try:
        return _ingredients_at(streams, place)
    except ParamValidationError:  # a place that no stream could have
        return None
    except ClientError as error:
        if code_of(error) in FORGOTTEN:
            return None
        raise


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
