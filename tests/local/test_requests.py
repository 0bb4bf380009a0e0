"""What a request may change decides how its answer is held: what is not known to be harmless counts as a setting."""

from __future__ import annotations

import pytest

from stockctl.local.requests import Change, Request

FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}


def signed_for(service: str, **headers: str) -> dict[str, str]:
    credential = f"Credential=AKIA1/20260101/us-east-1/{service}/aws4_request"
    return {"authorization": f"AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=0", **headers}


def target(action: str, service: str = "dynamodb") -> dict[str, str]:
    return signed_for(service, **{"x-amz-target": action})


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "change"),
    [
        ("GET", "/bucket/key", signed_for("s3"), b"", Change.NOTHING),
        ("POST", "/", target("DynamoDB_20120810.Query"), b"", Change.NOTHING),
        ("POST", "/", target("DynamoDB_20120810.TransactGetItems"), b"", Change.NOTHING),
        ("POST", "/", target("DynamoDB_20120810.TransactWriteItems"), b"", Change.ROWS),
        ("POST", "/", target("DynamoDB_20120810.DeleteItem"), b"", Change.ROWS),
        ("POST", "/", target("DynamoDB_20120810.DeleteTable"), b"", Change.SETTINGS),
        ("POST", "/", target("DynamoDB_20120810.UpdateTimeToLive"), b"", Change.SETTINGS),
        ("POST", "/", target("Kinesis_20131202.PutRecords", "kinesis"), b"", Change.RECORDS),
        ("POST", "/", target("Logs_20140328.PutLogEvents", "logs"), b"", Change.RECORDS),
        ("POST", "/", target("GraniteServiceVersion20100801.PutMetricData", "monitoring"), b"", Change.RECORDS),
        ("POST", "/", target("Kinesis_20131202.CreateStream", "kinesis"), b"", Change.SETTINGS),
        ("POST", "/", target("AmazonSQS.ReceiveMessage", "sqs"), b"", Change.RECORDS),
        ("POST", "/", target("AmazonSQS.PurgeQueue", "sqs"), b"", Change.SETTINGS),
        ("PUT", "/bucket/a/key", signed_for("s3"), b"", Change.RECORDS),
        ("PUT", "/bucket", signed_for("s3"), b"", Change.SETTINGS),
        ("DELETE", "/bucket", signed_for("s3"), b"", Change.SETTINGS),
        ("POST", "/2015-03-31/functions/f/invocations", signed_for("lambda"), b"", Change.RECORDS),
        ("PUT", "/2015-03-31/functions/f/code", signed_for("lambda"), b"", Change.SETTINGS),
        ("POST", "/_aws/execute-api/a/transactions", {}, b"", Change.RECORDS),
        ("POST", "/", signed_for("cloudformation", **FORM), b"Action=DescribeStacks&Version=1", Change.NOTHING),
        ("POST", "/", signed_for("cloudformation", **FORM), b"Version=1&Action=DeleteStack", Change.SETTINGS),
        ("POST", "/", signed_for("iam", **FORM), b"", Change.SETTINGS),
        ("PATCH", "/v2/apis/a", signed_for("apigateway"), b"", Change.SETTINGS),
    ],
)
def test_what_a_request_may_change(
    method: str, path: str, headers: dict[str, str], body: bytes, change: Change
) -> None:
    assert Request(method, path, headers, {}).change(body) is change


def test_a_query_without_a_value_counts() -> None:
    """As in the request that deletes many objects."""
    scope = {"method": "POST", "path": "/bucket", "headers": [], "query_string": b"delete"}
    request = Request.of(scope | {"headers": [(b"Authorization", signed_for("s3")["authorization"].encode())]})
    assert request.change(b"") is Change.RECORDS


def test_who_signed_it_and_for_which_service() -> None:
    """In a header or, as in a link, in the query."""
    in_query = Request("GET", "/b/k", {}, {"X-Amz-Credential": ["AKIA1/20260101/us-east-1/s3/aws4_request"]})
    for request in (Request("GET", "/", signed_for("s3"), {}), in_query):
        assert (request.access_key_id, request.service) == ("AKIA1", "s3")
    assert Request("GET", "/", {"authorization": "Basic dGVzdA=="}, {}).access_key_id == ""
