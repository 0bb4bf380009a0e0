"""What an inspection found: each thing looked at, whether it is as it should be, and how to mend it if not."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    what: str
    is_ok: bool
    found: str
    mend: str = ""

    @property
    def advice(self) -> str:
        """How to mend it; nothing where there is nothing to mend."""
        return "" if self.is_ok else self.mend

    def document(self) -> dict[str, str | bool]:
        """The finding as JSON has it."""
        return {"what": self.what, "ok": self.is_ok, "found": self.found, "mend": self.advice}
