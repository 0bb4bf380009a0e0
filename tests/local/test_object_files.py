"""Objects on the disk: an error of writing one reaches its caller, and rows are there before the objects about them."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from stockctl.local import object_files
from stockctl.local.emulator import Function
from stockctl.local.object_files import ObjectFiles


def wrapped(files: ObjectFiles, name: str, original: Any) -> Function:
    """What takes the place of one of the emulator's functions."""
    [replacement] = [each for each in files.replacements() if each.name == name]
    return replacement.wrap(original)


def full(fpath: str, data: bytes, *, text: bool = False) -> None:
    """A write that fails half-way."""
    assert not text
    Path(f"{fpath}.tmp").write_bytes(data[:1])
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("leaves", [True, False])
def test_a_write_that_fails_leaves_nothing_and_is_collected(tmp_path: Path, *, leaves: bool) -> None:
    def failing(fpath: str, data: bytes, *, text: bool = False) -> None:
        if leaves:
            full(fpath, data, text=text)
        raise OSError(errno.ENOSPC, "No space left on device")

    write = wrapped(ObjectFiles(lambda: None), "_atomic_write", failing)
    found: list[OSError] = []
    token = object_files.errors.set(found)
    try:
        with pytest.raises(OSError, match="No space"):
            write(str(tmp_path / "a"), b"data")
    finally:
        object_files.errors.reset(token)
    assert [error.errno for error in found] == [errno.ENOSPC]
    assert list(tmp_path.iterdir()) == []


def test_an_error_that_nobody_collects_is_raised_all_the_same(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space"):
        wrapped(ObjectFiles(lambda: None), "_atomic_write", full)(str(tmp_path / "a"), b"data")


def test_what_was_written_is_brought_to_the_disk_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that was deleted since is left out."""
    synced: list[str] = []
    inodes = {}

    def writing(fpath: str, data: bytes, *, text: bool = False) -> None:
        assert not text
        Path(fpath).write_bytes(data)
        inodes[Path(fpath).stat().st_ino] = Path(fpath).name

    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(inodes[os.fstat(descriptor).st_ino]))
    files = ObjectFiles(lambda: None)
    write = wrapped(files, "_atomic_write", writing)
    for name in ("a", "b", "gone"):
        write(str(tmp_path / name), b"data")
    (tmp_path / "gone").unlink()
    files.sync()
    files.sync()
    assert sorted(synced) == ["a", "b"]


def test_rows_reach_the_disk_before_an_object_that_came_after_them() -> None:
    """A receipt must not outlive what it says was recorded."""
    order: list[str] = []
    files = ObjectFiles(lambda: order.append("rows"))
    wrapped(files, "_persist_object", lambda bucket, key, obj: order.append(f"{bucket}/{key} {obj}"))("b", "k", "o")
    assert order == ["rows", "b/k o"]
