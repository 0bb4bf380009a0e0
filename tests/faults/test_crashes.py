"""A crash at any call of any operation loses nothing: the event comes again, and the end is as if nothing had been."""

from __future__ import annotations

import pytest

from tests.engines.clouds import ProcessCloud
from tests.faults.crash_cases import CASES
from tests.faults.crashes import Case, Crash, crashed_at_each_call, pairs


def named(case: Case) -> str:
    return case.name


@pytest.mark.parametrize("case", CASES, ids=named)
def test_a_crash_at_any_call_changes_nothing_in_the_end(case: Case) -> None:
    """Each call, before and after, as a death, a time-out, a broken connection and a refusal."""
    assert len(list(crashed_at_each_call(case, ProcessCloud()))) >= len(Crash)


@pytest.mark.ci
@pytest.mark.parametrize("case", pairs(CASES), ids=named)
def test_a_crash_at_any_call_changes_nothing_when_another_operation_comes_between(case: Case) -> None:
    """The crashed operation's event comes again only after another operation; both, and the first, then run."""
    assert len(list(crashed_at_each_call(case, ProcessCloud()))) >= len(Crash)
