"""Durations as people write them: `90s`, `5m`, `1h30m`, `2d`; or up to the end of `today` or `tomorrow`."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo

from stockctl.domain.errors import UsageError

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_PART = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*(ms|[smhdw])", re.ASCII)
_WHOLE = re.compile(rf"(?:{_PART.pattern}\s*)+", re.ASCII)
_DAYS = {"today": 1, "tomorrow": 2}
"""Midnights until the end of a day that has a name."""
_HINT = "Write it like 90s, 5m, 1h30m or 2d."


def duration_of(text: str, option: str = "the duration") -> timedelta:
    """Parses a duration; `option` names it in the error.

    Raises:
        UsageError: it is not a duration, or it is zero or longer than ten years.
    """
    written = text.strip().casefold()
    if not _WHOLE.fullmatch(written):
        fix = f" A number needs its unit: did you mean {written}s or {written}m?" if written.isdigit() else ""
        raise UsageError(f"{option} is {text!r}, which is not a duration", _HINT + fix)
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(written))
    if not 0 < seconds <= 10 * 366 * 86400:
        raise UsageError(f"{option} is {text!r}; it must be longer than 0 and at most 10 years", _HINT)
    return timedelta(seconds=seconds)


def end_of(text: str, option: str, now: datetime, zone: Callable[[], tzinfo]) -> datetime:
    """The end of a time that begins now: of a duration, or of `today` or `tomorrow` in a time zone.

    Raises:
        UsageError: it is none of these.
    """
    midnights = _DAYS.get(text.strip().casefold())
    if midnights is not None:
        there = now.astimezone(zone())
        return there.replace(hour=0, minute=0, second=0, microsecond=0, fold=0) + timedelta(days=midnights)
    try:
        return now + duration_of(text, option)
    except UsageError as error:
        raise UsageError(error.message, f"{error.hint} `today` and `tomorrow` work, too.") from error


def short(seconds: float) -> str:
    """A duration in at most two units: `2 min 05 s`, `3 h 20 min`, `4 d 2 h`, `9 y 40 d`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02} min"
    if whole < 365 * 86400:
        return f"{whole // 86400} d {whole % 86400 // 3600} h"
    return f"{whole // (365 * 86400)} y {whole // 86400 % 365} d"
