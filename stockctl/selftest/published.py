"""The level stream as it was written, record by record: for the check of its order and completeness."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from stockctl.domain.level_change import LevelChange

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient


def published(kinesis: KinesisClient, stream: str) -> dict[str, list[int]]:
    """The versions of each ingredient, in the order of the stream; duplicates are in it."""
    versions: dict[str, list[int]] = {}
    for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
        position: str | None = kinesis.get_shard_iterator(
            StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while position:
            page = kinesis.get_records(ShardIterator=position, Limit=10_000)
            for record in page["Records"]:
                change = LevelChange.parse(record["Data"])
                versions.setdefault(change.ingredient, []).append(change.version)
            position = page.get("NextShardIterator") if page["MillisBehindLatest"] or page["Records"] else None
    return versions


def gaps(published: Mapping[str, list[int]], newest: Mapping[str, int]) -> list[str]:
    """What is missing or out of order. `newest` has the version that each level has reached.

    At least once: a repetition is no gap, and consumers drop it by its version.
    """
    return [
        fault
        for ingredient, version in newest.items()
        for fault in _gaps_of(ingredient, published.get(ingredient, []), version)
    ]


def _gaps_of(ingredient: str, versions: Iterable[int], newest: int) -> list[str]:
    first_seen = list(dict.fromkeys(versions))
    missing = sorted(set(range(1, newest + 1)) - set(first_seen))
    if missing:
        return [f"{ingredient}: version {missing[0]} of {newest} is missing"]
    return [] if first_seen == sorted(first_seen) else [f"{ingredient}: versions are out of order"]
