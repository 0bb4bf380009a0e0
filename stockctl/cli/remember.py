"""The default stack after a deployment to AWS, and after it is destroyed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stockctl.cli.configuration import read_configuration, remember_kitchen, user_file
from stockctl.cli.precedence import effective_settings
from stockctl.cli.settings import AWS

if TYPE_CHECKING:
    from stockctl.aws.target import Target
    from stockctl.cli.session import Session


def remember_target(session: Session, target: Target, wanted: bool | None, *, may_ask: bool = True) -> None:
    """Writes the target to the user's configuration file and reports that as the last line.

    `wanted` is what `--remember/--no-remember` said. Left out, a terminal is asked; a script remembers the target
    unless the configuration names another one already.
    """
    if target.local or _is_used_already(session):
        return
    if wanted is None:
        wanted = _agreed(session, may_ask=may_ask)
    note = session.environment.note
    if not wanted:
        note(f"stockctl: not remembered; to use this stack, give other commands `{target.options}`")
        return
    name = remember_kitchen(_place(target))
    note(f"stockctl: commands now use {target.describe()} by default. {_undo(name, str(user_file()))}")


def report_default(session: Session) -> None:
    """After a stack is gone: how to stop using it by default, if the configuration does."""
    kitchen = session.settings.sources.get("kitchen")
    if kitchen and not kitchen.source.startswith(("-", "$")) and _is_used_already(session):
        session.environment.note(
            f"stockctl: commands use this stack by default. {_undo(kitchen.value, kitchen.source)}"
        )


def _undo(kitchen: str, file: str) -> str:
    return f'To undo that, delete `kitchen = "{kitchen}"` from {file}'


def _is_used_already(session: Session) -> bool:
    """Whether a command without options gets here, too."""
    plain, used = effective_settings({}, session.environment.variables, read_configuration()), session.settings
    return all(
        getattr(plain, name) == getattr(used, name) for name in ("local", "stack", "profile", "region", "endpoint_url")
    )


def _agreed(session: Session, *, may_ask: bool) -> bool:
    environment = session.environment
    if may_ask and environment.stdin_is_terminal and environment.stderr_is_terminal:
        return environment.asks("Use this stack from now on where none is named? [Y/n]").casefold() in {"", "y", "yes"}
    return not {"kitchen", "target"} & read_configuration().defaults.keys()


def _place(target: Target) -> dict[str, str]:
    named = {
        "target": AWS,
        "profile": target.profile,
        "region": target.region,
        "endpoint_url": target.endpoint_url,
        "stack": target.stack,
    }
    return {name: value for name, value in named.items() if value}
