"""HTTP API events of API Gateway, payload format 2.0: reading a request's body and writing an answer."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from stockctl.domain.api import Answer
from stockctl.domain.transaction import Fault, InvalidRequest


def json_body(event: Mapping[str, Any]) -> object:
    """The decoded JSON body of a request.

    Raises:
        InvalidRequest: it is not JSON.
    """
    body = event.get("body") or ""
    try:
        return json.loads(base64.b64decode(body) if event.get("isBase64Encoded") else body)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest([Fault("", f"is not JSON: {error}")]) from error


def response(answer: Answer) -> dict[str, Any]:
    """An answer in the gateway's format."""
    return {
        "statusCode": answer.status_code,
        "headers": {"Content-Type": "application/json", **answer.headers},
        "body": json.dumps(answer.body, ensure_ascii=False),
    }
