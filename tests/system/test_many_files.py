"""Many files at once on the embedded cloud: each is recorded, and none ends in the failure queue."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from stockctl.aws.retry import Patience
from stockctl.client.supplier import deliver
from stockctl.operations.drop_bucket import DropBucket

if TYPE_CHECKING:
    from tests.system.conftest import System

FILES = 200


@pytest.mark.ci
def test_two_hundred_files_at_once_are_all_recorded(embedded_cloud: System) -> None:
    bucket = DropBucket(embedded_cloud.clients.s3, embedded_cloud.deployment.drop_bucket)
    patience = Patience(seconds=240.0, first_wait=0.5, longest_wait=2.0)

    def drop(number: int) -> str:
        return str(deliver(bucket, f"many/{number}.csv", b"oregano,1,2099-01-01", patience).status)

    with ThreadPoolExecutor(FILES) as pool:
        assert set(pool.map(drop, range(FILES))) == {"recorded"}
    level = json.loads(embedded_cloud.stockctl("stock", "oregano", "-o", "json").stdout)[0]
    assert level["received"] == FILES
    queue = embedded_cloud.deployment.receive_failure_queue
    assert "Messages" not in embedded_cloud.clients.sqs.receive_message(QueueUrl=queue)
