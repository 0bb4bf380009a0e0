"""The supervisor: what it refuses to start with, and its own threads."""

from __future__ import annotations

from pathlib import Path
from queue import SimpleQueue

import pytest

from stockctl.local import emulator_cache, supervisor
from stockctl.local.home import Home
from stockctl.local.supervisor import Emulator, _Every


def test_a_release_of_the_emulator_that_does_not_fit_is_not_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would lose data, and let others in."""
    home = Home(tmp_path / "home")
    home.make()
    monkeypatch.setattr(emulator_cache, "apply", list)
    monkeypatch.setattr(supervisor, "replace", lambda parts: list(parts)[:1])
    with pytest.raises(SystemExit, match="does not fit: run `pip install"):
        Emulator.of(home)


def test_what_is_done_every_so_often_is_done_until_it_is_stopped() -> None:
    """As what has been written is brought to the disk each second: that much a power failure may cost."""
    done: SimpleQueue[int] = SimpleQueue()
    every = _Every(0.001, lambda: done.put(1))
    every.start()
    for _ in range(3):
        assert done.get(timeout=10)
    every.stop()
    assert not every.is_alive()
