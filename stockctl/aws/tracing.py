"""Logs every AWS call of a command, for `--verbose` and `--debug`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.hooks import BaseEventHooks
    from botocore.model import OperationModel
    from botocore.session import Session


def trace_calls(session: Session, log: Callable[[str], None]) -> None:
    """Logs each call of clients made from this session: operation, result, duration, request id."""

    def before(context: dict[str, Any], **_: object) -> None:
        context["stockctl_began"] = time.perf_counter()

    def after(parsed: dict[str, Any], model: OperationModel, context: dict[str, Any], **_: object) -> None:
        metadata = parsed.get("ResponseMetadata", {})
        took = (time.perf_counter() - context.get("stockctl_began", time.perf_counter())) * 1000
        service = model.service_model.service_name
        outcome = parsed.get("Error", {}).get("Code") or metadata.get("HTTPStatusCode", "?")
        log(f"{service} {model.name}: {outcome} in {took:.0f} ms, request {metadata.get('RequestId', '-')}")

    emitter: BaseEventHooks = session.get_component("event_emitter")
    emitter.register("before-call.*.*", before)
    emitter.register("after-call.*.*", after)
