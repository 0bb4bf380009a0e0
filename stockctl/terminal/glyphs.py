"""The characters of screens, with ASCII replacements."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import dataclass

from stockctl.terminal.control_characters import printable


@dataclass(frozen=True)
class Glyphs:
    """One character each. `plain` says that nothing but ASCII may be shown."""

    plain: bool
    live: str
    behind: str
    trouble: str
    paused: str
    chosen: str
    minus: str
    dot: str
    dash: str
    ellipsis: str
    yes: str
    no: str
    rule: str
    times: str

    def shown(self, text: str) -> str:
        """Text from data, as this terminal can show it: no control characters, and where need be ASCII alone."""
        return printable(text).encode("ascii", "replace").decode() if self.plain else printable(text)


FINE = Glyphs(False, "●", "◐", "↻", "‖", "▸", "\N{MINUS SIGN}", "·", "—", "…", "✓", "✗", "─", "\N{MULTIPLICATION SIGN}")
ASCII = Glyphs(True, "*", "~", "!", "=", ">", "-", "|", "-", ".", "ok", "NO", "-", "x")


def glyphs_for(encoding: str, variables: Mapping[str, str]) -> Glyphs:
    """The glyphs for a stream of this encoding and these environment variables."""
    if variables.get("TERM") == "dumb" or is_ascii_locale(variables):
        return ASCII
    try:
        return FINE if codecs.lookup(encoding).name.startswith("utf") else ASCII
    except LookupError:
        return ASCII


def is_ascii_locale(variables: Mapping[str, str]) -> bool:
    """Whether the locale asks for ASCII. A missing locale, as in many containers, does not."""
    return (variables.get("LC_ALL") or variables.get("LANG") or "") in {"C", "POSIX"}
