"""Instants and best-before dates: between text and seconds since the epoch."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from stockctl.domain.rejection import Unusable

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
NEVER = 253_402_300_799
"""When what does not expire expires (s since the epoch): the last second that a date can name. Later than any other."""

_LONGEST = len("2026-12-31T18:00:00.123456789+01:00:00")


def iso(instant: float) -> str:
    """An instant (s since the epoch) as ISO 8601 in UTC, to the millisecond."""
    return datetime.fromtimestamp(instant, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def iso_seconds(instant: int) -> str:
    """An instant (s since the epoch) as ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(instant, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def moment_of(written: str) -> datetime:
    """A date, or a date and time, as a moment; without an offset it is in local time.

    Raises:
        ValueError: it is neither.
    """
    return datetime.fromisoformat(written).astimezone()


def time_zone(name: str) -> ZoneInfo:
    """The IANA time zone with this name.

    Raises:
        ValueError: there is none.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is not a known time zone; use an IANA name such as Europe/London") from error


def expiry_of(best_before: str, zone: ZoneInfo) -> int:
    """When stock with this best-before expires (s since the epoch).

    A date is good through the end of that day in `zone`; a date and time with an offset is exact, and rounded down to
    the second, because the time to live of a row has no finer unit.

    Raises:
        Unusable: it is neither.
    """
    try:
        if _DATE.fullmatch(best_before):
            return _end_of(date.fromisoformat(best_before), zone)
        moment = datetime.fromisoformat(best_before)
        if moment.tzinfo is None or not len("2026-11-23") < len(best_before) <= _LONGEST:
            raise ValueError("a time needs an offset, and no more digits than a clock has")
        return int(moment.astimezone(UTC).timestamp() // 1)  # beyond year 9999 in UTC it cannot be written there
    except (ValueError, OverflowError) as error:
        raise Unusable(
            "is not a date", "write it as in 2026-12-31, or a date and time as in 2026-12-31T18:00:00+01:00"
        ) from error


def _end_of(day: date, zone: ZoneInfo) -> int:
    following = day + timedelta(days=1)
    return int(datetime(following.year, following.month, following.day, tzinfo=zone).timestamp())
