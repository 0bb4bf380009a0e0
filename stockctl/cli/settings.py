"""The options that every command shares, as they were given."""

from __future__ import annotations

from dataclasses import dataclass

from stockctl.terminal.output import OutputFormat

DEFAULT_STACK = "stockctl"


@dataclass(frozen=True)
class Settings:
    """The shared options as they were given."""

    stack: str = DEFAULT_STACK
    profile: str | None = None
    region: str | None = None
    endpoint_url: str | None = None
    local: bool | None = None
    output: OutputFormat | None = None
    quiet: bool = False
    verbose: bool = False
    debug: bool = False
