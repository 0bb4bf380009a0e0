"""Publishing when Kinesis accepts some records of a request and refuses others."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from stockctl.aws.retry import Patience
from stockctl.domain.stock import Level
from stockctl.operations.publish import LevelPublisher


class MoodyKinesis:
    """Accepts the given records of the first request, and all of later ones."""

    def __init__(self, *moods: bool) -> None:
        self.moods = list(moods)
        self.taken: list[int] = []

    def put_records(self, *, StreamName: str, Records: Sequence[Any]) -> dict[str, Any]:  # noqa: N803 - Kinesis's names
        assert StreamName == "levels"
        answers = []
        for record in Records:
            is_taken = self.moods.pop(0) if self.moods else True
            if is_taken:
                self.taken.append(json.loads(record["Data"])["version"])
            answers.append({"SequenceNumber": "1"} if is_taken else {"ErrorCode": "ProvisionedThroughputExceeded"})
        return {"Records": answers}


def level(version: int) -> Level:
    return Level("ham", 10 - version, 10, version, 0, None, 1, version, "use t", "2026-11-23T12:00:00.000Z")


def published(kinesis: Any, *versions: int) -> None:
    LevelPublisher(kinesis, "levels", Patience(sleep=lambda _: None)).publish([level(version) for version in versions])


def test_everything_from_the_first_refused_record_on_is_sent_again() -> None:
    """So the last record of an ingredient is its latest level, whichever record was refused."""
    kinesis = MoodyKinesis(True, False, True, True)
    published(kinesis, 1, 2, 3, 4)
    assert kinesis.taken == [1, 3, 4, 2, 3, 4]


def test_accepted_records_are_sent_once() -> None:
    kinesis = MoodyKinesis()
    published(kinesis, 1, 2, 3)
    assert kinesis.taken == [1, 2, 3]
