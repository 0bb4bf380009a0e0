"""Loads what was saved into the emulator as it starts. What cannot be read is set aside and reported, never lost."""

from __future__ import annotations

import gc
import importlib
import logging
import shutil
from typing import Any

from stockctl.local.emulator import Function, Replacement
from stockctl.local.home import Home
from stockctl.local.table_rows import TableRows

APP = "ministack.app"
PERSISTENCE = "ministack.core.persistence"

logger = logging.getLogger("stockctl.local")


class SavedState:
    """The emulator's state as the last run left it."""

    def __init__(self, home: Home, rows: TableRows) -> None:
        self._home = home
        self._rows = rows

    def replacements(self) -> tuple[Replacement, ...]:
        """What to replace in the emulator: it loads and saves as we say."""
        return (
            Replacement(PERSISTENCE, "load_state", ("service",), self._checked),
            Replacement(APP, "_load_persisted_state", (), lambda _: self._load),
            Replacement(APP, "save_all", ("services",), lambda _: lambda services: None),  # noqa: ARG005 - checkpoints save
        )

    def _checked(self, original: Function) -> Function:
        def load(service: str) -> Any:  # noqa: ANN401 - of any service
            path = self._home.state / f"{service}.json"
            try:
                found = original(service)
            except (ValueError, RecursionError):
                found = None
            if found is None and path.exists():
                self._put_aside(service)
            return found

        return load

    def _load(self) -> None:
        app = importlib.import_module(APP)
        for service, module in app._state_map.items():
            found = app.load_state(service)
            if found:
                try:
                    app._get_module(module).load_persisted_state(found)
                except Exception:
                    logger.exception("cannot restore the state of %s", service)
                    self._put_aside(service)
        self._restore_rows()

    def _restore_rows(self) -> None:
        if not self._rows.restore():
            self._put_aside_rows()
        self._rows.begin()
        gc.collect()
        gc.freeze()  # rows live long: to look through them for garbage stalled every request, for a third of a second

    def _put_aside(self, service: str) -> None:
        self._home.put_aside(self._home.state / f"{service}.json")
        if service == "dynamodb":  # without their tables, the rows would be dropped by the next snapshot
            self._put_aside_rows()

    def _put_aside_rows(self) -> None:
        """Keeps a copy: what can be read of them is in use."""
        copy = self._home.root / "rows.copy"
        shutil.copytree(self._home.rows, copy, dirs_exist_ok=True)
        self._home.put_aside(copy)
