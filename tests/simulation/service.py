"""A stock service in a dictionary, and a clock that moves when somebody waits."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

from stockctl.domain.api import Answer
from stockctl.domain.best_before import DateReading
from stockctl.domain.delivery import DeliveryFile, Row
from stockctl.domain.errors import Busy
from stockctl.domain.stock import Level

BEGAN = 1_795_435_200.0


class FakeClock:
    """A clock that waiting moves."""

    def __init__(self) -> None:
        self.seconds = BEGAN
        self._moving = threading.Lock()

    def now(self) -> float:
        return self.seconds

    def wait(self, seconds: float) -> None:
        with self._moving:
            self.seconds += seconds


@dataclass
class FakeStock:
    """Levels by ingredient; nothing ever expires here but what arrives expired."""

    clock: FakeClock
    rows: dict[str, Level] = field(default_factory=dict)
    dropped: dict[str, list[bytes]] = field(default_factory=dict)
    transactions: dict[str, Mapping[str, int]] = field(default_factory=dict)
    discards: list[str] = field(default_factory=list)
    busy_answers: int = 0
    lost_answers: int = 0
    forgets: bool = False
    """Whether it accepts a repeated transaction anew, as it never should."""
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    def drop(self, key: str, content: bytes) -> str:
        first = key not in self.dropped
        self.dropped.setdefault(key, []).append(content)
        for row in DeliveryFile(BytesIO(content), DateReading(ZoneInfo("UTC")), self.clock.now()).rows():
            if first and isinstance(row, Row):
                self._add(row.ingredient, received=row.quantity)
        return "etag"

    def receipt(self, delivery: str) -> Mapping[str, Any] | None:
        return {"delivery": delivery} if delivery in self.dropped else None

    def use(self, transaction_id: str, items: Mapping[str, int]) -> Answer:
        with self._one_at_a_time:
            if self.busy_answers:
                self.busy_answers -= 1
                raise Busy("busy")
            if transaction_id in self.transactions and not self.forgets:
                return Answer(200, {"replayed": True})
            short = [name for name, units in items.items() if self._quantity(name) < units]
            if short:
                shortages = [{"typeId": name, "available": self._quantity(name)} for name in short]
                return Answer(409, {"code": "insufficient_stock", "shortages": shortages})
            self.transactions[transaction_id] = items
            for name, units in items.items():
                self._add(name, used=units)
            if self.lost_answers:
                self.lost_answers -= 1
                raise Busy("the answer was lost on its way")
            return Answer(201, {"replayed": False})

    def return_units(self, return_id: str, transaction_id: str) -> Answer:
        with self._one_at_a_time:
            for name, units in self.transactions[transaction_id].items():
                self._add(name, returned=units)
            return Answer(201, {"returnId": return_id})

    def discard(self, discard_id: str, ingredient: str, units: int) -> int:
        with self._one_at_a_time:
            if self._quantity(ingredient) < units:
                return 0
            self.discards.append(discard_id)
            self._add(ingredient, discarded=units)
            return units

    def levels(self) -> list[Level]:
        return list(self.rows.values())

    def _quantity(self, name: str) -> int:
        return self.rows[name].quantity if name in self.rows else 0

    def _add(self, name: str, received: int = 0, used: int = 0, returned: int = 0, discarded: int = 0) -> None:
        empty = Level(name, 0, 0, 0, 0, None, 0, 0, "", "2026-11-23T12:00:00Z")
        level = self.rows.get(name, empty)
        self.rows[name] = replace(
            level,
            quantity=level.quantity + received + returned - used - discarded,
            received=level.received + received,
            used=level.used + used,
            returned=level.returned + returned,
            discarded=level.discarded + discarded,
            version=level.version + 1,
        )
