"""How a deployment is told: a line for each step, with the time it has taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

if TYPE_CHECKING:
    from stockctl.terminal.environment import Environment

STYLES = {"COMPLETE": "green", "FAILED": "bold red", "IN_PROGRESS": "dim"}


def tell_step(environment: Environment, elapsed: float, what: str, status: str) -> None:
    """One step on stderr: `elapsed` seconds, what it concerns, and a status as CloudFormation words it."""
    if environment.quiet:
        return
    ending = next((ending for ending in STYLES if status.endswith(ending)), "")
    line = Text.assemble(
        f"{elapsed:6.1f} s  ", (status.lower().replace("_", " ").ljust(20), STYLES.get(ending, "")), f"  {what}"
    )
    environment.notices().print(line, soft_wrap=True)
