"""What an inspection found: each part, whether it is as it should be, and how to fix it if not."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One part that was inspected. `is_ok` is None if it could not be measured."""

    what: str
    is_ok: bool | None
    found: str
    fix: str = ""

    @property
    def advice(self) -> str:
        """How to fix it; nothing if there is nothing to fix."""
        return self.fix if self.is_ok is False else ""
