"""Publish: every change of a level goes to the level stream, once or more, in order (stockctl/README.md, "Publish")."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from stockctl.aws.retry import Patience
from stockctl.domain.level_change import LevelChange
from stockctl.domain.stock import Level

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_kinesis.type_defs import PutRecordsRequestEntryTypeDef

RECORDS_PER_REQUEST = 500
"""Kinesis's limit on the records of one PutRecords."""


class LevelPublisher:
    """Puts level changes on one Kinesis stream, all changes of an ingredient on one shard."""

    def __init__(self, client: KinesisClient, stream: str, patience: Patience) -> None:
        self.client = client
        self.stream = stream
        self.patience = patience

    def publish(self, levels: Sequence[Level]) -> None:
        """Publishes levels in order.

        PutRecords may accept some records and refuse others. Everything from the first refused record on is sent again,
        so that the last record of an ingredient is always its newest.

        Raises:
            Busy: Kinesis kept refusing until the deadline; what was published will be published again.
        """
        entries = [_entry(level) for level in levels]
        for start in range(0, len(entries), RECORDS_PER_REQUEST):
            self._publish(entries[start : start + RECORDS_PER_REQUEST])

    def _publish(self, entries: list[PutRecordsRequestEntryTypeDef]) -> None:
        for _ in self.patience.attempts("publishing level changes"):
            answer = self.client.put_records(StreamName=self.stream, Records=entries)
            refused = [position for position, record in enumerate(answer["Records"]) if record.get("ErrorCode")]
            if not refused:
                return
            entries = entries[refused[0] :]
        raise AssertionError  # attempts end by raising


def _entry(level: Level) -> PutRecordsRequestEntryTypeDef:
    change = LevelChange(
        ingredient=level.ingredient,
        quantity=level.quantity,
        version=level.version,
        at=datetime.fromisoformat(level.updated_at),
        cause=level.cause,
        **level.counters,
    )
    return {"Data": json.dumps(change.document(), ensure_ascii=False).encode(), "PartitionKey": level.ingredient}
