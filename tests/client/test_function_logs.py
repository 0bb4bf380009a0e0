"""Log lines: one for each failed invocation, whether Lambda logs JSON or the embedded cloud logs text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from stockctl.client.function_logs import LogLine, lines_of

if TYPE_CHECKING:
    from mypy_boto3_logs.type_defs import FilteredLogEventTypeDef

DENIED = "1 failed; the first: ClientError: not authorized"
TEXT = """START RequestId: 1 Version: $LATEST
recorded 3 rows
could not process a delivery
Traceback (most recent call last):
  File "stock_table.py", line 85, in level
    row = self.client.get_item()
botocore.exceptions.ClientError: not authorized

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "try_all.py", line 40, in all_tried
stockctl.functions.try_all.SomeFailed: 1 failed; the first: ClientError: not authorized
END RequestId: 1
REPORT RequestId: 1 Duration: 80 ms
START RequestId: 2 Version: $LATEST
{"_aws":{"Timestamp":1}}
END RequestId: 2
REPORT RequestId: 2 Duration: 20 ms"""


def events(*messages: str) -> list[FilteredLogEventTypeDef]:
    return [{"eventId": str(number), "timestamp": number, "message": text} for number, text in enumerate(messages)]


def lines(*messages: str) -> list[LogLine]:
    return lines_of("StockReceived", events(*messages))


def test_a_failed_invocation_is_one_line_of_a_text_log() -> None:
    """Three chained tracebacks are over a hundred lines; they are the detail of one."""
    found = lines(*TEXT.split("\n"))
    shown = [(line.level, line.message) for line in found if not line.is_routine]
    assert shown == [("", "recorded 3 rows"), ("ERROR", DENIED)]
    (error,) = [line for line in found if line.is_error]
    assert "could not process a delivery" in error.detail
    assert "line 85, in level" in error.whole
    assert sum(line.ends_a_call for line in found) == 2


def test_an_exception_without_a_summary_shows_its_type_and_message() -> None:
    found = lines(
        "START RequestId: 1", "Traceback (most recent call last):", "  File", "a.b.KeyError: 'x'", "END RequestId: 1"
    )
    assert [line.message for line in found if line.is_error] == ["KeyError: 'x'"]


def test_a_traceback_whose_invocation_has_not_ended_is_shown_too() -> None:
    found = lines("START RequestId: 1", "Traceback (most recent call last):", "  File", "MemoryError")
    assert [line.message for line in found if line.is_error] == ["MemoryError"]


def test_of_nested_summaries_only_the_innermost_is_shown() -> None:
    summary = "SomeFailed: 1 failed; the first: SomeFailed: 2 failed; the first: KeyError: 'x'"
    found = lines("Traceback (most recent call last):", "  File", summary)
    assert [line.message for line in found] == ["2 failed; the first: KeyError: 'x'"]


def logged(**fields: Any) -> str:
    return json.dumps({"timestamp": "2026-11-25T10:00:00Z", "requestId": "1", **fields})


def test_a_failed_invocation_is_one_line_of_a_json_log() -> None:
    """The function logs each fault, and Lambda's runtime the exception that ends the invocation."""
    fault = logged(
        level="ERROR",
        message="could not process a delivery",
        errorType="ClientError",
        errorMessage="not authorized",
        stackTrace=["  File one\n"],
    )
    end = logged(log_level="ERROR", errorType="SomeFailed", errorMessage=DENIED, stackTrace=["  File two\n"])
    found = lines(fault, end)
    assert [(line.level, line.message) for line in found if not line.is_routine] == [("ERROR", DENIED)]
    assert found[0].whole == "could not process a delivery (ClientError: not authorized)\n  File one"


def test_errors_of_different_invocations_are_all_shown() -> None:
    errors = [logged(errorType="E", errorMessage="x", stackTrace=["f"], requestId=name) for name in ("1", "2")]
    assert [line.is_error for line in lines(*errors)] == [True, True]


def test_an_error_that_a_function_logs_and_survives_is_shown() -> None:
    found = lines(logged(level="ERROR", message="no receipt"), logged(level="INFO", message="done"))
    assert [(line.level, line.message, line.is_routine) for line in found] == [
        ("ERROR", "no receipt", False),
        ("INFO", "done", False),
    ]
