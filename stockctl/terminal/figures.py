"""Figures as people read them: grouped numbers, times near and far."""

from __future__ import annotations

from datetime import datetime

_SPANS = ((86_400 * 365, "y"), (86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def units(value: int) -> str:
    """A number of units in groups of three: 12,000."""
    return f"{value:,}"


def counts(count: int, noun: str) -> str:
    """A number of things: 1 batch, 3 batches, 2 ingredients, 8 deliveries."""
    plural = f"{noun}es" if noun.endswith(("ch", "x", "s")) else f"{noun}s"
    plural = f"{noun[:-1]}ies" if noun.endswith(("ry", "ty")) else plural
    return f"{units(count)} {noun if count == 1 else plural}"


def change(value: int) -> str:
    """A change in units, with its sign: +2,000, −10."""
    return f"+{value:,}" if value > 0 else f"−{-value:,}" if value else "0"


def relative(moment: datetime, now: datetime) -> str:
    """How far a moment is away, in its largest unit: `in 3 d`, `2 h ago`, `now`."""
    seconds = (moment - now).total_seconds()
    for span, name in _SPANS:
        count = int(abs(seconds) // span)
        if count:
            return f"in {count} {name}" if seconds > 0 else f"{count} {name} ago"
    return "now"


def best_before(written: str) -> str:
    """A best-before as people read it: a date as it was written, a date and time in local time."""
    return local(datetime.fromisoformat(written)) if "T" in written or " " in written else written


def local(moment: datetime) -> str:
    """A moment in local time, to the minute where that is exact: 2026-11-23 18:00."""
    shown = moment.astimezone()
    return shown.strftime("%Y-%m-%d %H:%M:%S" if shown.second else "%Y-%m-%d %H:%M")
