"""Moments on the command line: times, and durations before now."""

from __future__ import annotations

from datetime import datetime

from stockctl.domain.errors import UsageError
from stockctl.domain.instants import moment_of
from stockctl.terminal.durations import duration_of


def moment_given(text: str, option: str, now: datetime) -> datetime:
    """The moment that an option names: `2026-12-31T18:00`, or `7d` for seven days before now.

    Raises:
        UsageError: it is neither.
    """
    try:
        return moment_of(text)
    except ValueError:
        pass
    try:
        return now - duration_of(text, option)
    except UsageError as error:
        raise UsageError(
            f"{option} is {text!r}, which is neither a time nor a duration before now",
            f"{error.hint} Write a time like 2026-12-31 or 2026-12-31T18:00.",
        ) from error


def past_moment(text: str, option: str, now: datetime) -> datetime:
    """The same for a moment that has passed.

    Raises:
        UsageError: it has not.
    """
    moment = moment_given(text, option, now)
    if moment > now:
        raise UsageError(f"{option} is in the future: {text}", "Name a time that has passed: 2h is two hours ago.")
    return moment
