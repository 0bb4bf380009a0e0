"""Corrections: the difference between a delivery as it is booked and as it should have been.

What is booked are the rows that were recorded, and what earlier corrections added and took out. So each correction
starts where the last one ended, and the rows of the corrected file are always the whole delivery.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from stockctl.domain.csv_layout import COLUMNS
from stockctl.domain.delivery import csv_named
from stockctl.domain.discard import Discard
from stockctl.domain.stock import batch_id_of

PREFIX = "correction#"
"""The record of a delivery's corrections is beside those of transactions."""

REASON = "correction"
"""The reason of what a correction discards."""

ID_LENGTH = 12

BatchName = tuple[str, str]
"""An ingredient and a best-before."""

Units = Mapping[BatchName, int]


@dataclass(frozen=True)
class Difference:
    """Units of one ingredient with one best-before: as booked, and as they should be."""

    ingredient: str
    best_before: str
    booked: int
    corrected: int

    @property
    def name(self) -> BatchName:
        return self.ingredient, self.best_before

    @property
    def change(self) -> int:
        """Units to add, or below 0 to take out."""
        return self.corrected - self.booked


@dataclass(frozen=True)
class Correction:
    """One correction of a delivery: where it stands among them, the content it corrects to, and the differences.

    `deliveries` are those that its batches may have come with: the delivery or its parts, and those of earlier
    corrections.
    """

    delivery: str
    number: int
    content: str
    differences: tuple[Difference, ...]
    deliveries: tuple[str, ...]

    @property
    def correction_id(self) -> str:
        """Names the correction. It follows from both contents and from the corrections before it."""
        booked = [[*one.name, one.booked] for one in self.differences]
        digest = hashlib.sha256(json.dumps([self.delivery, self.number, booked, self.content]).encode()).hexdigest()
        return f"correction-{digest[:ID_LENGTH]}"

    @property
    def extra_delivery(self) -> str:
        """The key of the delivery that brings what was booked too little."""
        stem, _, suffix = csv_named(self.delivery).rpartition(".")
        return f"{stem}.correction-{self.number}-{self.correction_id[-ID_LENGTH:]}.{suffix}"

    @property
    def extra_content(self) -> bytes | None:
        """The content of that delivery; None where nothing was booked too little."""
        rows = [(one.ingredient, one.change, one.best_before) for one in self.differences if one.change > 0]
        if not rows:
            return None
        content = io.StringIO()
        csv.writer(content, lineterminator="\n").writerows([COLUMNS, *rows])
        return content.getvalue().encode()

    def discards(self) -> list[tuple[Difference, Discard]]:
        """What takes out what was booked too much, as far as it is still there."""
        return [
            (one, self._discard(number, one)) for number, one in enumerate(self.differences, start=1) if one.change < 0
        ]

    def _discard(self, number: int, one: Difference) -> Discard:
        batches = tuple(batch_id_of(delivery, one.best_before) for delivery in self.deliveries)
        name = f"{self.correction_id}-{number}"
        return Discard(name, one.ingredient, -one.change, REASON, batch_ids=batches, up_to=True)


@dataclass(frozen=True)
class Corrected:
    """What a correction booked, by ingredient and best-before: units added, or below 0 taken out.

    `replayed` says that it was booked before, and nothing has changed now.
    """

    correction: Correction
    booked: Units = field(default_factory=dict)
    replayed: bool = False

    def missing(self, one: Difference) -> int:
        """Units of a difference that could not be booked: used or discarded meanwhile, or expired."""
        return abs(one.change - self.booked.get(one.name, 0))


def differences(booked: Units, corrected: Units, passed: Collection[str] = ()) -> tuple[Difference, ...]:
    """What differs between the two, by name, but for best-befores that have passed: those are left to the write-off."""
    names = (name for name in sorted({*booked, *corrected}) if name[1] not in passed)
    found = (Difference(*name, booked.get(name, 0), corrected.get(name, 0)) for name in names)
    return tuple(one for one in found if one.change)


def added(units: Units, changes: Units) -> dict[BatchName, int]:
    """The units after the changes."""
    return {name: units.get(name, 0) + changes.get(name, 0) for name in {*units, *changes}}


def content_of(corrected: Units) -> str:
    """What makes two corrected contents the same."""
    return hashlib.sha256(json.dumps(sorted(corrected.items())).encode()).hexdigest()


def total(rows: Iterable[tuple[str, str, int]]) -> dict[BatchName, int]:
    """Units by ingredient and best-before."""
    units: dict[BatchName, int] = {}
    for ingredient, best_before, quantity in rows:
        units[ingredient, best_before] = units.get((ingredient, best_before), 0) + quantity
    return units


def rows_of(units: Units) -> Sequence[tuple[str, str, int]]:
    """The inverse of `total`, without what is 0."""
    return [(*name, quantity) for name, quantity in sorted(units.items()) if quantity]
