"""What TAB offers: names from files that other commands keep, so that completion needs no network and no boto3.

Commands that list ingredients or failures write them down for their stack; completion reads them. It is silent on
failure: a key press is no place for an error.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
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
_INGREDIENTS, _FAILURES, _TRANSACTIONS, _DELIVERIES = "ingredients", "failures", "transactions", "deliveries"


def complete_ingredients(context: typer.Context, incomplete: str) -> list[str]:
    """The ingredients that start with this text."""
    return [name for name in _remembered(_INGREDIENTS, context) if name.startswith(incomplete.casefold())]


def complete_items(context: typer.Context, incomplete: str) -> list[str]:
    """The ingredients that start with this text, each followed by `=`."""
    return [f"{name}=" for name in complete_ingredients(context, incomplete)]


def complete_failures(context: typer.Context, incomplete: str) -> list[str]:
    """The ids of the failures that were listed last."""
    return [name for name in _remembered(_FAILURES, context) if name.startswith(incomplete)]


def complete_transactions(context: typer.Context, incomplete: str) -> list[str]:
    """The ids of this machine's recent transactions, discards and returns, the newest first."""
    return [name for name in recent_transactions(_stack(context)) if name.startswith(incomplete)]


def complete_deliveries(context: typer.Context, incomplete: str) -> list[str]:
    """The keys of recent deliveries, the newest first."""
    return [name for name in _remembered(_DELIVERIES, context) if name.startswith(incomplete)]


def complete_ids(context: typer.Context, incomplete: str) -> list[str]:
    """Recent ids and keys of deliveries together."""
    return [*complete_transactions(context, incomplete), *complete_deliveries(context, incomplete)]


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
    used = {path.stem.partition("-")[2] for path in _folder().glob(f"{_INGREDIENTS}-*.txt")}
    return [name for name in sorted({DEFAULT_STACK, SIMULATION_STACK, *named, *used}) if name.startswith(incomplete)]


def complete_kitchens(incomplete: str) -> list[str]:
    """The kitchens of the configuration."""
    return [name for name in sorted(_configuration().kitchens) if name.startswith(incomplete)]


def remember_ingredients(stack: str, names: Iterable[str]) -> None:
    """Keeps the names of a stack's ingredients for the next TAB."""
    _remember(_INGREDIENTS, stack, names)


def remember_failures(stack: str, ids: Iterable[str]) -> None:
    """Keeps the ids of a stack's failures for the next TAB."""
    _remember(_FAILURES, stack, ids)


def remember_transaction(stack: str, name: str) -> None:
    """Keeps the id of a transaction, discard or return for the next TAB."""
    recent = [name, *(other for other in recent_transactions(stack) if other != name)][:MAX_RECENT]
    _write(_TRANSACTIONS, stack, recent)


def remember_deliveries(stack: str, keys: Iterable[str]) -> None:
    """Keeps the keys of deliveries, the newest first, for the next TAB."""
    new = list(keys)
    _write(_DELIVERIES, stack, list(dict.fromkeys([*new, *_lines(_DELIVERIES, stack)]))[:MAX_RECENT])


def recent_deliveries(stack: str) -> list[str]:
    """The keys of deliveries that were kept last, the newest first."""
    return _lines(_DELIVERIES, stack)


def recent_transactions(stack: str) -> list[str]:
    """The ids that were kept last, the newest first."""
    return _lines(_TRANSACTIONS, stack)


def remember_stack(stack: str) -> None:
    """Keeps the name of a stack for the next TAB; what is known of it stays."""
    with contextlib.suppress(OSError):
        path = _path(_INGREDIENTS, stack)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def _remember(kind: str, stack: str, names: Iterable[str]) -> None:
    _write(kind, stack, sorted(names)[:MAX_NAMES])


def _write(kind: str, stack: str, names: Iterable[str]) -> None:
    path = _path(kind, stack)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")


def _remembered(kind: str, context: typer.Context) -> list[str]:
    return _lines(kind, _stack(context))


def _lines(kind: str, stack: str) -> list[str]:
    try:
        return _path(kind, stack).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []


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


def _path(kind: str, stack: str) -> Path:
    return _folder() / f"{kind}-{stack}.txt"


def _folder() -> Path:
    home = os.environ.get("STOCKCTL_HOME")
    return Path(home) / "cache" if home else platformdirs.user_cache_path("stockctl")
