"""What a self-test finds: checks that passed or failed, and measurements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from stockctl.domain.instants import iso


class Wrong(Exception):
    """A check failed: the message says what was expected and what was found."""


def expect(what: str, found: object, wanted: object) -> None:
    """Compares what was found with what should have been.

    Raises:
        Wrong: they differ.
    """
    if found != wanted:
        raise Wrong(f"{what}: expected {wanted!r}, found {found!r}")


@dataclass(frozen=True)
class Result:
    """One check or one measurement.

    `is_ok` is None for a measurement, and for a check that these credentials may not run. A measurement has a `value`.
    """

    what: str
    is_ok: bool | None
    found: str
    value: float | None = None
    unit: str = ""


def measured(what: str, value: float, unit: str) -> Result:
    """A measurement."""
    return Result(what, None, f"{value:,.{0 if value >= 100 else 1}f} {unit}", round(value, 3), unit)


@dataclass(frozen=True)
class SelfTest:
    """A whole run: where, when (s since the epoch), and its results."""

    stack: str
    place: str
    began: float
    seconds: float
    results: Sequence[Result] = field(default_factory=list)

    @property
    def failed(self) -> list[Result]:
        """The checks that failed."""
        return [result for result in self.results if result.is_ok is False]

    @property
    def has_passed(self) -> bool:
        """Whether no check failed."""
        return not self.failed

    def heading(self) -> dict[str, Any]:
        """The run without its results."""
        return {
            "stack": self.stack,
            "place": self.place,
            "at": iso(self.began),
            "seconds": round(self.seconds, 1),
            "ok": self.has_passed,
        }
