"""The HTTP API of the embedded cloud checks signatures, as API Gateway does."""

from __future__ import annotations

import http.client
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

if TYPE_CHECKING:
    from tests.system.conftest import System


def status_of(system: System, key: str, secret: str, headers: dict[str, str]) -> int:
    """The answer to a request signed with this key; the headers are added after signing."""
    url = urlsplit(f"{system.deployment.api_url}/stock")
    request = AWSRequest("GET", url.geturl(), headers={"Host": url.netloc})
    SigV4Auth(Credentials(key, secret), "execute-api", "us-east-1").add_auth(request)
    connection = http.client.HTTPConnection(url.netloc, timeout=30)
    connection.request("GET", url.path, None, dict(request.headers.items()) | headers)
    return connection.getresponse().status


@pytest.mark.parametrize(
    ("changed", "minutes", "headers", "status"),
    [
        ({}, 0, {}, 200),
        ({}, -30, {}, 403),
        ({}, 30, {}, 403),
        ({"secret": "wrong"}, 0, {}, 403),
        ({"key": "test", "secret": "test"}, 0, {}, 403),
        ({"key": "000000000000"}, 0, {}, 403),
        ({"key": "AKIA0000000000000000"}, 0, {}, 403),
        ({}, 0, {"Origin": "https://elsewhere.example"}, 403),
        ({}, 0, {"Host": "elsewhere.example"}, 403),
    ],
)
def test_only_a_signature_that_is_right_and_recent_is_accepted(
    embedded_cloud: System,
    monkeypatch: pytest.MonkeyPatch,
    changed: dict[str, str],
    minutes: int,
    headers: dict[str, str],
    status: int,
) -> None:
    target = embedded_cloud.target
    key = changed.get("key", str(target.access_key_id))
    secret = changed.get("secret", str(target.secret_access_key))
    at = datetime.now(UTC) + timedelta(minutes=minutes)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: at)
    assert status_of(embedded_cloud, key, secret, headers) == status


def test_an_unsigned_request_is_refused(embedded_cloud: System) -> None:
    url = urlsplit(embedded_cloud.deployment.api_url)
    connection = http.client.HTTPConnection(url.netloc, timeout=30)
    connection.request("POST", f"{url.path}/transactions", b"{}")
    assert connection.getresponse().status == 403
