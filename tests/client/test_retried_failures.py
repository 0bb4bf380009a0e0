"""A failure leaves its queue only after its retry has succeeded."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from stockctl.aws.clients import Clients
from stockctl.client.deployment import Deployment
from stockctl.client.failure_queues import HIDDEN_SECONDS, FailureQueues
from stockctl.domain.errors import StockctlError

RECORD = (Path(__file__).parents[1] / "events" / "lambda_delivery_failed.json").read_text()
FUNCTION = json.loads(RECORD)["requestContext"]["functionArn"].split(":")[6]


class Cloud:
    """A queue with one failure, and a function that succeeds or fails; `calls` has what was called, in order."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self.answer = answer
        self.calls: list[str] = []
        self.waiting = [
            {"MessageId": "m1", "Body": RECORD, "ReceiptHandle": "r1", "Attributes": {"SentTimestamp": "0"}}
        ]
        self.payload: Any = None
        self.hidden: list[int] = []
        self.sqs = self.patient_lambda = self

    def receive_message(self, **request: Any) -> dict[str, Any]:
        found, self.waiting = (self.waiting, []) if request["QueueUrl"] == "received" else ([], self.waiting)
        return {"Messages": found}

    def change_message_visibility(self, **request: Any) -> None:
        self.hidden.append(request["VisibilityTimeout"])

    def delete_message(self, **request: Any) -> None:
        assert request == {"QueueUrl": "received", "ReceiptHandle": "r1"}
        self.calls.append("delete")

    def invoke(self, **request: Any) -> dict[str, Any]:
        self.calls.append(f"invoke {request['FunctionName']}")
        self.payload = json.loads(request["Payload"])
        return self.answer


def queues(cloud: Cloud) -> FailureQueues:
    deployment = SimpleNamespace(
        receive_failure_queue="received", stream_failure_queue="changed", functions={"StockReceived": FUNCTION}
    )
    return FailureQueues(cast("Clients", cloud), cast("Deployment", deployment))


def test_a_failure_is_run_before_it_is_deleted() -> None:
    cloud = Cloud({"StatusCode": 200})
    retried = queues(cloud)
    with retried.held() as [failure]:
        assert failure.function == "StockReceived"
        retried.retry(failure)
    assert cloud.calls == [f"invoke {FUNCTION}", "delete"]
    assert cloud.payload == json.loads(RECORD)["requestPayload"]
    assert cloud.hidden == [HIDDEN_SECONDS, 0]


@pytest.mark.parametrize(
    ("payload", "message"),
    [(b'{"errorMessage": "no table"}', "no table"), (b"{}", "Unhandled"), (b"", "Unhandled")],
)
def test_a_failure_that_fails_again_stays(payload: bytes, message: str) -> None:
    cloud = Cloud({"FunctionError": "Unhandled", "Payload": io.BytesIO(payload)})
    retried = queues(cloud)
    with retried.held() as [failure], pytest.raises(StockctlError, match=message):
        retried.retry(failure)
    assert cloud.calls == [f"invoke {FUNCTION}"]
    assert cloud.hidden[-1] == 0


def test_a_failure_of_an_unknown_function_stays() -> None:
    cloud = Cloud({"StatusCode": 200})
    retried = queues(cloud)
    with retried.held() as [failure]:
        object.__setattr__(failure, "function", "Nobody")
        with pytest.raises(StockctlError):
            retried.retry(failure)
    assert cloud.calls == []
