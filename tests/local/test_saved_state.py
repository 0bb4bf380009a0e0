"""What the last run saved: what cannot be read is kept aside."""

from __future__ import annotations

import gc
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from ministack import app
from ministack.core import persistence

from stockctl.local.emulator import replace
from stockctl.local.home import Home
from stockctl.local.saved_state import SavedState
from stockctl.local.table_rows import TableRows


class Rows:
    """Rows that can be read to their end, or not."""

    def __init__(self, *, are_whole: bool) -> None:
        self._are_whole = are_whole
        self.begun = False

    def restore(self) -> bool:
        return self._are_whole

    def begin(self) -> None:
        self.begun = True


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home with rows."""
    monkeypatch.setattr(gc, "freeze", lambda: None)
    home = Home(tmp_path / "home")
    home.make()
    (home.rows / "1.rows").write_bytes(b"ham")
    return home


@pytest.mark.parametrize("are_whole", [True, False])
def test_rows_that_cannot_all_be_read_are_kept_aside_and_what_can_be_read_is_used(
    home: Home, *, are_whole: bool
) -> None:
    rows = Rows(are_whole=are_whole)
    SavedState(home, cast("TableRows", rows))._restore_rows()
    assert rows.begun
    assert (home.rows / "1.rows").read_bytes() == b"ham"
    assert [(path / "1.rows").read_bytes() for path in home.set_aside()] == ([] if are_whole else [b"ham"])


def test_what_a_service_saved_is_given_back_to_it_and_what_it_cannot_use_is_kept_aside(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that cannot be read, one that its service refuses, one that is well, and one that nothing was saved of."""
    restored: list[Any] = []

    def restore(found: Any) -> None:
        if found == "of another release":
            raise KeyError("payload")
        restored.append(found)

    def read(service: str) -> Any:
        if service == "damaged":
            raise ValueError
        return {"odd": "of another release", "well": {"queues": 3}}.get(service)

    for name in ("damaged", "odd", "well"):
        (home.state / f"{name}.json").write_text(name)
    for module, name in ((app, "_load_persisted_state"), (app, "save_all")):
        monkeypatch.setattr(module, name, getattr(module, name))
    monkeypatch.setattr(persistence, "load_state", read)
    monkeypatch.setattr(app, "_state_map", {name: name for name in ("damaged", "odd", "well", "none")})
    monkeypatch.setattr(app, "_get_module", lambda _: SimpleNamespace(load_persisted_state=restore))
    assert replace(SavedState(home, cast("TableRows", Rows(are_whole=True))).replacements()) == []
    monkeypatch.setattr(app, "load_state", persistence.load_state)
    app._load_persisted_state()
    assert restored == [{"queues": 3}]
    assert sorted(path.read_text() for path in home.set_aside()) == ["damaged", "odd"]
    assert [path.name for path in home.state.iterdir()] == ["well.json"]


def test_without_their_tables_rows_are_kept_aside_before_the_next_snapshot_drops_them(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home.state / "dynamodb.json").write_text("damaged")
    monkeypatch.setattr(app, "_state_map", {"dynamodb": "dynamodb"})
    state = SavedState(home, cast("TableRows", Rows(are_whole=True)))
    monkeypatch.setattr(app, "load_state", state._checked(lambda _: None))
    state._load()
    kept = {path.name.partition(".")[0]: path for path in home.set_aside()}
    assert sorted(kept) == ["dynamodb", "rows"]
    assert (kept["rows"] / "1.rows").read_bytes() == b"ham"
