"""Figures as people read them: grouped numbers, times near and far."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

_SPANS = ((1, 60, "s"), (60, 60, "min"), (3_600, 48, "h"), (86_400, 2 * 365, "d"))
"""Units of time in seconds, and how many of one are shown in the next: 47 hours are hours, 48 are 2 days."""


def units(value: int) -> str:
    """A number with thousands separators, such as 12,000."""
    return f"{value:,}"


def counts(count: int, noun: str) -> str:
    """A number of things: 1 batch, 3 batches, 2 ingredients, 8 deliveries."""
    plural = f"{noun}es" if noun.endswith(("ch", "x", "s")) else f"{noun}s"
    plural = f"{noun[:-1]}ies" if noun.endswith(("ry", "ty")) else plural
    return f"{units(count)} {noun if count == 1 else plural}"


def first_of(names: Sequence[str], most: int) -> str:
    """The first of many names, and how many more there are: `ham, egg, 3 more`."""
    more = [f"{units(len(names) - most)} more"] if len(names) > most else []
    return ", ".join([*names[:most], *more])


def change(value: int) -> str:
    """A change in units, with its sign: +2,000, −10."""
    return f"+{value:,}" if value > 0 else f"−{-value:,}" if value else "0"


def share(part: float | None) -> str:
    """A share from 0 to 1 as a percentage: 12%, 3.4%, - for none."""
    if part is None:
        return "-"
    return f"{part:.1%}" if 0 < part < 0.1 else f"{part:.0%}"


def relative(moment: datetime, now: datetime) -> str:
    """How far a moment is away, rounded: `in 3 d`, `in 47 h`, `2 h ago`, `now`."""
    seconds = (moment - now).total_seconds()
    far = abs(seconds)
    count, name = next(
        ((_rounded(far, span), name) for span, limit, name in _SPANS if _rounded(far, span) < limit),
        (_rounded(far, 365 * 86_400), "y"),
    )
    if not count:
        return "now"
    return f"in {count} {name}" if seconds > 0 else f"{count} {name} ago"


def is_within_a_day(moment: datetime, now: datetime) -> bool:
    """Whether a moment is past or at most 24 hours away, rounded as `relative` rounds it."""
    return _rounded((moment - now).total_seconds(), 3_600) <= 24


def _rounded(seconds: float, span: int) -> int:
    """Half a unit is rounded up."""
    return math.floor(seconds / span + 0.5)


def best_before(written: str) -> str:
    """A best-before as people read it: a date as it was written, a date and time in local time."""
    return local_iso(written) if "T" in written or " " in written else written


def local(moment: datetime) -> str:
    """A moment in local time, to the minute where that is exact: 2026-11-23 18:00."""
    shown = moment.astimezone()
    return shown.strftime("%Y-%m-%d %H:%M:%S" if shown.second else "%Y-%m-%d %H:%M")


def local_iso(written: str) -> str:
    """The same of a moment in ISO 8601."""
    return local(datetime.fromisoformat(written))
