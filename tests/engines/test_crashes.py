"""A crash at any call of any operation loses nothing on AWS's own engine either."""

from __future__ import annotations

import pytest

from tests.engines.clouds import EngineCloud
from tests.faults.crash_cases import WITHOUT_HISTORY
from tests.faults.crashes import Case, Crash, crashed_at_each_call

ALWAYS = {"use", "reconcile", "discard"}
"""The others are tried with CI=true and with --long."""


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, marks=[] if case.name in ALWAYS else pytest.mark.ci) for case in WITHOUT_HISTORY],
    ids=lambda case: case.name,
)
def test_a_crash_at_any_call_changes_nothing_in_the_end(case: Case, local_cloud: EngineCloud) -> None:
    """Each call, before and after, as a death, a timeout, a broken connection and a refusal."""
    assert len(list(crashed_at_each_call(case, local_cloud))) >= len(Crash)
