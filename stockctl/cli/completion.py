"""What TAB offers: names from files that other commands keep, so that completion needs no network and no boto3.

Commands that list ingredients or failures write them down for their stack; completion reads them. It is silent on
failure: a key press is no place for an error.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs
import typer

from stockctl.cli.settings import DEFAULT_STACK, SIMULATION_STACK
from stockctl.domain.errors import StockctlError

if TYPE_CHECKING:
    from stockctl.cli.configuration import Configuration

MAX_NAMES = 5_000
MAX_RECENT = 200


@dataclass(frozen=True)
class KeptNames:
    """Names of one kind, kept in a file for each stack; without that file there are none, and that is no error."""

    kind: str

    def complete(self, context: typer.Context, incomplete: str) -> list[str]:
        """The names that start with this text."""
        return [name for name in self.of(_stack(context)) if name.startswith(incomplete)]

    def of(self, stack: str) -> list[str]:
        """The names kept for a stack, in order."""
        try:
            return self.path(stack).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            return []

    def replace(self, stack: str, names: Iterable[str]) -> None:
        """Keeps these names and no others, sorted."""
        self._write(stack, sorted(names)[:MAX_NAMES])

    def add(self, stack: str, names: Iterable[str]) -> None:
        """Keeps these names before the others: the newest first."""
        self._write(stack, list(dict.fromkeys([*names, *self.of(stack)]))[:MAX_RECENT])

    def path(self, stack: str) -> Path:
        """The file with the names."""
        return _folder() / f"{self.kind}-{stack}.txt"

    def _write(self, stack: str, names: Iterable[str]) -> None:
        path = self.path(stack)
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")


INGREDIENTS = KeptNames("ingredients")
FAILURES = KeptNames("failures")
"""Ids of the failures that were listed last."""
TRANSACTIONS = KeptNames("transactions")
"""Recent ids of this machine, for TAB and for what a misspelt one may have meant: of transactions, discards, returns
and counts."""
DELIVERIES = KeptNames("deliveries")


def complete_ingredients(context: typer.Context, incomplete: str) -> list[str]:
    """The ingredients that start with this text."""
    return INGREDIENTS.complete(context, incomplete.casefold())


def complete_items(context: typer.Context, incomplete: str) -> list[str]:
    """The ingredients that start with this text, each followed by `=`."""
    return [f"{name}=" for name in complete_ingredients(context, incomplete)]


def complete_ids(context: typer.Context, incomplete: str) -> list[str]:
    """Recent ids and keys of deliveries together."""
    return [*TRANSACTIONS.complete(context, incomplete), *DELIVERIES.complete(context, incomplete)]


def complete_functions(incomplete: str) -> list[str]:
    """The functions of a stack."""
    from stockctl.client.deployment import Deployment

    return [name for name in Deployment.function_names() if name.casefold().startswith(incomplete.casefold())]


def complete_parameters(incomplete: str) -> list[str]:
    """The parameters of the template, with the equals sign that follows them."""
    from stockctl.deployment.parameters import settable_parameters

    return [f"{name}=" for name in settable_parameters() if name.casefold().startswith(incomplete.casefold())]


def complete_stacks(incomplete: str) -> list[str]:
    """The stacks of the configuration, and those that commands have used."""
    configured = _configuration()
    layers = [configured.defaults, *configured.kitchens.values()]
    named = {layer["stack"].value for layer in layers if "stack" in layer}
    used = {path.stem.partition("-")[2] for path in _folder().glob(INGREDIENTS.path("*").name)}
    return [name for name in sorted({DEFAULT_STACK, SIMULATION_STACK, *named, *used}) if name.startswith(incomplete)]


def complete_kitchens(incomplete: str) -> list[str]:
    """The kitchens of the configuration."""
    return [name for name in sorted(_configuration().kitchens) if name.startswith(incomplete)]


def remember_stack(stack: str) -> None:
    """Keeps the name of a stack for the next TAB; what is known of it stays."""
    with contextlib.suppress(OSError):
        path = INGREDIENTS.path(stack)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def _stack(context: typer.Context) -> str:
    """The stack that the command would use, as far as it is typed."""
    from stockctl.cli.precedence import effective_settings

    options = ("stack", "kitchen", "local", "profile", "region", "endpoint_url")
    with contextlib.suppress(StockctlError):
        return effective_settings(
            {name: context.params.get(name) for name in options}, os.environ, _configuration()
        ).stack
    return DEFAULT_STACK


def _configuration() -> Configuration:
    from stockctl.cli.configuration import Configuration, read_configuration

    with contextlib.suppress(StockctlError, OSError):
        return read_configuration()
    return Configuration()


def _folder() -> Path:
    home = os.environ.get("STOCKCTL_HOME")
    return Path(home) / "cache" if home else platformdirs.user_cache_path("stockctl")
