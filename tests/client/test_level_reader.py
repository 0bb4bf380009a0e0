"""The level stream is read completely, once and in order, whatever happens to it."""

from __future__ import annotations

import time
from datetime import timedelta
from random import Random

import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    LoginError,
    NoAuthTokenError,
    TokenRetrievalError,
    UnknownCredentialError,
)

from stockctl.client.level_reader import Condition, LevelFollower, LevelReader
from tests.client.fake_stream import FakeStream, FakeTime, change, failure


def reader_of(stream: FakeStream, since: timedelta | None = None) -> LevelReader:
    clock = stream.time
    start = clock.now() - since if since is not None else None
    uniform = Random(1).uniform  # noqa: S311 - jitter that repeats
    return LevelReader(stream.connect, "levels", start, clock.monotonic, clock.now, uniform)


def versions_within(reader: LevelReader, clock: FakeTime, seconds: float) -> list[int]:
    """Polls when something is due, for this long; returns the versions read."""
    end = clock.seconds + seconds
    seen: list[int] = []
    while clock.seconds < end:
        seen += [one.version for one in reader.poll()]
        clock.pass_by(max(reader.pause(), 0.001))
    return seen


def condition_of(reader: LevelReader) -> Condition:
    return reader.state.condition


@pytest.fixture
def clock() -> FakeTime:
    return FakeTime()


@pytest.fixture
def stream(clock: FakeTime) -> FakeStream:
    return FakeStream(clock)


def test_it_begins_with_changes_published_after_its_start(stream: FakeStream, clock: FakeTime) -> None:
    stream.publish(change(1))
    reader = reader_of(stream)
    reader.poll()
    stream.publish(change(2))
    assert versions_within(reader, clock, 2) == [2]


def test_since_includes_earlier_changes(stream: FakeStream, clock: FakeTime) -> None:
    stream.publish(change(1))
    clock.pass_by(600)
    stream.publish(change(2))
    clock.pass_by(60)
    assert versions_within(reader_of(stream, timedelta(minutes=5)), clock, 2) == [2]


def test_all_shards_are_read(clock: FakeTime) -> None:
    stream = FakeStream(clock, shards=3)
    reader = reader_of(stream)
    reader.poll()
    for number in range(3):
        stream.publish(change(7, ingredient=f"ingredient {number}"), f"shard-{number}")
    assert versions_within(reader, clock, 2) == [7, 7, 7]


def test_duplicates_and_late_records_are_dropped_by_version(stream: FakeStream, clock: FakeTime) -> None:
    reader = reader_of(stream)
    reader.poll()
    for version in (5, 6, 6, 4, 7):
        stream.publish(change(version))
    assert versions_within(reader, clock, 2) == [5, 6, 7]


def test_a_version_counts_for_its_own_ingredient_only(stream: FakeStream, clock: FakeTime) -> None:
    reader = reader_of(stream)
    reader.poll()
    stream.publish(change(9, "ham"))
    stream.publish(change(1, "basil"))
    assert versions_within(reader, clock, 2) == [9, 1]


def test_a_record_that_cannot_be_read_is_counted_and_passed_over(stream: FakeStream, clock: FakeTime) -> None:
    reader = reader_of(stream)
    reader.poll()
    stream.publish(b"\xff not json")
    stream.publish(b'{"typeId": "ham"}')
    stream.publish(change(3, colour="of a later release"))
    assert versions_within(reader, clock, 2) == [3]
    assert reader.state.malformed == 2


def test_after_a_long_sleep_it_resumes_at_its_position(stream: FakeStream, clock: FakeTime) -> None:
    reader = reader_of(stream)
    reader.poll()
    stream.publish(change(1))
    assert versions_within(reader, clock, 1) == [1]
    clock.pass_by(3600)
    stream.publish(change(2))
    assert versions_within(reader, clock, 2) == [2]
    assert stream.records_read == 2  # nothing was read twice
    assert condition_of(reader) is Condition.LIVE


def test_changes_during_a_sleep_are_read_even_if_none_were_seen_before(stream: FakeStream, clock: FakeTime) -> None:
    stream.publish(change(1))
    clock.pass_by(60)
    reader = reader_of(stream)
    versions_within(reader, clock, 2)
    clock.pass_by(1800)
    stream.publish(change(2))
    clock.pass_by(1800)
    assert versions_within(reader, clock, 2) == [2]


def test_children_are_read_after_their_parent_and_nothing_is_lost(stream: FakeStream, clock: FakeTime) -> None:
    reader = reader_of(stream)
    reader.poll()
    stream.publish(change(1))
    stream.split("shard-0", "shard-1", "shard-2")
    stream.publish(change(2), "shard-2")
    stream.publish(change(1, "basil"), "shard-1")
    assert versions_within(reader, clock, 2) == [1, 1, 2]


def test_a_reshard_of_a_reshard_is_followed(stream: FakeStream, clock: FakeTime) -> None:
    reader = reader_of(stream)
    reader.poll()
    stream.publish(change(1))
    stream.split("shard-0", "shard-1")
    stream.publish(change(2), "shard-1")
    stream.split("shard-1", "shard-2")
    stream.publish(change(3), "shard-2")
    assert versions_within(reader, clock, 3) == [1, 2, 3]


def test_the_past_before_a_reshard_is_read_first(stream: FakeStream, clock: FakeTime) -> None:
    stream.publish(change(1))
    stream.split("shard-0", "shard-1")
    stream.publish(change(2), "shard-1")
    assert versions_within(reader_of(stream, timedelta(minutes=1)), clock, 2) == [1, 2]


def test_a_child_waits_for_a_parent_that_takes_several_reads(stream: FakeStream, clock: FakeTime) -> None:
    for version in range(2500):
        stream.publish(change(version))
    stream.split("shard-0", "shard-1")
    stream.publish(change(2500), "shard-1")
    assert versions_within(reader_of(stream, timedelta(minutes=1)), clock, 5) == list(range(2501))


def test_a_child_of_two_shards_that_were_merged_waits_for_both(clock: FakeTime) -> None:
    """Whichever takes longer."""
    for slower in ("shard-0", "shard-1"):
        stream = FakeStream(clock, shards=2)
        for version in range(1500):
            stream.publish(change(version), slower)
        stream.split("shard-0", "shard-2")
        stream.split("shard-1", "shard-2")
        stream.shards["shard-2"].parents = ("shard-0", "shard-1")
        stream.publish(change(1500), "shard-2")
        assert versions_within(reader_of(stream, timedelta(minutes=1)), clock, 5) == list(range(1501))


def test_a_shard_that_vanished_counts_as_read(stream: FakeStream, clock: FakeTime) -> None:
    reader = reader_of(stream)
    reader.poll()
    stream.split("shard-0", "shard-1")
    stream.publish(change(2), "shard-1")
    del stream.shards["shard-0"]
    stream.failures = [failure("ResourceNotFoundException", "Shard not found")]
    assert versions_within(reader, clock, 2) == [2]


def test_throttling_slows_it_down_and_loses_nothing(stream: FakeStream, clock: FakeTime) -> None:
    reader = reader_of(stream)
    reader.poll()
    stream.publish(change(1))
    stream.failures = [failure("ProvisionedThroughputExceededException") for _ in range(6)]
    assert versions_within(reader, clock, 60) == [1]
    assert condition_of(reader) is Condition.LIVE


def test_throttling_that_lasts_is_shown(stream: FakeStream, clock: FakeTime) -> None:
    reader = reader_of(stream)
    reader.poll()
    stream.failures = [failure("ProvisionedThroughputExceededException") for _ in range(1000)]
    versions_within(reader, clock, 30)
    assert condition_of(reader) is Condition.RECONNECTING
    assert reader.state.reason == "ProvisionedThroughputExceededException"


def test_it_backs_off_further_and_further(stream: FakeStream, clock: FakeTime) -> None:
    reader = reader_of(stream)
    reader.poll()
    stream.failures = [failure("ServiceUnavailable") for _ in range(1000)]
    versions_within(reader, clock, 600)
    assert len(stream.reads["shard-0"]) < 200  # at four times a second it would be 2,400


def test_expired_credentials_are_waited_for(stream: FakeStream, clock: FakeTime) -> None:
    reader = reader_of(stream)
    reader.poll()
    stream.publish(change(1))
    stream.failures = [failure("ExpiredTokenException") for _ in range(3)]
    connections = stream.connections
    clock.pass_by(1)
    assert reader.poll() == []
    assert condition_of(reader) is Condition.WAITING_FOR_CREDENTIALS
    assert versions_within(reader, clock, 60) == [1]
    assert condition_of(reader) is Condition.LIVE
    assert stream.connections >= connections + 3  # renewed credentials are found by a new client only


EXPIRED = [
    TokenRetrievalError(provider="sso", error_msg="Token has expired"),
    LoginError(),
    NoAuthTokenError(),
    UnknownCredentialError(name="x"),
    failure("InvalidAccessKeyId"),
    failure("SignatureDoesNotMatch"),
]


@pytest.mark.parametrize("error", EXPIRED, ids=lambda error: str(error)[:40])
def test_an_expired_sign_on_is_waited_for(stream: FakeStream, clock: FakeTime, error: Exception) -> None:
    """Whatever the rest of the program takes for a fault of the credentials."""
    reader = reader_of(stream)
    reader.poll()
    stream.failures = [error]
    clock.pass_by(1)
    reader.poll()
    assert condition_of(reader) is Condition.WAITING_FOR_CREDENTIALS


def test_a_lost_network_is_waited_for(stream: FakeStream, clock: FakeTime) -> None:
    reader = reader_of(stream)
    reader.poll()
    stream.publish(change(1))
    stream.failures = [EndpointConnectionError(endpoint_url="http://127.0.0.1:1") for _ in range(4)]
    clock.pass_by(1)
    reader.poll()
    assert condition_of(reader) is Condition.RECONNECTING
    assert versions_within(reader, clock, 60) == [1]


def test_a_stream_that_is_not_there_is_an_error_at_once(stream: FakeStream) -> None:
    stream.list_failures = [failure("ResourceNotFoundException", "Stream levels not found")]
    with pytest.raises(ClientError):
        reader_of(stream).poll()


def test_a_permission_that_was_never_there_is_an_error_at_once(stream: FakeStream) -> None:
    stream.failures = [failure("AccessDeniedException")]
    with pytest.raises(ClientError):
        reader_of(stream).poll()


def test_it_reports_how_far_behind_it_is(stream: FakeStream, clock: FakeTime) -> None:
    stream.behind_millis = 12_500
    reader = reader_of(stream)
    versions_within(reader, clock, 1)
    assert condition_of(reader) is Condition.BEHIND
    assert reader.state.behind == 12.5


def test_the_conditions_have_the_words_that_watch_shows() -> None:
    words = ["connecting", "live", "behind", "reconnecting", "waiting for credentials"]
    assert [condition.value for condition in Condition] == words


def test_a_position_that_the_stream_has_forgotten_continues_with_the_oldest_record(
    stream: FakeStream, clock: FakeTime
) -> None:
    """After a sleep of more than a day."""
    reader = reader_of(stream)
    reader.poll()
    stream.publish(change(1))
    assert versions_within(reader, clock, 1) == [1]
    stream.publish(change(2))
    clock.pass_by(100_000)
    stream.iterator_failures = [failure("InvalidArgumentException")]
    assert versions_within(reader, clock, 2) == [2]


def test_what_was_not_read_yet_when_it_fell_asleep_is_read_afterwards(stream: FakeStream, clock: FakeTime) -> None:
    """Ten minutes behind and without a record so far, it resumes ten minutes before the last read."""
    reader = reader_of(stream)
    reader.poll()
    clock.pass_by(250)
    stream.publish(change(1))
    stream.stalled, stream.behind_millis = True, 600_000
    assert versions_within(reader, clock, 500) == []
    stream.stalled, stream.behind_millis = False, 0
    clock.pass_by(3600)
    assert versions_within(reader, clock, 5) == [1]


def test_other_errors_at_a_position_do_not_move_it(stream: FakeStream, clock: FakeTime) -> None:
    reader = reader_of(stream)
    reader.poll()
    stream.publish(change(1))
    assert versions_within(reader, clock, 1) == [1]
    clock.pass_by(3600)
    stream.iterator_failures = [failure("ProvisionedThroughputExceededException")]
    stream.publish(change(2))
    assert versions_within(reader, clock, 5) == [2]
    assert stream.records_read == 2


def test_a_shard_is_never_read_more_than_five_times_a_second(stream: FakeStream, clock: FakeTime) -> None:
    reader = reader_of(stream)
    stream.behind_millis = 5000
    for version in range(5000):
        stream.publish(change(version))
    versions_within(reader, clock, 20)
    reads = stream.reads["shard-0"]
    assert max(sum(1 for read in reads if start <= read < start + 1) for start in reads) <= 5


def test_a_failed_listing_is_tried_again(stream: FakeStream, clock: FakeTime) -> None:
    reader = reader_of(stream)
    reader.poll()
    stream.list_failures = [failure("LimitExceededException")] * 2
    clock.pass_by(31)
    reader.poll()
    assert condition_of(reader) is Condition.RECONNECTING
    versions_within(reader, clock, 20)
    assert condition_of(reader) is Condition.LIVE


def test_the_follower_returns_changes_without_waiting(stream: FakeStream) -> None:
    with LevelFollower(LevelReader(stream.connect, "levels")) as follower:
        assert follower.changes() == []
        stream.publish(change(1))
        deadline = time.monotonic() + 5
        seen = follower.changes()
        while not seen and time.monotonic() < deadline:
            time.sleep(0.02)
            seen = follower.changes()
    assert [one.version for one in seen] == [1]


def test_the_follower_raises_errors_at_the_start(stream: FakeStream) -> None:
    stream.list_failures = [failure("ResourceNotFoundException", "Stream levels not found")]
    with pytest.raises(ClientError), LevelFollower(LevelReader(stream.connect, "levels")):
        pass
