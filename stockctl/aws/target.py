"""Which cloud and which stack a command talks to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """One stack in one place. `local` is the embedded cloud; credentials left out come from the usual AWS chain."""

    stack: str
    local: bool = False
    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = None

    def describe(self) -> str:
        """The target in one line, as every command reports it."""
        where = f"local ({self.endpoint_url})" if self.local else f"AWS {self.region or ''}".strip()
        if self.endpoint_url and not self.local:
            where += f" via {self.endpoint_url}"
        return f"stack {self.stack} on {where}"

    @property
    def options(self) -> str:
        """The options that lead a command here."""
        named = {"--profile": self.profile, "--region": self.region, "--endpoint-url": self.endpoint_url}
        place = ["--local"] if self.local else ["--aws", *(f"{name} {value}" for name, value in named.items() if value)]
        return " ".join([*place, f"--stack {self.stack}"])
