"""Reads the Kinesis stream of level changes, across all shards, through everything that goes wrong with streams.

`LevelReader.poll` does what is due now and returns; it never sleeps, so its caller decides on threads and screens, and
tests decide on time. `LevelFollower` is that caller for the commands: it polls on a thread of its own, so that a screen
keeps refreshing while a call hangs in a dead network.

What is handled, and how:
- A shard is read at most four times a second of the five that Kinesis allows all its readers together, and less often
  when there is nothing to read.
- An iterator that expired (the machine slept for more than five minutes): reading resumes after the last sequence
  number seen, or, where none was seen, a little before the moment up to which the shard is known to have been read.
- A reshard: children begin at their start, once their parents have been read to the end.
- Throttling and lost connections: exponential backoff with full jitter, per shard.
- Expired credentials: the client is made anew on each attempt, which is when the usual AWS chain is walked again.
- Duplicates and late records: dropped by `version`, per ingredient. A malformed record is skipped and counted.
"""

from __future__ import annotations

import random as chance
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from stockctl.aws.errors import code_of, translated
from stockctl.domain.errors import Busy, CredentialsError
from stockctl.domain.level_change import LevelChange, MalformedChange, NewestVersions

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_kinesis.type_defs import ShardTypeDef

READ_AGAIN_SECONDS = 0.25
"""Between two reads of a shard that has more to give."""
IDLE_SECONDS = 0.5
"""Between two reads of a shard that has nothing new: others may read it too."""
LIST_AGAIN_SECONDS = 30.0
"""Between two listings of the shards, for reshards that no closed shard has told of."""
BEHIND_SECONDS = 3.0
"""A stream is live while it is not further behind than this."""
OVERLAP = timedelta(seconds=10)
"""How far back a shard is read again where only the time of the last read is known; versions drop what is double."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0


class Condition(StrEnum):
    """How the reading goes."""

    CONNECTING = "connecting"
    LIVE = "live"
    BEHIND = "behind"
    RECONNECTING = "reconnecting"
    WAITING_FOR_CREDENTIALS = "waiting for credentials"


@dataclass(frozen=True)
class StreamState:
    """What a screen shows of the stream: how it goes, how far behind (s), why, and what was left out so far."""

    condition: Condition = Condition.CONNECTING
    behind: float = 0.0
    reason: str = ""
    malformed: int = 0


@dataclass
class _Shard:
    """One shard, and where reading it stands.

    `latest_at` is when reading began at its tip, where it did; `read_up_to` is the moment up to which it has been read.
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
    """Yields the changes on the stream, the newest versions only.

    `connect` makes a Kinesis client; it is called again after trouble with credentials. Reading begins at `since`, or
    with what is published from now on. `monotonic` counts seconds, `now` tells the time in UTC, `uniform` draws between
    two numbers.
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
        """Does what is due, and returns the changes that came, in the order of their shards.

        Raises:
            ClientError, BotoCoreError: only before the first success: no such stream, no permission, no network.
        """
        if self.monotonic() >= self._list_due:
            self._list()
        changes: list[LevelChange] = []
        for shard in [shard for shard in self._shards.values() if self._is_readable(shard)]:
            if self.monotonic() >= shard.due:
                changes += self._read(shard)
        self._settle()
        return changes

    def pause(self) -> float:
        """How long (s) nothing will be due."""
        due = [shard.due for shard in self._shards.values() if self._is_readable(shard)]
        return max(0.0, min([self._list_due, *due]) - self.monotonic())

    @property
    def is_positioned(self) -> bool:
        """Whether every shard that can be read has its place, so that no later change can be missed."""
        readable = [shard for shard in self._shards.values() if self._is_readable(shard)]
        return self._begun and all(shard.iterator is not None for shard in readable)

    def _is_readable(self, shard: _Shard) -> bool:
        """A child waits for its parents; a parent that is not listed any more has been trimmed away."""
        if shard.finished:
            return False
        return all(parent not in self._shards or self._shards[parent].finished for parent in shard.parents)

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
        try:
            answer = self._kinesis().get_shard_iterator(StreamName=self.stream, ShardId=shard.shard_id, **asked)
        except ClientError as error:
            if code_of(error) != "InvalidArgumentException":
                raise
            # The place we were at has been trimmed away: go on with the oldest record that is left.
            oldest = {"ShardIteratorType": "TRIM_HORIZON"}
            answer = self._kinesis().get_shard_iterator(StreamName=self.stream, ShardId=shard.shard_id, **oldest)  # type: ignore[arg-type]
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
        """The shard has been read to its end; its children are listed at once."""
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
        # A reader that keeps up is not "reconnecting" for being throttled once or twice.
        if not isinstance(translated(error), Busy) or shard.failures > 2:
            shard.trouble = self._trouble(error)
            if shard.trouble[0] is Condition.WAITING_FOR_CREDENTIALS and not self._has_read:
                raise error  # it never worked: that is an error of this command, not something to wait for

    def _trouble(self, error: ClientError | BotoCoreError) -> tuple[Condition, str]:
        if isinstance(translated(error), CredentialsError):
            self._client = None
            return Condition.WAITING_FOR_CREDENTIALS, _reason(error)
        return Condition.RECONNECTING, _reason(error)

    def _backoff(self, failures: int) -> float:
        return self.uniform(0.0, min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(failures, 10)))

    def _settle(self) -> None:
        """What the reading looks like now, the worst of its parts first."""
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
    """Polls a reader on a thread of its own; `changes` hands over what has come, without waiting for more."""

    def __init__(self, reader: LevelReader) -> None:
        self._reader = reader
        self._arrived: SimpleQueue[LevelChange] = SimpleQueue()
        self._stop = threading.Event()
        self._positioned = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._follow, name="level stream", daemon=True)

    def __enter__(self) -> LevelFollower:
        """Starts, and waits until the reader has its place: what changes from now on will be seen."""
        self._thread.start()
        self._positioned.wait(30)
        self._raise_failure()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()  # the thread is a daemon: a call that hangs does not hold up the end of the program

    @property
    def state(self) -> StreamState:
        """How the reading goes."""
        return self._reader.state

    def changes(self) -> list[LevelChange]:
        """The changes that came since the last call."""
        self._raise_failure()
        taken: list[LevelChange] = []
        while True:
            try:
                taken.append(self._arrived.get_nowait())
            except Empty:
                return taken

    def _follow(self) -> None:
        try:
            while not self._stop.is_set():
                for change in self._reader.poll():
                    self._arrived.put(change)
                if self._reader.is_positioned:
                    self._positioned.set()
                self._stop.wait(self._reader.pause())
        except Exception as error:  # it is raised again, in the thread that can show it
            self._failure = error
            self._positioned.set()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure
