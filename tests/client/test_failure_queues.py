"""Finding the ingredients of stream records: all of them, or none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber

from stockctl.client.failure_queues import EMPTY_PAGES, ingredients_at
from stockctl.client.failures import StreamRange

if TYPE_CHECKING:
    from mypy_boto3_dynamodbstreams import DynamoDBStreamsClient

ARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/kitchen-stock/stream/2026-04-23T13:37:16.991"
SHARD = "shardId-00000001732381000000-10101010"


def number(count: int) -> str:
    return f"{202328600001712385967261000 + count}"


PLACE = StreamRange(ARN, SHARD, number(1), number(3))


@dataclass(frozen=True)
class Shard:
    """A shard as DynamoDB returns it."""

    client: DynamoDBStreamsClient
    answers: Stubber

    def has(self, *pages: dict[int, str]) -> None:
        """Pages from this position on, each ingredient by its record's number; the last page has no next one."""
        self.answers.add_response("get_shard_iterator", {"ShardIterator": "0"})
        for index, page in enumerate(pages, 1):
            records = [
                {"dynamodb": {"SequenceNumber": number(count), "Keys": {"ingredient": {"S": name}}}}
                for count, name in page.items()
            ]
            following: dict[str, Any] = {"NextShardIterator": str(index)} if index < len(pages) else {}
            self.answers.add_response("get_records", {"Records": records, **following})


@pytest.fixture
def shard() -> Iterator[Shard]:
    client = boto3.client("dynamodbstreams")
    with Stubber(client) as answers:
        yield Shard(client, answers)


def test_all_records_from_the_first_to_the_last_count_and_none_behind(shard: Shard) -> None:
    shard.has({1: "ham", 2: "egg"}, {3: "ham", 4: "leek"}, {5: "kale"})
    assert ingredients_at(shard.client, PLACE) == {"ham", "egg"}


def test_an_empty_page_is_a_gap_and_not_the_end(shard: Shard) -> None:
    """DynamoDB gives such pages in the middle of a shard."""
    shard.has({1: "ham"}, {}, {}, {3: "egg"})
    assert ingredients_at(shard.client, PLACE) == {"ham", "egg"}


def test_a_last_record_between_two_that_are_there_ends_the_search(shard: Shard) -> None:
    shard.has({1: "ham", 2: "egg", 4: "leek"})
    assert ingredients_at(shard.client, PLACE) == {"ham", "egg"}


def test_an_incomplete_range_counts_as_not_found(shard: Shard) -> None:
    """Otherwise the missing ingredients would count as processed."""
    shard.has({1: "ham"}, {2: "egg"})
    assert ingredients_at(shard.client, PLACE) is None


def test_an_open_shard_that_brings_nothing_more_is_not_asked_for_ever(shard: Shard) -> None:
    shard.has({1: "ham"}, *[{} for _ in range(EMPTY_PAGES)], {3: "egg"})
    assert ingredients_at(shard.client, PLACE) is None


@pytest.mark.parametrize("code", ["TrimmedDataAccessException", "ResourceNotFoundException"])
def test_records_that_the_stream_has_forgotten_are_not_found(shard: Shard, code: str) -> None:
    shard.answers.add_client_error("get_shard_iterator", code)
    assert ingredients_at(shard.client, PLACE) is None


def test_a_place_that_no_stream_could_have_is_not_found() -> None:
    assert ingredients_at(boto3.client("dynamodbstreams"), StreamRange(ARN, "?", "1", "2")) is None
