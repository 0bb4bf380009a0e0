"""Deliveries that were dropped and never answered: after a start, StockReceived is called for them again.

An invocation that was under way when the embedded cloud ended is lost, as is one that was waiting. The file is still
in the bucket. To record a delivery twice changes nothing, so in doubt it is delivered again.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

from stockctl.aws.clients import Clients
from stockctl.aws.retry import Patience
from stockctl.domain.receipt import RECEIPTS, receipt_key
from stockctl.domain.transaction import RESERVED_PREFIX
from stockctl.operations.batch_reads import rows_at
from stockctl.operations.drop_bucket import DropBucket
from stockctl.operations.rows import record_key

Object = Mapping[str, Any]

logger = logging.getLogger("stockctl.local")


@dataclass(frozen=True)
class Drop:
    """Where a stack's deliveries come and go, from its outputs."""

    clients: Clients
    bucket: str
    transactions: str
    function: str

    @classmethod
    def of(cls, clients: Clients, outputs: Mapping[str, str]) -> Drop | None:
        """Of a stack's outputs; None where it is not one of ours."""
        names = [outputs.get(name) for name in ("DropBucket", "TransactionTable", "StockReceivedFunction")]
        bucket, transactions, function = (name or "" for name in names)
        return cls(clients, bucket, transactions, function) if all(names) else None

    def deliver_again(self) -> int:
        """Calls the function for each delivery without an answer; how many there were."""
        found = list(self._unanswered())
        for each in found:
            event = {"Records": [{"s3": {"bucket": {"name": self.bucket}, "object": {"key": quote_plus(each["Key"])}}}]}
            self.clients.lambda_.invoke(
                FunctionName=self.function, InvocationType="Event", Payload=json.dumps(event).encode()
            )
        if found:
            logger.warning("delivered %d files again that had no answer", len(found))
        return len(found)

    def _unanswered(self) -> Iterator[Object]:
        objects = list(DropBucket(self.clients.s3, self.bucket).objects())
        written = {each["Key"]: each["LastModified"] for each in objects if each["Key"].startswith(RECEIPTS)}
        deliveries = [each for each in objects if each["Key"] not in written]
        claims = self._claims([each["Key"] for each in deliveries])
        for each in deliveries:
            receipt = written.get(receipt_key(each["Key"]))
            is_newer = receipt is not None and receipt >= each["LastModified"]
            if not (is_newer and claims.get(each["Key"]) == _etag(each)) and not self._is_answered(each, claims):
                yield each

    def _is_answered(self, delivery: Object, claims: Mapping[str, str]) -> bool:
        """Whether its receipt covers this content, and the content that it lists as recorded is claimed."""
        try:
            receipt = DropBucket(self.clients.s3, self.bucket).receipt(delivery["Key"])
            if receipt is None or _etag(delivery) not in _etags(receipt):
                return False
            return not receipt["recorded"] or claims.get(delivery["Key"]) == receipt["etag"]
        except (ValueError, KeyError, TypeError, AttributeError):  # not a receipt: somebody else has put it there
            return False

    def _claims(self, deliveries: list[str]) -> dict[str, str]:
        """Which content the key of each delivery stands for."""
        keys = [record_key(RESERVED_PREFIX + delivery) for delivery in deliveries]
        options = {"ProjectionExpression": "transaction_id, request_hash", "ConsistentRead": True}
        rows = rows_at(self.clients.dynamodb, self.transactions, keys, Patience(), "reading claims", **options)
        return {row["transaction_id"]["S"].removeprefix(RESERVED_PREFIX): row["request_hash"]["S"] for row in rows}


def _etag(each: Object) -> str:
    etag: str = each["ETag"]
    return etag.strip('"')


def _etags(receipt: Mapping[str, Any]) -> set[str]:
    """The entity tags of the files that a receipt answers."""
    return {receipt["etag"], *(conflict["etag"] for conflict in receipt.get("conflicts", []))}
