"""One DynamoDB transaction: sent, and its cancellation taken apart; and rows read as no transaction is changing them.

boto3 retries throttled calls, but not a cancelled transaction. What a cancellation means is told apart here: a failed
condition is an answer, a conflict with another transaction or throttling is a reason to try again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, ConnectionClosedError, ConnectTimeoutError, ReadTimeoutError

from stockctl.aws.errors import code_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    from stockctl.aws.rows import Key, Row

CONDITION_FAILED = "ConditionalCheckFailed"

_PASSING_REASONS = {
    "None",
    "TransactionConflict",
    "ThrottlingError",
    "ProvisionedThroughputExceeded",
}
_PASSING_CODES = {
    "TransactionInProgressException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
    "InternalServerError",
    "ServiceUnavailable",
}


@dataclass(frozen=True)
class Reason:
    """Why one action cancelled its transaction (`None` where it did not), and the row it found there, if any."""

    code: str
    row: Mapping[str, Any] | None = None

    @property
    def is_failed_condition(self) -> bool:
        return self.code == CONDITION_FAILED

    @property
    def is_contention(self) -> bool:
        """Whether another transaction was at the row, so that nothing is known about what it holds."""
        return self.code not in {CONDITION_FAILED, "None"}


class Cancelled(Exception):
    """A condition of the transaction failed; `reasons` come in the order of its actions. Nothing changed."""

    def __init__(self, reasons: Sequence[Reason]) -> None:
        super().__init__(", ".join(reason.code for reason in reasons))
        self.reasons = tuple(reasons)


class Contended(Exception):
    """Another transaction was at the same rows, or DynamoDB was short of capacity: try again.

    Where the connection broke the transaction may have happened: whoever repeats it must be able to tell.
    """


def transact(client: DynamoDBClient, actions: Sequence[TransactWriteItemTypeDef]) -> None:
    """Does all of the actions, or none.

    Raises:
        Cancelled: a condition failed.
        Contended: it should be tried again.
    """
    try:
        client.transact_write_items(TransactItems=actions)
    except ClientError as error:
        _raise_cancellation(error)
        raise
    except (ConnectionClosedError, ConnectTimeoutError, ReadTimeoutError) as error:
        raise Contended(str(error)) from error


def settled(client: DynamoDBClient, table: str, keys: Sequence[Key]) -> list[Row | None]:
    """The rows of at most 100 keys, in their order, None for an absent one; no transaction is at any of them.

    Raises:
        Contended: one was: what it does to the row cannot be told yet.
    """
    try:
        found = client.transact_get_items(TransactItems=[{"Get": {"TableName": table, "Key": key}} for key in keys])
    except ClientError as error:
        _raise_cancellation(error)
        raise
    except (ConnectionClosedError, ConnectTimeoutError, ReadTimeoutError) as error:
        raise Contended(str(error)) from error
    return [answer.get("Item") for answer in found["Responses"]]


def _raise_cancellation(error: ClientError) -> None:
    code = code_of(error)
    if code in _PASSING_CODES:
        raise Contended(code) from error
    if code != "TransactionCanceledException":
        return
    response: Mapping[str, Any] = error.response
    reasons = [Reason(reason.get("Code", "None"), reason.get("Item")) for reason in response["CancellationReasons"]]
    if any(reason.is_failed_condition for reason in reasons):
        raise Cancelled(reasons) from error
    if {reason.code for reason in reasons} <= _PASSING_REASONS:
        raise Contended(str(error)) from error
