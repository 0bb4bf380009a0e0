"""Runs checks and measurements one by one, and turns what they raise into results."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from stockctl.aws.errors import EXPECTED, explained
from stockctl.domain.errors import CredentialsError
from stockctl.selftest.checks import AFTER, BEFORE, Check
from stockctl.selftest.measurements import MEASUREMENTS
from stockctl.selftest.results import Result, Wrong

if TYPE_CHECKING:
    from stockctl.selftest.stand import Stand

Step = tuple[str, Callable[[], list[Result]]]


def steps(stand: Stand) -> Iterator[Step]:
    """What to run, in order: a name, and a call that returns the results."""
    for check in BEFORE:
        yield _of_check(stand, check)
    for name, measure in MEASUREMENTS:
        yield name, lambda name=name, measure=measure: _judged(name, lambda: measure(stand))  # type: ignore[misc]
    for check in AFTER:
        yield _of_check(stand, check)


def _of_check(stand: Stand, check: Check) -> Step:
    name, run = check
    return name, lambda: _judged(name, lambda: [Result(name, True, run(stand))])


def _judged(name: str, run: Callable[[], list[Result]]) -> list[Result]:
    try:
        return run()
    except Wrong as wrong:
        return [Result(name, False, str(wrong))]
    except EXPECTED as error:
        known = explained(error)
        may_not = isinstance(known, CredentialsError)
        return [Result(name, None if may_not else False, known.message)]
