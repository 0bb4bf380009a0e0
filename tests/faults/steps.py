"""Running an operation one AWS call at a time, without threads.

An operation's state between two calls is determined by the answers it has had so far. So an operation is stepped by
running it from its beginning with those answers played back, letting one more call through, and stopping it at the
next. This is cheap, it can be done from any earlier point again, and it never depends on a scheduler's timing. What an
operation does after the same answers is remembered, so that each history is played back once.

Reading the clock counts as a call, so that time can pass between any two of an operation's calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from itertools import count
from typing import Any, Protocol

from botocore.exceptions import ReadTimeoutError

from stockctl.aws.retry import Patience
from tests.faults.cloud_engine import Body, SmallCloud
from tests.faults.table_engine import Paginator, client_error


class Fate(Enum):
    """What becomes of one call."""

    ANSWERED = "answered"
    LOST = "done, but the answer was lost"
    UNDONE = "not done, and the answer was lost"
    REFUSED = "refused: another transaction was at the same rows, or throttled"


@dataclass(frozen=True)
class Answer:
    """What a call returned or raised; `number` is the same for histories with the same answers."""

    call: str
    value: Any
    error: Exception | None
    number: int


@dataclass(frozen=True)
class Call:
    """A call that an operation is about to make; `do` makes it against the cloud as it is then."""

    name: str
    do: Callable[[], Any]


@dataclass(frozen=True)
class Stepped:
    """An operation after a step: its history, the call it is about to make, or its result or error once it has ended.

    An operation that has not begun has no history and no call.
    """

    history: tuple[Answer, ...]
    has_ended: bool = False
    result: object = None
    error: Exception | None = None
    call: Call | None = None

    @property
    def identity(self) -> object:
        """Equal for operations that will do the same from here on."""
        if self.has_ended:
            return repr(self.result), repr(self.error)
        return self.history[-1].number if self.history else 0


class Cloud(Protocol):
    """Where operations run: clients, a clock (s since the epoch) and how long to go on trying."""

    dynamodb: Any
    s3: Any
    kinesis: Any
    patience: Patience

    def clock(self) -> float: ...


Operation = Callable[[Cloud], object]
"""An operation on a cloud, wherever its calls go."""


class _Paused(BaseException):
    """The operation has come to its next call."""

    def __init__(self, call: Call) -> None:
        super().__init__(call.name)
        self.call = call


_numbers: dict[object, int] = {}
_fresh = count(1)


def _number(earlier: int, call: str, value: object, error: Exception | None) -> int:
    what = (earlier, call, repr(value), repr(error), repr(getattr(error, "response", None)))
    if what not in _numbers:
        _numbers[what] = next(_fresh)
    return _numbers[what]


@dataclass
class Stepping:
    """The cloud as an operation sees it while it is being stepped: clients, clock and patience."""

    cloud: SmallCloud
    history: tuple[Answer, ...] = ()
    clock_is_a_step: bool = True
    attempts: int = 4
    patience: Patience = field(init=False)
    dynamodb: Any = field(init=False)
    s3: Any = field(init=False)
    kinesis: Any = field(init=False)

    def __post_init__(self) -> None:
        self.played = 0
        self.slept = 0.0
        self.patience = Patience(self.attempts - 0.5, 1.0, 1.0, lambda: self.slept, self._sleep, lambda: 1.0)
        self.dynamodb = _Client(self, self.cloud.dynamodb)
        self.s3 = _Bucket(self, self.cloud.s3)
        self.kinesis = _Client(self, self.cloud.kinesis)

    def clock(self) -> float:
        if not self.clock_is_a_step:
            return self.cloud.clock()
        return float(self.call("clock", self.cloud.clock))

    def call(self, name: str, do: Callable[[], Any]) -> Any:
        """Plays an answer back, or stops the operation where there is none yet."""
        if self.played == len(self.history):
            raise _Paused(Call(name, do))
        answer = self.history[self.played]
        self.played += 1
        if answer.error is not None:
            raise answer.error.with_traceback(None)
        return answer.value

    def _sleep(self, seconds: float) -> None:
        self.slept += seconds


def refusal(call: str) -> Exception:
    """The error of a call that changed nothing because of others or for want of capacity."""
    if call == "transact_write_items":
        reasons = [{"Code": "TransactionConflict"}, {"Code": "None"}]
        return client_error("TransactWriteItems", "TransactionCanceledException", CancellationReasons=reasons)
    return client_error(call, "ProvisionedThroughputExceededException")


class _Client:
    """A client whose calls go by way of a `Stepping`."""

    def __init__(self, stepping: Stepping, engine: Any) -> None:
        self.stepping = stepping
        self.engine = engine

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        do = getattr(self.engine, operation)
        return lambda **request: self.stepping.call(operation, lambda: do(**request))

    def get_paginator(self, operation: str) -> Any:
        return _Pages(self, operation)


class _Pages(Paginator):
    """Each page is a call of its own, made when it is asked for."""


class _Bucket(_Client):
    def get_object(self, **request: Any) -> Mapping[str, Any]:
        answer = self.stepping.call("get_object", lambda: self.engine.get_object(**request))
        return {**answer, "Body": Body(answer["Body"])}


class Steps:
    """Steps one operation on one cloud, from wherever it stands."""

    def __init__(self, operation: Operation, cloud: SmallCloud, *, clock_is_a_step: bool = True) -> None:
        self._operation = operation
        self._cloud = cloud
        self._clock_is_a_step = clock_is_a_step
        self._known: dict[int, Stepped] = {}

    def step(self, before: Stepped, fate: Fate = Fate.ANSWERED) -> Stepped:
        """Lets the operation's next call through, against the cloud as it is now, and runs on to the call after it."""
        call = before.call or self._after(()).call
        if call is None:
            raise ValueError("an operation that has ended, or makes no call, has no next step")
        return self._after((*before.history, _let_through(call, fate, before.history)))

    def _after(self, history: tuple[Answer, ...]) -> Stepped:
        number = history[-1].number if history else 0
        if number not in self._known:
            self._known[number] = self._replayed(history)
        return self._known[number]

    def _replayed(self, history: tuple[Answer, ...]) -> Stepped:
        stepping = Stepping(self._cloud, history, self._clock_is_a_step)
        try:
            result = self._operation(stepping)
        except _Paused as paused:
            return Stepped(history, call=paused.call)
        except Exception as error:  # an operation may end by raising, and the caller judges that
            return Stepped(history, has_ended=True, error=error)
        return Stepped(history, has_ended=True, result=result)


def _let_through(call: Call, fate: Fate, history: tuple[Answer, ...]) -> Answer:
    value: Any = None
    error: Exception | None = None
    try:
        if fate is Fate.REFUSED:
            raise refusal(call.name)
        if fate is not Fate.UNDONE:
            value = call.do()
    except Exception as raised:  # the call's answer, whatever it is, goes to the operation
        error = raised
    if fate in {Fate.LOST, Fate.UNDONE}:
        value, error = None, ReadTimeoutError(endpoint_url="http://127.0.0.1")
    earlier = history[-1].number if history else 0
    return Answer(call.name, value, error, _number(earlier, call.name, value, error))


class _Straight(Stepping):
    """Lets every call through."""

    def call(self, name: str, do: Callable[[], Any]) -> Any:
        del name
        return do()


def to_its_end(operation: Operation, cloud: SmallCloud) -> Stepped:
    """Runs an operation alone."""
    try:
        return Stepped((), has_ended=True, result=operation(_Straight(cloud)))
    except Exception as error:  # as in `Steps`
        return Stepped((), has_ended=True, error=error)


def calls_of(operation: Operation, cloud: SmallCloud) -> int:
    """How many calls the operation makes alone, reading the clock not counted."""
    steps, state = Steps(operation, cloud), Stepped(())
    while not state.has_ended:
        state = steps.step(state)
    return sum(answer.call != "clock" for answer in state.history)
