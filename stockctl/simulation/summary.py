"""The figures of a simulation, and the check that they add up."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from stockctl.domain.level_point import Point
from stockctl.domain.report import waste_share
from stockctl.domain.stock import Level
from stockctl.simulation.service import Tally

COUNTERS = ("received", "used", "expired", "discarded", "returned")


@dataclass(frozen=True)
class Summary:
    """What a run did: orders, then units.

    `refused_for` has the number of refused orders that lacked each ingredient. `carried_over` is what was on hand
    before the run. `faults` say why the figures do not add up; there are none when they do.
    """

    served: int
    refused: int
    refused_for: Mapping[str, int]
    carried_over: int
    received: int
    used: int
    expired: int
    on_hand: int
    discarded: int = 0
    returned: int = 0
    faults: tuple[str, ...] = ()

    @property
    def adds_up(self) -> bool:
        """Whether the units of the run balance and no fault was found."""
        had = self.carried_over + self.received + self.returned
        return not self.faults and had == self.on_hand + self.used + self.expired + self.discarded

    @property
    def waste(self) -> float:
        """What expired or was discarded, as a share of all that left stock for good, from 0 to 1."""
        return waste_share(self.expired + self.discarded, self.used, self.returned) or 0.0

    def equation(self, equals: str = "=") -> str:
        """Where all units came from, and where they are."""
        before = f"{self.carried_over:,} before + " if self.carried_over else ""
        returned = f" + {self.returned:,} returned" if self.returned else ""
        gone = f"{self.used:,} used + {self.expired:,} expired"
        discarded = f" + {self.discarded:,} discarded" if self.discarded else ""
        return f"{before}{self.received:,} received{returned} {equals} {self.on_hand:,} on hand + {gone}{discarded}"

    def document(self) -> dict[str, Any]:
        """The figures by name, without the faults."""
        figures = {name: value for name, value in asdict(self).items() if name != "faults"}
        return {**figures, "refused_for": dict(self.refused_for), "adds_up": self.adds_up}


def summary_of(before: Iterable[Level], after: Iterable[Level], tally: Tally) -> Summary:
    """Compares the levels before and after a run with each other and with the run's own counts."""
    start = {level.ingredient: level for level in before}
    end = {level.ingredient: level for level in after}
    return Summary(
        served=tally.served,
        refused=tally.refused,
        refused_for=tally.refused_for,
        faults=tuple(_faults(start, end, tally)),
        **moved(start.values(), end.values()),
    )


def moved(before: Collection[Level | Point], after: Collection[Level | Point]) -> dict[str, int]:
    """The units of a summary: on hand before and after a run, and by how much each counter has grown."""
    grown = {name: _total(after, name) - _total(before, name) for name in COUNTERS}
    return {**grown, "carried_over": _total(before, "quantity"), "on_hand": _total(after, "quantity")}


def _total(levels: Collection[Level | Point], name: str) -> int:
    return sum(getattr(level, name) for level in levels)


def _faults(start: Mapping[str, Level], end: Mapping[str, Level], tally: Tally) -> list[str]:
    faults = [f"the level of {name} does not add up" for name, level in end.items() if not level.adds_up]
    for name in sorted({*end, *tally.used}):
        used = (end[name].used if name in end else 0) - (start[name].used if name in start else 0)
        counted = tally.used.get(name, 0)
        if used != counted:
            faults.append(f"{used:,} of {name} were used, but this simulation took {counted:,}")
    return faults + tally.contradictions
