"""Send one DynamoDB transaction and interpret its cancellation; read rows that no transaction is changing.

boto3 retries throttled calls, but not a cancelled transaction. A failed condition is an answer; a conflict with another
transaction, or throttling, is a reason to try again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from stockctl.aws.errors import code_of
from stockctl.aws.retry import Patience
from stockctl.domain.errors import Busy
from stockctl.domain.transaction import Unknown
from stockctl.operations.batch_reads import in_requests
from stockctl.operations.rows import Action, Key, TableRow

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Outcome = TypeVar("Outcome")
CONDITION_FAILED = "ConditionalCheckFailed"

_PASSING_REASONS = {
    "None",
    "TransactionConflict",
    "ThrottlingError",
    "ProvisionedThroughputExceeded",
}
_PASSING_CODES = {
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
}
_UNCLEAR_CODES = {
    "TransactionInProgressException",
    "InternalServerError",
    "ServiceUnavailable",
}
_NOT_SENT = (ConnectTimeoutError, EndpointConnectionError)
_NOT_ANSWERED = (ConnectionClosedError, ReadTimeoutError)


@dataclass(frozen=True)
class Reason:
    """Why one action cancelled its transaction (the string "None" if it did not), and the row it found, if any."""

    code: str
    row: Mapping[str, Any] | None = None
    message: str = ""

    @property
    def is_failed_condition(self) -> bool:
        return self.code == CONDITION_FAILED

    @property
    def is_too_large(self) -> bool:
        return self.code == "ValidationError" and "Item size" in self.message

    @property
    def is_contention(self) -> bool:
        """Whether another transaction was changing the row, so its content is unknown."""
        return self.code not in {CONDITION_FAILED, "None"}


class Cancelled(Exception):
    """A condition of the transaction failed; `reasons` come in the order of its actions. Nothing changed."""

    def __init__(self, reasons: Sequence[Reason]) -> None:
        super().__init__(", ".join(reason.code for reason in reasons))
        self.reasons = tuple(reasons)


class TooLarge(Exception):
    """A row would outgrow DynamoDB's 400 KB. Nothing changed."""


class Contended(Exception):
    """Another transaction was changing the same rows, or DynamoDB was throttling or unreachable: try again."""


class Unanswered(Contended):
    """The answer was lost: the transaction may have happened, so a retry must be safe."""


def transact(client: DynamoDBClient, actions: Sequence[Action]) -> None:
    """Carries out all of the actions, or none.

    Raises:
        Cancelled: a condition failed.
        TooLarge: a row would be.
        Contended: it should be tried again; nothing happened.
        Unanswered: it should be tried again; it may have happened.
    """
    with _translating_errors():
        client.transact_write_items(TransactItems=actions)


def outcome_of(patience: Patience, what: str, attempt: Callable[[], Outcome | None]) -> Outcome | Unknown:
    """Attempts until one has an outcome. It returns None, or raises Contended, where another attempt is needed.

    Returns Unknown if no attempt was decided, and one that was not answered may have been carried out.

    Raises:
        Busy: no attempt was decided before the deadline; nothing changed.
    """
    may_have_happened = False
    try:
        for _ in patience.attempts(what):
            try:
                outcome = attempt()
            except Contended as contended:
                may_have_happened |= isinstance(contended, Unanswered)
            else:
                if outcome is not None:
                    return outcome
    except Busy:
        if may_have_happened:
            return Unknown()
        raise
    raise AssertionError  # attempts end by raising


def isolated_rows(client: DynamoDBClient, table: str, keys: Sequence[Key]) -> list[TableRow | None]:
    """The rows at these keys, in order, None for an absent one; a hundred of them never show part of a transaction.

    Raises:
        Contended: a transaction is changing one of them.
    """
    rows: list[TableRow | None] = []
    for some in in_requests(keys):
        with _translating_errors():
            found = client.transact_get_items(TransactItems=[{"Get": {"TableName": table, "Key": key}} for key in some])
        rows += [answer.get("Item") for answer in found["Responses"]]
    return rows


@contextmanager
def _translating_errors() -> Iterator[None]:
    """Translates botocore's errors by whether the transaction can have happened."""
    try:
        yield
    except ClientError as error:
        _raise_cancellation(error)
        raise
    except _NOT_SENT as error:
        raise Contended(str(error)) from error
    except _NOT_ANSWERED as error:
        raise Unanswered(str(error)) from error


def _raise_cancellation(error: ClientError) -> None:
    code, response = code_of(error), cast("Mapping[str, Any]", error.response)
    if code in _UNCLEAR_CODES:
        raise Unanswered(code) from error
    # boto3 may have sent it before without receiving the answer.
    contended = Unanswered if response.get("ResponseMetadata", {}).get("RetryAttempts") else Contended
    if code in _PASSING_CODES:
        raise contended(code) from error
    if code != "TransactionCanceledException":
        return
    reasons = [
        Reason(reason.get("Code", "None"), reason.get("Item"), reason.get("Message") or "")
        for reason in response["CancellationReasons"]
    ]
    if any(reason.is_failed_condition for reason in reasons):
        raise Cancelled(reasons) from error
    if any(reason.is_too_large for reason in reasons):
        raise TooLarge from error
    if {reason.code for reason in reasons} <= _PASSING_REASONS:
        raise contended(str(error)) from error
