"""Retries wait a random time between nothing and a bound that doubles, until a deadline."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from stockctl.aws.retry import Patience
from stockctl.domain.errors import Busy


@dataclass
class Time:
    """A clock that moves by what is slept."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def waits(time: Time, random: float, seconds: float = 100.0, attempts: int = 8) -> list[float]:
    """The waits before these attempts."""
    patience = Patience(seconds, 0.5, 4.0, lambda: time.now, time.sleep, lambda: random)
    for number in patience.attempts("x"):
        if number == attempts - 1:
            return time.slept
    raise AssertionError


def test_the_first_attempt_does_not_wait() -> None:
    assert waits(Time(), 1.0, attempts=1) == []


def test_the_bound_of_the_waits_doubles_up_to_a_limit() -> None:
    assert waits(Time(), 1.0) == [0.5, 1.0, 2.0, 4.0, 4.0, 4.0, 4.0]


@pytest.mark.parametrize("random", [0.0, 0.25, 0.5])
def test_each_wait_is_a_random_part_of_its_bound(random: float) -> None:
    """Without it, everybody who was refused at once comes back at once."""
    assert waits(Time(), random, attempts=5) == [random * bound for bound in (0.5, 1.0, 2.0, 4.0)]


def test_waits_differ_from_one_run_to_the_next() -> None:
    def first_wait() -> float:
        time = Time()
        for number in Patience(clock=lambda: time.now, sleep=time.sleep).attempts("x"):
            if number == 1:
                return time.slept[0]
        raise AssertionError

    assert len({first_wait() for _ in range(20)}) > 10


def test_no_wait_ends_after_the_deadline() -> None:
    """A caller that waits itself is answered in time."""
    time = Time()
    with pytest.raises(Busy, match="recording ham"):
        for _ in Patience(3.0, 0.5, 4.0, lambda: time.now, time.sleep, lambda: 1.0).attempts("recording ham"):
            pass
    assert time.slept == [0.5, 1.0]
