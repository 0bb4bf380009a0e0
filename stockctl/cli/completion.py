"""Ingredient names for TAB: from a file that other commands keep, so that completion asks no network, loads no boto3.

`stock`, `ingest` and every other command that lists ingredients write the names down; completion reads them. It is
silent on failure: a key press is no place for an error.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

import platformdirs
import typer

MAX_NAMES = 5_000


def complete_ingredients(context: typer.Context, incomplete: str) -> list[str]:
    """The ingredients that begin like this."""
    return [name for name in _remembered(context) if name.startswith(incomplete.casefold())]


def complete_items(context: typer.Context, incomplete: str) -> list[str]:
    """The same with the equals sign that `use` wants after them."""
    return [f"{name}=" for name in _remembered(context) if name.startswith(incomplete.casefold())]


def remember_ingredients(stack: str, names: Iterable[str]) -> None:
    """Writes the names of a stack's ingredients down for the next TAB."""
    path = _path(stack)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{name}\n" for name in sorted(names)[:MAX_NAMES]), encoding="utf-8")


def _remembered(context: typer.Context) -> list[str]:
    stack = context.params.get("stack") or os.environ.get("STOCKCTL_STACK") or "stockctl"
    try:
        return _path(stack).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []


def _path(stack: str) -> Path:
    home = os.environ.get("STOCKCTL_HOME")
    folder = Path(home) / "cache" if home else platformdirs.user_cache_path("stockctl")
    return folder / f"ingredients-{stack}.txt"
