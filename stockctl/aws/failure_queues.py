"""What the functions could not work off, and running it again.

A failed delivery comes with its event, which is sent again. A failed batch of the table's stream comes without its
records: it says where they lie in the stream, which forgets them after a day. What matters about them is which
ingredients they concern: those are published and reconciled as they are now, which is all the records could ask for.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from stockctl.aws.errors import code_of
from stockctl.aws.rows import level_key
from stockctl.aws.stock_table import StockTable

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageTypeDef

    from stockctl.aws.clients import Clients
    from stockctl.aws.deployment import Deployment

HIDDEN_SECONDS = 300
"""How long nobody else sees a failure that is being looked at or run again."""

LEVELS_AT_ONCE = 100
FORGOTTEN = {"TrimmedDataAccessException", "ResourceNotFoundException"}


@dataclass(frozen=True)
class Failure:
    """One message of a failure queue. `function` is as users know it; `body` is Lambda's record of what happened."""

    failure_id: str
    queue: str
    handle: str
    function: str
    body: dict[str, Any]

    @property
    def at(self) -> str:
        """When it was given up (ISO 8601); empty where the record does not say."""
        return str(self.body.get("timestamp", ""))

    @property
    def condition(self) -> str:
        """Why no further attempt was made, as `RetriesExhausted`."""
        return str(self.body.get("requestContext", {}).get("condition", ""))

    @property
    def error(self) -> str:
        """What the last attempt died of."""
        payload = self.body.get("responsePayload")
        said = payload.get("errorMessage", "") if isinstance(payload, dict) else ""
        return str(said or self.body.get("responseContext", {}).get("functionError", ""))

    @property
    def subject(self) -> str:
        """The deliveries, or how many stream records, it is about."""
        if batch := self.body.get("DDBStreamBatchInfo"):
            return f"{batch.get('batchSize', '?')} stream records"
        records = self.body.get("requestPayload", {}).get("Records", [])
        return ", ".join(unquote_plus(record["s3"]["object"]["key"]) for record in records if "s3" in record)


class FailureQueues:
    """Both failure queues of a deployment."""

    def __init__(self, clients: Clients, deployment: Deployment) -> None:
        self._clients = clients
        self._deployment = deployment
        self._known_as = {function: name for name, function in deployment.functions.items()}

    def failures(self) -> list[Failure]:
        """All that lies there, hidden from others for a while. `release` shows them again."""
        queues = (self._deployment.receive_failure_queue, self._deployment.stream_failure_queue)
        found = {failure.failure_id: failure for queue in queues for failure in self._received(queue)}
        return sorted(found.values(), key=lambda failure: failure.at)

    def release(self, failures: Iterable[Failure]) -> None:
        """Shows failures to others again."""
        for failure in failures:
            self._clients.sqs.change_message_visibility(
                QueueUrl=failure.queue, ReceiptHandle=failure.handle, VisibilityTimeout=0
            )

    def retry(self, failure: Failure) -> str | None:
        """Runs one again and deletes it once that has gone well; otherwise says why not, and leaves it there."""
        for event in self._events(failure):
            fault = self._invoke(self._deployment.functions[failure.function], event)
            if fault is not None:
                self.release([failure])
                return fault
        self._clients.sqs.delete_message(QueueUrl=failure.queue, ReceiptHandle=failure.handle)
        return None

    def _received(self, queue: str) -> Iterator[Failure]:
        empty = 0
        while empty < 2:  # a queue is many machines, and one answer may come from a few of them
            answer = self._clients.sqs.receive_message(
                QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=HIDDEN_SECONDS, WaitTimeSeconds=1
            )
            messages = answer.get("Messages", [])
            empty = 0 if messages else empty + 1
            yield from (self._failure(queue, message) for message in messages)

    def _failure(self, queue: str, message: MessageTypeDef) -> Failure:
        body = json.loads(message["Body"])
        arn = str(body.get("requestContext", {}).get("functionArn", ""))
        function = arn.rsplit(":function:", maxsplit=1)[-1].split(":", maxsplit=1)[0]
        known_as = self._known_as.get(function, function)
        return Failure(message["MessageId"], queue, message["ReceiptHandle"], known_as, body)

    def _events(self, failure: Failure) -> Iterator[dict[str, Any]]:
        batch = failure.body.get("DDBStreamBatchInfo")
        if batch is None:
            yield failure.body["requestPayload"]
            return
        ingredients = sorted(self._ingredients(batch))
        for start in range(0, len(ingredients), LEVELS_AT_ONCE):
            some = ingredients[start : start + LEVELS_AT_ONCE]
            yield {"Records": [record for name in some if (record := self._record(name)) is not None]}

    def _record(self, ingredient: str) -> dict[str, Any] | None:
        """The level as it is now, in the form of a stream record of a change that changed nothing."""
        key = level_key(ingredient)
        row = self._clients.dynamodb.get_item(TableName=self._deployment.stock_table, Key=key, ConsistentRead=True).get(
            "Item"
        )
        return {"eventName": "MODIFY", "dynamodb": {"Keys": key, "OldImage": row, "NewImage": row}} if row else None

    def _ingredients(self, batch: dict[str, Any]) -> set[str]:
        """The ingredients that the records of a batch concern; all there are where the stream has forgotten them."""
        try:
            return {record["dynamodb"]["Keys"]["ingredient"]["S"] for record in self._records(batch)}
        except self._clients.dynamodbstreams.exceptions.ClientError as error:
            if code_of(error) not in FORGOTTEN:
                raise
        return set(StockTable(self._clients.dynamodb, self._deployment.stock_table).ingredients())

    def _records(self, batch: dict[str, Any]) -> Iterator[Any]:
        streams = self._clients.dynamodbstreams
        position: str | None = streams.get_shard_iterator(
            StreamArn=batch["streamArn"],
            ShardId=batch["shardId"],
            ShardIteratorType="AT_SEQUENCE_NUMBER",
            SequenceNumber=batch["startSequenceNumber"],
        )["ShardIterator"]
        last = int(batch["endSequenceNumber"])
        while position:
            answer = streams.get_records(ShardIterator=position)
            for record in answer["Records"]:
                if int(record["dynamodb"]["SequenceNumber"]) > last:
                    return
                yield record
            position = answer.get("NextShardIterator") if answer["Records"] else None

    def _invoke(self, function: str, event: dict[str, Any]) -> str | None:
        """Calls a function and waits for it; what it died of, or None."""
        answer = self._clients.patient_lambda.invoke(FunctionName=function, Payload=json.dumps(event).encode())
        if "FunctionError" not in answer:
            return None
        said = json.loads(answer["Payload"].read() or b"{}")
        return str(said.get("errorMessage", answer["FunctionError"]))
