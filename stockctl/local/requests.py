"""What a request to the emulator is, as far as its head says: who sends it, and what it may change."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs

Scope = MutableMapping[str, Any]

API_PATHS = "/_aws/execute-api/"
"""Where HTTP APIs answer: they authorise their callers themselves."""
READS = ("Get", "Describe", "List", "Query", "Scan", "BatchGet", "TransactGet", "Lookup", "Filter", "AssumeRole")
LOGGED = "DynamoDB_20120810"
LOGGED_ACTIONS = frozenset(
    {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"}
    | {"ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction"}
)
MESSAGES = ("SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessage")
RECORDS = ("PutRecord", "PutLogEvents", "PutMetricData", *MESSAGES)
_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/[^/]*/[^/]*/([^/]+)/aws4_request")
_INVOCATION = re.compile(r"/functions/[^/]+/invocations$")


class Change(Enum):
    """What a request may change."""

    NOTHING = "nothing"
    ROWS = "rows"  # in the redo log
    RECORDS = "records"  # objects, messages, records: many and small
    SETTINGS = "settings"  # everything else


@dataclass(frozen=True)
class Request:
    """The head of an HTTP request."""

    method: str
    path: str
    headers: dict[str, str]
    query: dict[str, list[str]]

    @classmethod
    def of(cls, scope: Scope) -> Request:
        """The request of an ASGI scope."""
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        return cls(scope["method"], scope["path"], headers, query)

    @property
    def host(self) -> str:
        """The name it was sent to, without a port."""
        return self.headers.get("host", "").rsplit(":", 1)[0].lower()

    @property
    def is_for_an_api(self) -> bool:
        """Whether an HTTP API answers it."""
        return self.path.startswith(API_PATHS) or ".execute-api." in self.host

    @property
    def access_key_id(self) -> str:
        """The key that signed it; empty where it is not signed."""
        return self._credential[0]

    @property
    def service(self) -> str:
        """The service it was signed for."""
        return self._credential[1]

    @cached_property
    def _credential(self) -> tuple[str, str]:
        presigned = (self.query.get("X-Amz-Credential") or [""])[0]
        signature = self.headers.get("authorization", "") or f"Credential={presigned}"
        found = _CREDENTIAL.search(signature)
        return (found[1], found[2]) if found else ("", "")

    def change(self, body: bytes) -> Change:
        """What it may change; in doubt, settings. The body tells only for requests that are forms."""
        target, _, action = self.headers.get("x-amz-target", "").rpartition(".")
        if not target and "form" in self.headers.get("content-type", "") and self.method == "POST":
            found = re.search(rb"(?:^|&)Action=([A-Za-z]+)", body)
            action = found[1].decode() if found else ""
        if self.method in {"GET", "HEAD", "OPTIONS"} or action.startswith(READS):
            return Change.NOTHING
        if self.is_for_an_api or _INVOCATION.search(self.path) or action.startswith(RECORDS):
            return Change.RECORDS
        if target == LOGGED and action in LOGGED_ACTIONS:
            return Change.ROWS
        if self.service == "s3" and ("/" in self.path.strip("/") or "delete" in self.query):
            return Change.RECORDS
        return Change.SETTINGS
