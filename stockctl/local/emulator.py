"""Replaces functions of MiniStack, the emulator behind the embedded cloud.

Its internals are not a published interface, so `pyproject.toml` pins one release exactly, and each replacement states
the signature it was written for. Where a name is missing or its signature differs, the emulator keeps its own function.
"""

from __future__ import annotations

import importlib
import inspect
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

Function = Callable[..., Any]

logger = logging.getLogger("stockctl.local")


@dataclass(frozen=True)
class Replacement:
    """One function of the emulator, the names of its parameters, and what makes the new function from the old one."""

    module: str
    name: str
    parameters: tuple[str, ...]
    wrap: Callable[[Function], Function]

    def apply(self) -> bool:
        """Replaces the function; False where this release has another one."""
        try:
            module = importlib.import_module(self.module)
            original = getattr(module, self.name)
            found = tuple(inspect.signature(original).parameters)
        except (ImportError, AttributeError, TypeError, ValueError):
            return False
        if found != self.parameters:
            return False
        setattr(module, self.name, self.wrap(original))
        return True

    def __str__(self) -> str:
        return f"{self.module}.{self.name}({', '.join(self.parameters)})"


def replace(replacements: Iterable[Replacement]) -> list[Replacement]:
    """Applies the replacements that fit; logs and returns the others."""
    misfits = [each for each in replacements if not each.apply()]
    if misfits:
        logger.warning("this release of MiniStack lacks: %s", "; ".join(map(str, misfits)))
    return misfits
