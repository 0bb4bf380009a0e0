"""What comes of a transaction: which errors pass, which leave it unclear, and which are the caller's."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from stockctl.operations.transact import Cancelled, Contended, Reason, TooLarge, Unanswered, transact
from tests.faults.table_engine import client_error

CANCELLED = "TransactionCanceledException"


class Client:
    """Fails a transaction in one way."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def transact_write_items(self, **_: object) -> None:
        raise self._error


def fail(error: Exception) -> None:
    client: Any = Client(error)
    transact(client, [])


def coded(code: str, **more: Any) -> ClientError:
    return client_error("TransactWriteItems", code, **more)


def cancelled(*codes: str, message: str = "") -> ClientError:
    return coded(CANCELLED, CancellationReasons=[{"Code": code, "Message": message} for code in codes])


@pytest.mark.parametrize(
    "error",
    [
        coded("ProvisionedThroughputExceededException"),
        coded("RequestLimitExceeded"),
        coded("ThrottlingException"),
        ConnectTimeoutError(endpoint_url="x"),
        EndpointConnectionError(endpoint_url="x"),
        cancelled("None", "TransactionConflict"),
        cancelled("ThrottlingError"),
        cancelled("ProvisionedThroughputExceeded", "None"),
    ],
)
def test_what_was_not_done_and_may_be_tried_again_is_contention(error: Exception) -> None:
    with pytest.raises(Contended) as raised:
        fail(error)
    assert not isinstance(raised.value, Unanswered)


@pytest.mark.parametrize(
    "error",
    [
        coded("TransactionInProgressException"),
        coded("InternalServerError"),
        coded("ServiceUnavailable"),
        ConnectionClosedError(endpoint_url="x"),
        ReadTimeoutError(endpoint_url="x"),
    ],
)
def test_what_may_have_been_done_is_unanswered(error: Exception) -> None:
    with pytest.raises(Unanswered):
        fail(error)


def test_a_failed_condition_cancels_even_beside_contention() -> None:
    with pytest.raises(Cancelled) as raised:
        fail(cancelled("ConditionalCheckFailed", "None", "TransactionConflict"))
    failed, passed, contended = raised.value.reasons
    assert (failed.is_failed_condition, failed.is_contention) == (True, False)
    assert (passed.is_failed_condition, passed.is_contention) == (False, False)
    assert (contended.is_failed_condition, contended.is_contention) == (False, True)


def test_a_row_that_would_be_too_large_has_an_error_of_its_own() -> None:
    with pytest.raises(TooLarge):
        fail(cancelled("None", "ValidationError", message="Item size to update has exceeded the maximum allowed size"))
    assert not Reason("ValidationError", message="One or more parameter values were invalid").is_too_large
    assert not Reason("None", message="Item size").is_too_large


def test_any_other_error_is_raised_as_it_is() -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        fail(coded("AccessDeniedException"))
