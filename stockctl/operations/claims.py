"""Claims: which content the key of a delivery stands for, since when, and what could not be recorded of it.

A claim is a row of the transaction table under a reserved id. It is taken before anything is recorded, and completed
once all is: a redelivery that comes after a best-before has passed then still knows what an earlier attempt recorded.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from stockctl.aws.errors import CONDITION_FAILED, code_of, unless_refused
from stockctl.domain.fingerprint import Fingerprint
from stockctl.domain.instants import NEVER, iso
from stockctl.domain.transaction import RESERVED_PREFIX
from stockctl.operations import conditions
from stockctl.operations.rows import TableRow, Values, in_format, record_key
from stockctl.operations.transaction_records import find_record

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

REMEMBERED_SECONDS = int(timedelta(days=90).total_seconds())
"""How long after its last best-before a delivery's key stays taken."""

MAX_MISSED = 20_000
"""Lines that a claim remembers; a row of DynamoDB's holds 400 KB."""


@dataclass(frozen=True)
class Claim:
    """One delivery's claim to its key.

    `etag` marks its batches, `at` (s since the epoch) is when its rows were first judged, and `missed` are the lines of
    rows that were good then and could not be recorded: None while that is not known. `is_new` says that no earlier
    attempt is known.
    """

    etag: str
    at: float
    missed: frozenset[int] | None = None
    is_new: bool = False


class Claims:
    """The claims of deliveries in one transaction table."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def find(self, delivery: str, content: Fingerprint) -> Claim | None:
        """The claim of an earlier attempt at the same content, if there is one."""
        row = find_record(self._client, self._table, RESERVED_PREFIX + delivery)
        return _claim_from(row) if row and _is_of(row, content) else None

    def take(self, delivery: str, etag: str, content: Fingerprint, at: float, last_expiry: int) -> Claim | None:
        """Claims the key, or finds it claimed by the same content; None where it stands for other content."""
        row: Values = {
            "transaction_id": RESERVED_PREFIX + delivery,
            "request_hash": etag,
            "checksum": content.checksum,
            "status": "delivery",
            "at": iso(at),
            **({} if last_expiry == NEVER else {"forget_at": last_expiry + REMEMBERED_SECONDS}),
        }
        try:
            self._client.put_item(
                TableName=self._table,
                Item=in_format(row),
                ConditionExpression=conditions.IS_NEW,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if code_of(error) not in CONDITION_FAILED:
                raise
            there: TableRow = error.response["Item"]  # type: ignore[typeddict-item]
            return _claim_from(there) if _is_of(there, content) else None
        return Claim(etag, at, is_new=True)

    def complete(self, delivery: str, etag: str, missed: Collection[int]) -> None:
        """Notes that all has been recorded but these lines. The first completion stays: rows may expire meanwhile."""
        if len(missed) > MAX_MISSED:
            return
        key = record_key(RESERVED_PREFIX + delivery)
        lines = ",".join(map(str, sorted(missed)))
        unless_refused(
            lambda: self._client.update_item(
                TableName=self._table,
                Key=key,
                UpdateExpression="SET missed = :missed",
                ConditionExpression=conditions.IS_INCOMPLETE_CLAIM,
                ExpressionAttributeValues=in_format({":missed": lines, ":etag": etag}),
            ),
            CONDITION_FAILED,
        )


def _is_of(row: TableRow, content: Fingerprint) -> bool:
    return content.is_of(row.get("checksum", {}).get("S"), row["request_hash"]["S"])


def _claim_from(row: TableRow) -> Claim:
    missed = row.get("missed", {}).get("S")
    lines = None if missed is None else frozenset(int(line) for line in missed.split(",") if line)
    return Claim(row["request_hash"]["S"], datetime.fromisoformat(row["at"]["S"]).timestamp(), lines)
