"""The effective settings of a command: their values, and where each was set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stockctl.terminal.output import OutputFormat

DEFAULT_STACK = "stockctl"
SIMULATION_STACK = "stockctl-simulation"
"""Where `simulate` runs unless a stack is named, so that its leftovers are nobody else's stock."""
LOCAL, AWS = "local", "aws"


@dataclass(frozen=True)
class Setting:
    """A value, and where it was set: an option, an environment variable, a file, or `default`."""

    value: Any
    source: str


Layer = Mapping[str, Setting]


@dataclass(frozen=True)
class Settings:
    """The shared options of one command. `sources` has what was set by name; `target` stands there for `local`."""

    stack: str = DEFAULT_STACK
    kitchen: str | None = None
    local: bool = True
    profile: str | None = None
    region: str | None = None
    endpoint_url: str | None = None
    output: OutputFormat | None = None
    quiet: bool = False
    verbose: bool = False
    debug: bool = False
    sources: Layer = field(default_factory=dict)

    def is_option(self, name: str) -> bool:
        """Whether a setting was given on the command line."""
        return name in self.sources and self.sources[name].source.startswith("--")
