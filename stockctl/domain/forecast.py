"""Forecasts: how long stock lasts, and which units will expire unused, if usage goes on as it was.

A forecast is a function of batches and daily figures. Future deliveries are unknown. Stock is used soonest best-before
first; usage that the stock does not cover is lost, not carried over. Instants are seconds since the epoch.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import accumulate, pairwise
from statistics import fmean
from typing import Generic, TypeVar

from stockctl.domain.stock import Batch, Holding

T = TypeVar("T")

LONGEST_DAYS = 366
"""Nothing is forecast beyond this."""
DAY = timedelta(days=1)
DAYS_PER_WEEK = 7
ENOUGH_DAYS = 2
"""Fewer whole days have no spread, so the range of a forecast is a guess."""
ENOUGH_OF_A_WEEKDAY = 2
DEVIATIONS = 1.28
"""Low and high are this many standard deviations from the likely figure: 80 % of all outcomes lie between them."""


@dataclass(frozen=True)
class Estimate(Generic[T]):
    """A figure and the range around it."""

    low: T
    likely: T
    high: T


@dataclass(frozen=True)
class DailyUse:
    """Units used less units returned on one day; `part` is how much of the day was observed, above 0 and up to 1."""

    day: date
    units: int
    part: float = 1.0

    @property
    def is_whole(self) -> bool:
        """Whether the whole day was observed."""
        return self.part == 1.0


@dataclass(frozen=True)
class Pace:
    """Units used per day, for each day of the week from Monday on, learned from `days` days.

    `spread` is the standard deviation of a day from its expected units. `latest` is the day that was not over yet,
    if it was observed from midnight.
    """

    by_weekday: tuple[float, ...]
    spread: float
    days: float
    knows_weekdays: bool = False
    latest: DailyUse | None = None

    @classmethod
    def of(cls, figures: Sequence[DailyUse], least_days: float = 0.0) -> Pace:
        """The pace of these days: by weekday if each weekday is there twice, otherwise the mean.

        Days that are not whole count only if there are fewer than two that are; together they count as `least_days` at
        least, since a few minutes say little about a day.
        """
        seen_from_midnight = len(figures) > 1 and not figures[-1].is_whole
        latest = figures[-1] if seen_from_midnight else None
        return replace(cls._of_days(figures, least_days), latest=latest)

    @classmethod
    def _of_days(cls, figures: Sequence[DailyUse], least_days: float) -> Pace:
        whole = [figure for figure in figures if figure.is_whole]
        if len(whole) < ENOUGH_DAYS:
            return cls._of_few(figures, least_days)
        weekdays = [[figure.units for figure in whole if figure.day.weekday() == day] for day in range(DAYS_PER_WEEK)]
        if all(len(units) >= ENOUGH_OF_A_WEEKDAY for units in weekdays):
            means = tuple(fmean(units) for units in weekdays)
            return cls._with_spread(means, whole, knows_weekdays=True)
        return cls._with_spread((fmean(figure.units for figure in whole),) * DAYS_PER_WEEK, whole, knows_weekdays=False)

    @classmethod
    def _of_few(cls, figures: Sequence[DailyUse], least_days: float) -> Pace:
        days = sum(figure.part for figure in figures)
        rate = max(0.0, sum(figure.units for figure in figures) / max(days, least_days)) if days else 0.0
        return cls((rate,) * DAYS_PER_WEEK, rate, days)

    @classmethod
    def _with_spread(cls, means: tuple[float, ...], whole: Sequence[DailyUse], *, knows_weekdays: bool) -> Pace:
        squares = sum((figure.units - means[figure.day.weekday()]) ** 2 for figure in whole)
        freedom = len(whole) - (DAYS_PER_WEEK if knows_weekdays else 1)
        rates = tuple(max(0.0, mean) for mean in means)
        return cls(rates, math.sqrt(squares / freedom), float(len(whole)), knows_weekdays)

    @property
    def is_short(self) -> bool:
        """Whether it rests on fewer than two days."""
        return self.days < ENOUGH_DAYS

    def between(self, begin: datetime, end: datetime) -> float:
        """Units expected between two moments of one day; the second is its end.

        A kitchen does not use stock evenly over 24 hours. On the day that is not over yet, what has not been used of
        its expected units is still to come.
        """
        expected = self.by_weekday[begin.weekday()]
        part = (end - begin) / DAY
        if self.latest is None or self.latest.day != begin.date():
            return expected * part
        return max(0.0, expected - max(0, self.latest.units)) * min(1.0, part / (1 - self.latest.part))

    @property
    def per_day(self) -> Estimate[float]:
        """Units per day, averaged over a week from Monday to Sunday; the range is that of one day."""
        mean = fmean(self.by_weekday)
        margin = self.margin(1.0)
        return Estimate(max(0.0, mean - margin), mean, mean + margin)

    def margin(self, days: float) -> float:
        """How far the units used in `days` days may be from those expected.

        Chance adds up over the days; an error in the pace itself repeats every day, or every week if weekdays differ.
        """
        if not self.days:
            return 0.0
        period = DAYS_PER_WEEK if self.knows_weekdays else 1
        return DEVIATIONS * self.spread * math.sqrt(days + days * max(period, days) / self.days)


@dataclass(frozen=True)
class DemandCurve:
    """Units asked for from the first instant on, which never decrease; linear between instants."""

    instants: tuple[float, ...]
    units: tuple[float, ...]

    def by(self, instant: float) -> float:
        """Units asked for by an instant; beyond the curve, those at its end."""
        if instant <= self.instants[0]:
            return 0.0
        if instant >= self.instants[-1]:
            return self.units[-1]
        place = bisect_left(self.instants, instant)
        return self._between(instant, self.instants, self.units, place)

    def reaches(self, units: float) -> float | None:
        """When this many units will have been used; None beyond the end of the curve."""
        if units > self.units[-1]:
            return None
        place = bisect_left(self.units, units)
        return self.instants[0] if place == 0 else self._between(units, self.units, self.instants, place)

    @staticmethod
    def _between(value: float, known: Sequence[float], wanted: Sequence[float], place: int) -> float:
        part = (value - known[place - 1]) / (known[place] - known[place - 1])
        return wanted[place - 1] + part * (wanted[place] - wanted[place - 1])


def demand(pace: Pace, start: datetime, days_ahead: int = LONGEST_DAYS) -> Estimate[DemandCurve]:
    """What will be used from a moment on; its time zone says when a day begins."""
    instants, means = [start.timestamp()], [0.0]
    for begin, end in _days(start, days_ahead):
        instants.append(end.timestamp())
        means.append(means[-1] + pace.between(begin, end))
    days = [(instant - instants[0]) / DAY.total_seconds() for instant in instants]
    margins = [pace.margin(elapsed) for elapsed in days]
    return Estimate(
        DemandCurve(tuple(instants), _rising(mean - margin for mean, margin in zip(means, margins, strict=True))),
        DemandCurve(tuple(instants), tuple(means)),
        DemandCurve(tuple(instants), _rising(mean + margin for mean, margin in zip(means, margins, strict=True))),
    )


def _days(start: datetime, days_ahead: int) -> Iterator[tuple[datetime, datetime]]:
    """The days from a moment on; the first begins at that moment. Days of 23 or 25 hours count as one of 24."""
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    nights = [midnight + timedelta(days=number) for number in range(1, days_ahead + 1)]
    return pairwise([start, *nights])


def _rising(values: Iterator[float]) -> tuple[float, ...]:
    """For each value the highest so far, at least 0."""
    _, *highest = accumulate(values, max, initial=0.0)
    return tuple(highest)


@dataclass(frozen=True)
class Outlook:
    """The fate of batches: the units of each that expire unused, and when the last unit leaves (None: never)."""

    unused: tuple[float, ...]
    lasts_until: float | None


def outlook(batches: Sequence[Batch], curve: DemandCurve) -> Outlook:
    """Serves a demand from batches in the order given, soonest to expire first."""
    at, unused, last = curve.instants[0], [0.0] * len(batches), curve.instants[0]
    for place, batch in enumerate(batches):
        end = curve.reaches(curve.by(at) + batch.quantity)
        expires_at = max(at, float(batch.expires_at))
        if end is None and expires_at > curve.instants[-1]:
            return Outlook(tuple(unused), None)
        if end is None or end > expires_at:
            unused[place] = batch.quantity - (curve.by(expires_at) - curve.by(at))
            end = expires_at
        at = end
        last = at if batch.quantity else last
    return Outlook(tuple(unused), last)


@dataclass(frozen=True)
class UnusedStock:
    """Units of one batch that will expire unused."""

    batch: Batch
    units: Estimate[int]


@dataclass(frozen=True)
class Forecast:
    """The forecast of one ingredient.

    `lasts_until` has the earliest, the likely and the latest instant at which it runs out; None is beyond a year.
    `unused` are the batches that lose units within the time asked for, the soonest to expire first.
    """

    ingredient: str
    on_hand: int
    pace: Pace
    lasts_until: Estimate[float | None]
    unused: tuple[UnusedStock, ...]
    threshold: int | None = None

    @property
    def waste(self) -> Estimate[int]:
        """Units that will expire unused, of all batches together."""
        parts = [stock.units for stock in self.unused]
        return Estimate(*(sum(getattr(part, name) for part in parts) for name in ("low", "likely", "high")))

    def runs_out_by(self, instant: float) -> bool:
        """Whether it will likely have run out by then."""
        return self.lasts_until.likely is not None and self.lasts_until.likely <= instant


def forecast(holding: Holding, pace: Pace, start: datetime, days: float) -> Forecast:
    """The forecast of one ingredient from a moment on, with what expires within `days`."""
    batches = [batch for batch in holding.unspent if not batch.is_due(int(start.timestamp()))]
    curves = demand(pace, start)
    low, likely, high = (outlook(batches, curve) for curve in (curves.low, curves.likely, curves.high))
    horizon = start.timestamp() + timedelta(days=days).total_seconds()
    unused = [
        UnusedStock(batch, _ordered(round(most), round(expected), round(least)))
        for batch, most, expected, least in zip(batches, low.unused, likely.unused, high.unused, strict=True)
        if batch.expires_at <= horizon
    ]
    return Forecast(
        holding.level.ingredient,
        sum(batch.quantity for batch in batches),
        pace,
        Estimate(high.lasts_until, likely.lasts_until, low.lasts_until),
        tuple(stock for stock in unused if stock.units.high),
        holding.level.threshold,
    )


def _ordered(high: int, likely: int, low: int) -> Estimate[int]:
    return Estimate(min(low, likely), likely, max(high, likely))


def to_order(found: Forecast, start: datetime, cover_days: float) -> int:
    """Units that bring an ingredient to what is used in `cover_days`, or to its threshold if that is more.

    Units that will have expired unused by then do not count as stock.
    """
    horizon = start.timestamp() + timedelta(days=cover_days).total_seconds()
    used = math.ceil(round(demand(found.pace, start).likely.by(horizon), 1))  # 10.01 is 10: the pace moves by seconds
    lost = sum(stock.units.likely for stock in found.unused if stock.batch.expires_at <= horizon)
    return max(0, max(used, found.threshold or 0) - (found.on_hand - lost))
