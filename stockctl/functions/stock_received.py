"""StockReceived: an object was dropped; record it as a delivery and answer with a receipt.

Every object is a delivery, whatever its name, so that none goes without an answer. Receipts lie in the same bucket and
cause an event too, which ends here: a delivery makes two invocations, and no more.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import unquote_plus

from stockctl.domain.receipt import RECEIPTS
from stockctl.functions import metrics, wiring
from stockctl.functions.try_all import all_tried

log = logging.getLogger(__name__)
wiring.prepare(wiring.stock_table, lambda: wiring.clients().s3)


def handler(event: Mapping[str, Any], _context: object) -> None:
    """Handles the S3 notification of one or more objects. S3's own test notification has no records: nothing to do."""
    with all_tried() as attempt:
        for record in event.get("Records", []):
            attempt("a delivery", partial(_record, record))


def _record(record: Mapping[str, Any]) -> None:
    bucket, key, version_id = _object_of(record)
    if key.startswith(RECEIPTS) or _is_folder(key, record):
        return
    receipt = wiring.recorder(bucket).record(key, version_id)
    if receipt:
        metrics.count_rows(receipt["recorded_rows"], receipt["rejected_rows"])
    log.info("delivery %s: %s", key, receipt["status"] if receipt else "the object is gone")


def _object_of(record: Mapping[str, Any]) -> tuple[str, str, str | None]:
    """Bucket, key and version. S3 sends keys form-encoded: spaces as +, everything else percent-encoded."""
    s3 = record["s3"]
    return s3["bucket"]["name"], unquote_plus(s3["object"]["key"]), s3["object"].get("versionId")


def _is_folder(key: str, record: Mapping[str, Any]) -> bool:
    """Whether it is the empty object that S3's console makes for a folder."""
    return key.endswith("/") and record["s3"]["object"].get("size") == 0
