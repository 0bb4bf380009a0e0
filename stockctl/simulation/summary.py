"""The figures at the end of a simulation, and whether they add up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from stockctl.domain.stock import Level
from stockctl.simulation.service import Tally


@dataclass(frozen=True)
class Summary:
    """Units of a whole run; `refused` and `served` count orders.

    `received` holds what was on hand before the run too (`carried_over`), for that is part of what the run had.
    `faults` say why the figures do not add up; there are none when they do.
    """

    received: int
    used: int
    refused: int
    expired: int
    on_hand: int
    served: int
    carried_over: int
    faults: tuple[str, ...] = ()

    @property
    def adds_up(self) -> bool:
        """Whether all that was received is on hand, used or expired, and used by this very run."""
        return not self.faults and self.received == self.on_hand + self.used + self.expired

    @property
    def waste(self) -> float:
        """The part of what left the stock that expired, from 0 to 1."""
        return self.expired / max(1, self.expired + self.used)

    def document(self) -> dict[str, int | bool]:
        """What `--output json` prints."""
        return {
            "received": self.received,
            "used": self.used,
            "refused": self.refused,
            "expired": self.expired,
            "on_hand": self.on_hand,
            "adds_up": self.adds_up,
            "served": self.served,
            "carried_over": self.carried_over,
        }


def summary_of(before: Iterable[Level], after: Iterable[Level], tally: Tally) -> Summary:
    """Compares the levels before and after a run with each other, and with what the run itself counted."""
    start = {level.ingredient: level for level in before}
    end = {level.ingredient: level for level in after}
    carried_over = sum(level.quantity for level in start.values())
    return Summary(
        received=carried_over + _grown(start, end, lambda level: level.received),
        used=_grown(start, end, lambda level: level.used),
        refused=tally.refused,
        expired=_grown(start, end, lambda level: level.expired),
        on_hand=sum(level.quantity for level in end.values()),
        served=tally.served,
        carried_over=carried_over,
        faults=tuple(_faults(start, end, tally)),
    )


def _grown(start: Mapping[str, Level], end: Mapping[str, Level], count: Callable[[Level], int]) -> int:
    return sum(map(count, end.values())) - sum(map(count, start.values()))


def _faults(start: Mapping[str, Level], end: Mapping[str, Level], tally: Tally) -> list[str]:
    faults = [f"the level of {name} does not add up" for name, level in end.items() if not level.adds_up]
    for name in sorted({*end, *tally.used}):
        used = (end[name].used if name in end else 0) - (start[name].used if name in start else 0)
        counted = tally.used.get(name, 0)
        if used != counted:
            faults.append(f"{used:,} of {name} were used, but this simulation was granted {counted:,}")
    return faults + tally.contradictions
