"""Reads the Kinesis stream of level changes across all shards, and recovers from everything that can go wrong.

`LevelReader.poll` does what is due and returns; it never sleeps, so its caller decides about threads and screens, and
tests about time. `LevelFollower` is that caller for commands: it polls on its own thread, so that a screen keeps
refreshing while a call hangs.

What is handled:

- Read limits: a shard is read at most four times a second of the five that Kinesis allows for all readers, and less
  often when it is idle.
- An expired iterator (the machine slept for more than five minutes): reading resumes after the last sequence number
  seen or, if none was seen, shortly before the time up to which the shard is known to have been read.
- A reshard: child shards are read from their start, after their parents have been read to the end.
- Throttling and lost connections: exponential backoff with full jitter, per shard.
- Expired credentials: each attempt creates the client anew, which runs the AWS credential chain again.
- Duplicates and late records: dropped by `version`, per ingredient. Malformed records are skipped and counted.
"""

from __future__ import annotations

import random as chance
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from stockctl.aws.errors import code_of, translated, unless_refused
from stockctl.domain.errors import Busy, CredentialsError
from stockctl.domain.level_change import LevelChange, MalformedChange, NewestVersions

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_kinesis.type_defs import ShardTypeDef

READ_AGAIN_SECONDS = 0.25
"""Seconds between two reads of a shard with more records."""
IDLE_SECONDS = 0.5
"""Seconds between two reads of an idle shard, which others may read, too."""
LIST_AGAIN_SECONDS = 30.0
"""Seconds between two listings of the shards, to notice reshards."""
BEHIND_SECONDS = 3.0
"""A stream is live if it is at most this many seconds behind."""
OVERLAP = timedelta(seconds=10)
"""Seconds to read again if only the time of the last read is known; versions drop duplicates."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0


class Condition(StrEnum):
    """The state of the reading."""

    CONNECTING = "connecting"
    LIVE = "live"
    BEHIND = "behind"
    RECONNECTING = "reconnecting"
    WAITING_FOR_CREDENTIALS = "waiting for credentials"


@dataclass(frozen=True)
class StreamState:
    """The state of the stream for a screen: a word, how far behind (seconds), why, and unreadable records."""

    condition: Condition = Condition.CONNECTING
    behind: float = 0.0
    reason: str = ""
    malformed: int = 0


@dataclass
class _Shard:
    """One shard and the position of its reader.

    `latest_at` is when reading began at its tip, if it did; `read_up_to` is the time up to which it has been read.
    """

    shard_id: str
    parents: frozenset[str]
    begin: dict[str, Any]
    iterator: str | None = None
    last_sequence: str | None = None
    latest_at: datetime | None = None
    read_up_to: datetime | None = None
    due: float = 0.0
    behind: float = 0.0
    failures: int = 0
    trouble: tuple[Condition, str] | None = None
    finished: bool = False

    def position(self) -> dict[str, Any]:
        """Where to take a new iterator."""
        if self.last_sequence is not None:
            return {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": self.last_sequence}
        if self.latest_at is None or self.read_up_to is None:
            return self.begin
        return {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": max(self.latest_at, self.read_up_to - OVERLAP)}


@dataclass
class LevelReader:
    """Reads the changes on the stream; drops late and repeated records.

    `connect` creates a Kinesis client; it is called again after credential errors. Reading begins at `since`, or
    with what is published from now on. `monotonic` counts seconds, `now` is the time in UTC, `uniform` draws a number
    between two.
    """

    connect: Callable[[], KinesisClient]
    stream: str
    since: datetime | None = None
    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    uniform: Callable[[float, float], float] = chance.uniform
    state: StreamState = field(default_factory=StreamState)
    _shards: dict[str, _Shard] = field(default_factory=dict)
    _versions: NewestVersions = field(default_factory=NewestVersions)
    _client: KinesisClient | None = None
    _list_due: float = 0.0
    _list_failures: int = 0
    _list_trouble: tuple[Condition, str] | None = None
    _begun: bool = False
    _has_read: bool = False

    def poll(self) -> list[LevelChange]:
        """Does what is due; returns the new changes, shard by shard.

        Raises:
            ClientError, BotoCoreError: only before the first success: no such stream, no permission, no network.
        """
        if self.monotonic() >= self._list_due:
            self._list()
        changes: list[LevelChange] = []
        for shard in self._readable():
            if self.monotonic() >= shard.due:
                changes += self._read(shard)
        self._settle()
        return changes

    def pause(self) -> float:
        """Seconds until something is due."""
        due = min([self._list_due, *(shard.due for shard in self._readable())])
        return max(0.0, due - self.monotonic())

    @property
    def is_positioned(self) -> bool:
        """Whether every readable shard has an iterator, so that no later change is missed."""
        return self._begun and all(shard.iterator is not None for shard in self._readable())

    def _readable(self) -> list[_Shard]:
        """The shards to read. A child waits for its parents, except for parents that have expired."""
        unfinished = {name: shard for name, shard in self._shards.items() if not shard.finished}
        return [shard for shard in unfinished.values() if shard.parents.isdisjoint(unfinished)]

    def _list(self) -> None:
        try:
            listed = list(self._listed())
        except (ClientError, BotoCoreError) as error:
            if not self._begun:
                raise
            self._list_failures += 1
            self._list_trouble = self._trouble(error)
            self._list_due = self.monotonic() + self._backoff(self._list_failures)
            return
        for description in listed:
            self._add(description)
        self._begun, self._list_failures, self._list_trouble = True, 0, None
        self._list_due = self.monotonic() + LIST_AGAIN_SECONDS

    def _listed(self) -> Iterable[ShardTypeDef]:
        page = self._kinesis().list_shards(StreamName=self.stream)
        yield from page["Shards"]
        while token := page.get("NextToken"):
            page = self._kinesis().list_shards(NextToken=token)
            yield from page["Shards"]

    def _add(self, description: ShardTypeDef) -> None:
        shard_id = description["ShardId"]
        if shard_id in self._shards:
            return
        parents = (description.get("ParentShardId"), description.get("AdjacentParentShardId"))
        shard = _Shard(shard_id, frozenset(filter(None, parents)), self._beginning())
        is_closed = "EndingSequenceNumber" in description.get("SequenceNumberRange", {})
        shard.finished = is_closed and not self._begun and self.since is None
        self._shards[shard_id] = shard

    def _beginning(self) -> dict[str, Any]:
        if self.since is not None:
            return {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": self.since}
        return {"ShardIteratorType": "TRIM_HORIZON" if self._begun else "LATEST"}

    def _read(self, shard: _Shard) -> list[LevelChange]:
        try:
            shard.iterator = shard.iterator or self._iterator(shard)
            answer = self._kinesis().get_records(ShardIterator=shard.iterator, Limit=1000)
        except (ClientError, BotoCoreError) as error:
            self._failed(shard, error)
            return []
        self._has_read, shard.failures, shard.trouble = True, 0, None
        shard.behind = answer.get("MillisBehindLatest", 0) / 1000
        shard.read_up_to = self.now() - timedelta(seconds=shard.behind)
        self._advance(shard, answer)
        return list(self._admitted(record["Data"] for record in answer["Records"]))

    def _iterator(self, shard: _Shard) -> str:
        asked = shard.position()
        if asked["ShardIteratorType"] == "LATEST":
            shard.latest_at = shard.read_up_to = self.now()
        begin = partial(self._kinesis().get_shard_iterator, StreamName=self.stream, ShardId=shard.shard_id)
        answer = unless_refused(lambda: begin(**asked), {"InvalidArgumentException"})
        if answer is None:  # our position has been trimmed: continue with the oldest record
            answer = begin(ShardIteratorType="TRIM_HORIZON")
        return answer["ShardIterator"]

    def _advance(self, shard: _Shard, answer: Any) -> None:  # noqa: ANN401 - the stubs' answer lacks what AWS leaves out
        records = answer["Records"]
        if records:
            shard.last_sequence = records[-1]["SequenceNumber"]
        shard.iterator = answer.get("NextShardIterator")
        shard.due = self.monotonic() + (READ_AGAIN_SECONDS if records or shard.behind else IDLE_SECONDS)
        if shard.iterator is None:
            self._finish(shard)

    def _finish(self, shard: _Shard) -> None:
        """The shard has been read to its end, so its children are listed at once."""
        shard.finished, shard.behind = True, 0.0
        self._list_due = self.monotonic()

    def _admitted(self, data: Iterable[bytes]) -> Iterable[LevelChange]:
        for one in data:
            try:
                change = LevelChange.parse(one)
            except MalformedChange:
                self.state = replace(self.state, malformed=self.state.malformed + 1)
                continue
            if self._versions.admits(change):
                yield change

    def _failed(self, shard: _Shard, error: ClientError | BotoCoreError) -> None:
        code = code_of(error) if isinstance(error, ClientError) else ""
        if code == "ExpiredIteratorException":
            shard.iterator, shard.due = None, self.monotonic() + READ_AGAIN_SECONDS
            return
        if code == "ResourceNotFoundException" and "hard" in str(error):  # the shard is gone, not the stream
            self._finish(shard)
            return
        shard.failures += 1
        shard.due = self.monotonic() + self._backoff(shard.failures)
        # A reader that keeps up is not "reconnecting" after one or two throttles.
        if not isinstance(translated(error), Busy) or shard.failures > 2:
            shard.trouble = self._trouble(error)
            if shard.trouble[0] is Condition.WAITING_FOR_CREDENTIALS and not self._has_read:
                raise error  # it never worked: fail instead of waiting

    def _trouble(self, error: ClientError | BotoCoreError) -> tuple[Condition, str]:
        if isinstance(translated(error), CredentialsError):
            self._client = None
            return Condition.WAITING_FOR_CREDENTIALS, _reason(error)
        return Condition.RECONNECTING, _reason(error)

    def _backoff(self, failures: int) -> float:
        return self.uniform(0.0, min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(failures, 10)))

    def _settle(self) -> None:
        """Sets `state` to that of the worst shard, or of the listing."""
        reading = [shard for shard in self._shards.values() if not shard.finished]
        troubles = [trouble for trouble in (self._list_trouble, *(shard.trouble for shard in reading)) if trouble]
        behind = max((shard.behind for shard in reading), default=0.0)
        waiting = [trouble for trouble in troubles if trouble[0] is Condition.WAITING_FOR_CREDENTIALS]
        if troubles:
            condition, reason = (waiting or troubles)[0]
        else:
            condition, reason = (Condition.BEHIND if behind > BEHIND_SECONDS else Condition.LIVE), ""
        self.state = replace(self.state, condition=condition, behind=behind, reason=reason)

    def _kinesis(self) -> KinesisClient:
        if self._client is None:
            self._client = self.connect()
        return self._client


def _reason(error: ClientError | BotoCoreError) -> str:
    return code_of(error) if isinstance(error, ClientError) else " ".join(str(error).split())


class LevelFollower:
    """Polls a reader on its own thread; `changes` returns what has arrived, without waiting."""

    def __init__(self, reader: LevelReader) -> None:
        self._reader = reader
        self._arrived: SimpleQueue[LevelChange] = SimpleQueue()
        self._stop = threading.Event()
        self._positioned = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._follow, name="level stream", daemon=True)

    def __enter__(self) -> LevelFollower:
        """Starts, and waits up to 30 s for the iterators: with them, no later change is missed."""
        self._thread.start()
        self._positioned.wait(30)
        self._raise_failure()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()  # a daemon thread, so that a hanging call does not delay the end of the program

    @property
    def state(self) -> StreamState:
        """The state of the reading."""
        return self._reader.state

    def changes(self) -> list[LevelChange]:
        """The changes that came since the last call."""
        self._raise_failure()
        return [self._arrived.get_nowait() for _ in range(self._arrived.qsize())]

    def _follow(self) -> None:
        try:
            while not self._stop.is_set():
                for change in self._reader.poll():
                    self._arrived.put(change)
                if self._reader.is_positioned:
                    self._positioned.set()
                self._stop.wait(self._reader.pause())
        except Exception as error:  # raised again in the caller's thread
            self._failure = error
            self._positioned.set()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure
