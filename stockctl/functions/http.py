"""HTTP API events of API Gateway, payload format 2.0: reading a request's body and answering it."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, NoReturn

from stockctl.domain.api import Answer, busy, invalid
from stockctl.domain.errors import Busy
from stockctl.domain.transaction import Fault, InvalidRequest, OversizedRequest
from stockctl.domain.unique_keys import RepeatedKey, unique

MAX_BODY = 1 << 20
"""Bytes of a request's body. An answer may be several times as long, and Lambda's may have 6 MB."""


Event = Mapping[str, Any]


def answering(answer: Callable[[Event], Answer]) -> Callable[[Event, object], dict[str, Any]]:
    """Makes a handler of a function that answers an event: also if the request is invalid, or the service busy."""

    @wraps(answer)
    def handler(event: Event, _context: object) -> dict[str, Any]:
        try:
            return _response(answer(event))
        except InvalidRequest as request:
            return _response(invalid(request))
        except Busy:
            return _response(busy())

    return handler


def json_body(event: Event) -> object:
    """The decoded JSON body of a request.

    Raises:
        OversizedRequest: it is larger than 1 MiB.
        InvalidRequest: it is not JSON, or a key appears twice in one object.
    """
    body = _body(event)
    if len(body) > MAX_BODY:
        raise OversizedRequest([Fault("", f"is larger than {MAX_BODY:,} bytes: split it")])
    try:
        return json.loads(body.decode(), object_pairs_hook=unique, parse_constant=_no_number)
    except RepeatedKey as error:
        raise InvalidRequest([Fault("", str(error))]) from error
    except UnicodeDecodeError as error:
        raise _not_json("it is not UTF-8") from error
    except json.JSONDecodeError as error:
        raise _not_json(f"see line {error.lineno}, column {error.colno}" if body else "it is empty") from error
    except RecursionError as error:
        raise _not_json("it is nested too deeply") from error
    except ValueError as error:
        raise _not_json("it has a number with too many digits") from error


def _body(event: Event) -> bytes:
    body: str = event.get("body") or ""
    try:
        return base64.b64decode(body) if event.get("isBase64Encoded") else body.encode(errors="surrogatepass")
    except binascii.Error as error:
        raise _not_json("it is not Base64") from error


def _no_number(name: str) -> NoReturn:
    raise InvalidRequest([Fault("", f"is not JSON: {name} is not a number")])


def _not_json(reason: str) -> InvalidRequest:
    return InvalidRequest([Fault("", f"is not JSON: {reason}")])


def _response(answer: Answer) -> dict[str, Any]:
    """An answer in the gateway's format."""
    return {
        "statusCode": answer.status_code,
        "headers": {"Content-Type": "application/json", **answer.headers},
        "body": json.dumps(answer.body, ensure_ascii=False),
    }
