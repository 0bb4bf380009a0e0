"""The port of the embedded cloud: web pages, other users and other hosts' names find it closed."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from stockctl.aws.clients import Clients
from stockctl.local.cloud import EmbeddedCloud
from stockctl.local.home import RootKey, Run
from tests.local.conftest import variables_in


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A running embedded cloud with a bucket."""
    cloud = EmbeddedCloud(variables_in(tmp_path_factory.mktemp("closed")))
    try:
        run = cloud.up().run
        Clients.of_target(run.target()).s3.create_bucket(Bucket="kept")
        yield run
    finally:
        cloud.down()


def send(
    run: Run, method: str, path: str, headers: dict[str, str], body: bytes = b"", *, signed: bool = False
) -> http.client.HTTPResponse:
    """A request as it is, signed by root if asked for; what a browser adds is not part of a signature."""
    connection = http.client.HTTPConnection("127.0.0.1", run.port, timeout=20)
    if signed:
        request = AWSRequest(method, f"{run.endpoint}{path}", data=body, headers={"Host": f"127.0.0.1:{run.port}"})
        SigV4Auth(Credentials(run.key.access_key_id, run.key.secret_access_key), "s3", "us-east-1").add_auth(request)
        headers = {**dict(request.headers.items()), **headers}
    connection.request(method, path, body, headers)
    return connection.getresponse()


def names_of_buckets(run: Run) -> list[str]:
    return [bucket["Name"] for bucket in Clients.of_target(run.target()).s3.list_buckets()["Buckets"]]


def test_a_signed_request_is_answered_and_opens_nothing_to_web_pages(run: Run) -> None:
    response = send(run, "GET", "/", {}, signed=True)
    assert response.status == 200
    assert not [name for name in response.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:4580"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Host": "rebound.example"},
        {"Host": "127.0.0.1.rebound.example:4580"},
        {"Host": "localhost.rebound.example"},
    ],
)
@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("GET", "/_stockctl"), ("OPTIONS", "/"), ("PUT", "/new")])
def test_web_pages_and_other_names_are_refused(run: Run, headers: dict[str, str], method: str, path: str) -> None:
    """Even with a signature: a page may have got hold of one."""
    response = send(run, method, path, headers, signed=True)
    assert response.status == 403
    assert not [name for name in response.headers if name.lower().startswith("access-control")]
    assert names_of_buckets(run) == ["kept"]


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/_ministack/reset"),
        ("POST", "/_ministack/config"),
        ("GET", "/_ministack/health"),
        ("GET", "/_ministack/lambda-code/x"),
        ("GET", "/_localstack/health"),
        ("GET", "/health"),
        ("POST", "/_aws/lambda-url/x/"),
    ],
)
def test_the_emulators_own_paths_are_closed(run: Run, method: str, path: str, *, signed: bool) -> None:
    """To everybody: one of them wipes everything."""
    assert send(run, method, path, {}, signed=signed).status == 403
    assert names_of_buckets(run) == ["kept"]


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/", {}),
        ("GET", "/kept", {}),
        ("GET", "/2015-03-31/functions/", {}),
        ("POST", "/", {"X-Amz-Target": "DynamoDB_20120810.ListTables"}),
        ("GET", "/", {"Authorization": "AWS4-HMAC-SHA256 Credential=/20260101/us-east-1/s3/aws4_request"}),
        ("GET", "/", {"Authorization": "AWS test:c2lnbmF0dXJl"}),
        ("GET", "/?AWSAccessKeyId=test&Signature=x&Expires=2000000000", {}),
        (
            "GET",
            "/kept/a?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=test/20260101/x/s3/aws4_request",
            {},
        ),
    ],
)
def test_unsigned_requests_are_refused(run: Run, method: str, path: str, headers: dict[str, str]) -> None:
    """Another user of this machine reaches the port, but has no key."""
    assert send(run, method, path, headers).status == 403


@pytest.mark.parametrize("name", ["test", "000000000000", "123456789012", "AKIA0000000000000000"])
def test_only_the_roots_key_of_this_home_is_roots(run: Run, name: str) -> None:
    """Not those that the emulator takes for root by itself."""
    key = RootKey(name, "test")
    clients = Clients.of_target(replace(run, key=key).target())
    calls: list[Callable[[], object]] = [
        clients.s3.list_buckets,
        clients.cloudformation.describe_stacks,
        clients.dynamodb.list_tables,
        clients.lambda_.list_functions,
        clients.sqs.list_queues,
    ]
    for call in calls:
        with pytest.raises(ClientError, match=r"AccessDenied.*stockctl local env"):
            call()


@pytest.mark.parametrize("service", ["s3", "dynamodb", "lambda_", "cloudformation"])
def test_a_wrong_secret_is_refused(run: Run, service: str) -> None:
    """A signature is checked, not only looked at."""
    other = Clients.of_target(replace(run, key=RootKey(run.key.access_key_id, "wrong")).target())
    calls: dict[str, Any] = {"s3": "list_buckets", "dynamodb": "list_tables", "lambda_": "list_functions"}
    with pytest.raises(ClientError, match=r"SignatureDoesNotMatch|InvalidSignature|signature"):
        getattr(getattr(other, service), calls.get(service, "describe_stacks"))()


def test_who_it_is_can_be_asked_without_a_key(run: Run) -> None:
    """A command finds out whether this process is the one it knows, before it sends a key."""
    answer = json.loads(send(run, "GET", "/_stockctl", {}).read())
    assert answer == {"pid": run.pid, "since": run.since}


def test_the_key_is_for_its_owner_alone(tmp_path: Path) -> None:
    cloud = EmbeddedCloud(variables_in(tmp_path))
    cloud.home.make()
    assert cloud.home.key() == cloud.home.key()
    assert (cloud.home.root / "key.json").stat().st_mode & 0o777 == 0o600
    assert cloud.home.root.stat().st_mode & 0o777 == 0o700
    assert cloud.home.key().secret_access_key not in repr(cloud.home.key())
