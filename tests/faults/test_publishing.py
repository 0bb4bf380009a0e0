"""Publishing through refusals: nothing is left out, and no later change is followed by an earlier one for good."""

from __future__ import annotations

import json
from itertools import combinations

import pytest

from stockctl.domain.stock import Level
from stockctl.operations.publish import LevelPublisher
from tests.engines.clouds import ProcessCloud
from tests.faults.cloud_engine import LEVEL_STREAM

FIVE = range(1, 6)
REFUSALS = [frozenset(some) for size in range(1, 5) for some in combinations(range(5), size)]


def level(version: int) -> Level:
    at = "1970-01-01T00:00:00.000Z"
    return Level("ham", version, version, 0, 0, None, 1, version, "delivery x", at)


@pytest.mark.parametrize("refused", REFUSALS, ids=str)
def test_refused_records_are_published_in_their_order(refused: frozenset[int]) -> None:
    """Whatever part Kinesis refuses, what follows a refused record is published after it again."""
    cloud = ProcessCloud()
    cloud.kinesis.refuses = refused
    stream: object = cloud.kinesis
    LevelPublisher(stream, LEVEL_STREAM, cloud.patience).publish([level(version) for version in FIVE])  # type: ignore[arg-type]
    versions = [json.loads(data)["version"] for data in cloud.kinesis.published]
    assert set(versions) == set(FIVE)
    last_words = versions[versions.index(min(refused) + 1) :]
    assert last_words == sorted(last_words), "from the first refused record on, all come in order"
