"""StockReceived: a delivery was dropped; record it and answer with a receipt."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import unquote_plus

from stockctl.functions import metrics, wiring
from stockctl.functions.try_all import all_tried

log = logging.getLogger(__name__)


def handler(event: Mapping[str, Any], _context: object) -> None:
    """Works the S3 notification of one or more objects. S3's own test notification has no records: nothing to do."""
    with all_tried() as attempt:
        for record in event.get("Records", []):
            attempt("a delivery", partial(_record, record))


def _record(record: Mapping[str, Any]) -> None:
    bucket, key, version_id = _object_of(record)
    receipt = wiring.recorder(bucket).record(key, version_id)
    if receipt:
        metrics.count_rows(receipt["recorded_rows"], receipt["rejected_rows"])
    log.info("delivery %s: %s", key, receipt["status"] if receipt else "the object is gone")


def _object_of(record: Mapping[str, Any]) -> tuple[str, str, str | None]:
    """Bucket, key and version. S3 sends keys as forms do: spaces as +, everything else per cent encoded."""
    s3 = record["s3"]
    return s3["bucket"]["name"], unquote_plus(s3["object"]["key"]), s3["object"].get("versionId")
