"""Files of rows: all that was logged is read again, whole requests only, whatever the end of the file looks like."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stockctl.local.redo_log import Change, DamagedRows, RedoLog, read_logs, read_snapshot, write_snapshot

HAM: Change = ["t", "ham", "all", {"quantity": {"N": "5"}}]
GONE: Change = ["t", "ham", "all", None]
ODD: Change = ["t", "käse \ud800 \n", "all", {"b": {"B": "aGFt"}}]


def read(folder: Path) -> list[list[Change]]:
    return [*read_snapshot(folder), *read_logs(folder)]


def test_what_is_appended_is_read_in_order(tmp_path: Path) -> None:
    log = RedoLog(tmp_path)
    for changes in ([HAM, ODD], [GONE]):
        log.append(changes)
    log.close()
    assert read(tmp_path) == [[HAM, ODD], [GONE]]


def test_what_is_appended_is_in_the_file_before_the_log_is_closed(tmp_path: Path) -> None:
    """A process that is killed does not close it."""
    RedoLog(tmp_path).append([HAM])
    assert read(tmp_path) == [[HAM]]


@pytest.mark.parametrize("lost", [1, 2, 10, 30])
def test_a_request_that_was_cut_off_does_not_count(tmp_path: Path, lost: int) -> None:
    """It was never answered. What came before it counts."""
    log = RedoLog(tmp_path)
    log.append([HAM])
    size = log.size
    log.append([ODD, GONE])
    os.truncate(tmp_path / "1.log", log.size - lost)
    assert log.size - lost > size
    assert read(tmp_path) == [[HAM]]


def test_a_new_log_does_not_continue_one_that_was_cut_off(tmp_path: Path) -> None:
    (tmp_path / "1.log").write_bytes(b"0000")
    RedoLog(tmp_path).append([HAM])
    assert read(tmp_path) == [[HAM]]


def test_damage_in_the_middle_is_noticed(tmp_path: Path) -> None:
    """It is no cut-off request: others come after it."""
    log = RedoLog(tmp_path)
    for _ in range(3):
        log.append([HAM])
    path = tmp_path / "1.log"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    rows = read_logs(tmp_path)
    assert next(rows) == [HAM]
    with pytest.raises(DamagedRows, match=r"1\.log"):
        next(rows)


def test_a_snapshot_takes_the_place_of_what_came_before_it(tmp_path: Path) -> None:
    log = RedoLog(tmp_path)
    log.append([GONE])
    number = log.rotate()
    log.append([ODD])
    write_snapshot(tmp_path / f"{number}.rows", [HAM])
    assert read(tmp_path) == [[HAM], [], [ODD]]
    log.drop_before(number)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{number}.log", f"{number}.rows"]


def test_without_the_snapshot_of_a_save_that_failed_both_logs_are_read(tmp_path: Path) -> None:
    log = RedoLog(tmp_path)
    log.append([HAM])
    log.rotate()
    log.append([GONE])
    assert read(tmp_path) == [[HAM], [GONE]]


def test_a_snapshot_without_its_end_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "1.rows"
    write_snapshot(path, [HAM, ODD])
    os.truncate(path, path.stat().st_size - 12)
    with pytest.raises(DamagedRows):
        read(tmp_path)


@pytest.mark.parametrize("before", [[], [[HAM]]])
def test_what_cannot_be_written_leaves_the_log_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: list[list[Change]]
) -> None:
    """As on a full disk, after part of it was written."""
    log = RedoLog(tmp_path)
    log.rotate()
    for changes in before:
        log.append(changes)
    write = os.write

    def full(file: int, content: bytes) -> int:
        if len(content) < 20:
            raise OSError(28, "No space left on device")
        return write(file, content[:-10])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space"):
            log.append([ODD])
    log.append([GONE])
    assert read(tmp_path) == [*before, [GONE]]


def test_closing_brings_what_was_appended_to_the_disk_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    log = RedoLog(tmp_path)
    opened = len(synced)
    log.append([["t", "a", "b", None]])
    log.sync()
    log.sync()
    assert len(synced) == opened + 1
    log.append([["t", "a", "c", None]])
    log.close()
    assert len(synced) == opened + 2


def test_a_log_that_is_closed_or_followed_by_another_holds_no_file_open(tmp_path: Path) -> None:
    """One that runs for months would come to the limit."""
    log = RedoLog(tmp_path)
    first = log._file
    log.rotate()
    log.close()
    for file in (first, log._file):
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(file)
