"""Saving while it runs: what is saved, when, that nothing waits for it, and what a failure leaves."""

from __future__ import annotations

import asyncio
import errno
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import pytest
from ministack.services import lambda_svc

from stockctl.local import table_rows
from stockctl.local.checkpoints import CODE, Checkpoints, EmulatorState, _fork, _link_missing
from stockctl.local.home import Home
from stockctl.local.redo_log import Change, read_logs, read_snapshot
from stockctl.local.table_rows import STREAMS_READ, TableRows

HAM: Change = ["t", "ham", "all", {"quantity": {"N": "5"}}]


class State:
    """Stands in for the emulator's services: one file with the number of changes there were."""

    def __init__(self) -> None:
        self.changes = 0
        self.deploying = self.unread = False
        self.stack = "CREATE_COMPLETE"
        self.error: OSError | None = None
        self.wait_for: Path | None = None

    def stacks(self) -> list[tuple[str, ...]]:
        return [("stack", self.stack)]

    def has_unread_streams(self) -> bool:
        return self.unread

    def is_deploying(self) -> bool:
        return self.deploying

    def write(self, current: Path, target: Path) -> None:
        assert current.is_dir()
        target.mkdir()
        if self.error:
            raise self.error
        while self.wait_for and not self.wait_for.exists():
            time.sleep(0.01)
        (target / "state.json").write_text(str(self.changes))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.make()
    return home


@pytest.fixture
def rows(home: Home, monkeypatch: pytest.MonkeyPatch) -> TableRows:
    """Logged rows: one of ham."""
    monkeypatch.setattr(table_rows, "snapshot", lambda: [HAM])
    rows = TableRows(home.rows, home.record_problem)
    rows.begin()
    return rows


@pytest.fixture
def state() -> State:
    return State()


@pytest.fixture
def checkpoints(home: Home, rows: TableRows, state: State) -> Checkpoints:
    return Checkpoints(home, rows, cast("EmulatorState", state))


def change(checkpoints: Checkpoints, state: State) -> bool:
    """One more change, saved."""
    state.changes += 1
    checkpoints.changed()
    return asyncio.run(checkpoints.saved())


def saved_rows(home: Home) -> list[list[Change]]:
    return [*read_snapshot(home.rows), *read_logs(home.rows)]


def saved(home: Home) -> str:
    return (home.state / "state.json").read_text()


def test_a_change_is_saved_before_it_is_acknowledged(home: Home, checkpoints: Checkpoints, state: State) -> None:
    for number in ("1", "2"):
        assert change(checkpoints, state)
        assert saved(home) == number
    assert home.saved().at
    assert home.problems() == []


def test_nothing_is_saved_while_nothing_changes(home: Home, checkpoints: Checkpoints, state: State) -> None:
    """An idle cloud does not wear out a disk."""
    change(checkpoints, state)
    (home.state / "state.json").unlink()
    asyncio.run(checkpoints.saved())
    assert not (home.state / "state.json").exists()


def test_changes_that_come_together_are_saved_together(home: Home, checkpoints: Checkpoints, state: State) -> None:
    """One after the other would make the last one wait for all."""
    forks = []
    fork = os.fork

    def counted() -> int:
        forks.append(1)
        return fork()

    async def many() -> None:
        state.changes = 20
        for _ in range(20):
            checkpoints.changed()
        assert all(await asyncio.gather(*(checkpoints.saved() for _ in range(20))))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fork", counted)
        asyncio.run(many())
    assert (saved(home), len(forks)) == ("20", 1)


def test_requests_go_on_while_a_save_is_written(
    home: Home, checkpoints: Checkpoints, state: State, tmp_path: Path
) -> None:
    """It is written by a child: the loop that answers requests is free."""
    state.wait_for = tmp_path / "go on"

    async def both() -> None:
        checkpoints.changed()
        saving = asyncio.create_task(checkpoints.saved())
        for _ in range(100):
            await asyncio.sleep(0)
        state.changes = 7  # after the moment that is saved
        assert not saving.done()
        assert not (home.state / "state.json").exists()
        (tmp_path / "go on").touch()
        assert await saving

    asyncio.run(both())
    assert saved(home) == "0"


def test_a_snapshot_of_the_rows_takes_the_place_of_the_log(
    home: Home, rows: TableRows, checkpoints: Checkpoints, state: State
) -> None:
    """At first, when the log has grown large, and at the end."""
    assert rows.log is not None
    rows.log.append([HAM])
    change(checkpoints, state)
    rows.log.append([HAM])
    change(checkpoints, state)
    assert saved_rows(home) == [[HAM], [], [HAM]]
    rows.log.size = 1 << 30
    change(checkpoints, state)
    assert saved_rows(home) == [[HAM], []]
    rows.log.append([HAM])
    asyncio.run(checkpoints.end())
    assert saved_rows(home) == [[HAM], []]
    assert len(list(home.rows.iterdir())) == 2


def test_a_snapshot_is_on_the_disk_under_its_name_before_the_log_is_removed(
    home: Home, rows: TableRows, checkpoints: Checkpoints, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the power fails in between, nothing is lost."""
    assert rows.log is not None
    rows.log.append([HAM])
    seen: list[set[str]] = []

    def synced(folder: Path) -> None:
        seen.append({path.name for path in folder.iterdir()})

    monkeypatch.setattr("stockctl.local.checkpoints.sync_path", synced)
    change(checkpoints, state)
    assert seen == [{"1.log", "2.log", "2.rows"}]
    assert {path.name for path in home.rows.iterdir()} == {"2.log", "2.rows"}


def test_the_log_is_kept_at_the_end_while_functions_have_not_read_the_stream(
    home: Home, rows: TableRows, checkpoints: Checkpoints, state: State
) -> None:
    """It is all that is left of the stream at the next start."""
    change(checkpoints, state)
    assert rows.log is not None
    rows.log.append([HAM])
    state.unread = True
    asyncio.run(checkpoints.end())
    assert list(read_logs(home.rows)) == [[HAM]]
    state.unread = False
    asyncio.run(checkpoints.end())
    assert list(read_logs(home.rows)) == []


def test_a_large_log_is_kept_while_functions_have_not_read_the_stream(
    rows: TableRows, checkpoints: Checkpoints, state: State, monkeypatch: pytest.MonkeyPatch, home: Home
) -> None:
    """A kill after the snapshot would lose what only the log has: their records. There is a limit."""
    monkeypatch.setattr("stockctl.local.checkpoints.LOG_BYTES", 1_000)
    change(checkpoints, state)
    assert rows.log is not None
    rows.log.append([HAM])
    state.unread = True
    rows.log.size = 7_000
    change(checkpoints, state)
    assert list(read_logs(home.rows)) == [[HAM]]
    rows.log.size = 8_001
    change(checkpoints, state)
    assert list(read_logs(home.rows)) == []


def test_the_log_notes_that_functions_have_read_the_streams(
    rows: TableRows, checkpoints: Checkpoints, state: State, monkeypatch: pytest.MonkeyPatch, home: Home
) -> None:
    """And only then."""
    assert rows.log is not None
    rows.log.append([HAM])
    state.unread = True
    seen: list[list[list[Change]]] = []

    async def sleep(_seconds: float) -> None:
        seen.append(list(read_logs(home.rows)))
        state.unread = len(seen) < 2
        if len(seen) == 4:
            raise asyncio.CancelledError

    monkeypatch.setattr(asyncio, "sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(checkpoints.note_read_streams())
    assert seen == [[[HAM]], [[HAM]], *[[[HAM], [STREAMS_READ]]] * 2]


def test_a_failed_save_keeps_the_previous_state_and_is_reported(
    home: Home, rows: TableRows, checkpoints: Checkpoints, state: State
) -> None:
    """The change is not acknowledged; the next successful save clears the report."""
    change(checkpoints, state)
    assert rows.log is not None
    rows.log.append([HAM])
    state.error = OSError(errno.ENOSPC, "No space left on device")
    assert not change(checkpoints, state)
    assert not asyncio.run(checkpoints.end())
    assert saved(home) == "1"
    assert saved_rows(home) == [[HAM], [], [HAM]]
    assert home.problems() == ["state cannot be saved: No space left on device"]
    state.error = None
    assert asyncio.run(checkpoints.saved())
    assert saved(home) == "2"
    assert home.problems() == []


def test_nothing_is_saved_in_the_middle_of_a_deployment(home: Home, checkpoints: Checkpoints, state: State) -> None:
    """After a kill, a deployment cut off would stay in progress for ever."""
    state.deploying = True
    assert change(checkpoints, state)
    assert not (home.state / "state.json").exists()
    state.deploying, state.stack = False, "UPDATE_COMPLETE"
    assert checkpoints.stacks_changed
    asyncio.run(checkpoints.saved())
    assert saved(home) == "1"
    assert not checkpoints.stacks_changed


@pytest.mark.parametrize("step", range(5))
def test_a_kill_in_the_middle_of_changing_folders_leaves_one_or_the_other(
    home: Home, checkpoints: Checkpoints, state: State, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """Whichever rename or removal was the last."""
    change(checkpoints, state)
    home.next_state.mkdir()
    (home.next_state / "state.json").write_text("2")
    steps = 0

    class Killed(Exception):
        pass

    def counted(original: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal steps
            if steps == step:
                raise Killed
            steps += 1
            return original(*arguments, **options)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", counted(Path.replace))
        patch.setattr("shutil.rmtree", counted(__import__("shutil").rmtree))
        with pytest.raises(Killed):
            home.take_next_state()
    again = Home(home.root)
    again.recover()
    assert saved(again) in {"1", "2"}
    assert not list(home.root.glob("state.*"))


def test_the_installed_release_has_what_saving_calls(tmp_path: Path) -> None:
    """Every service's state and the code of functions are written, and what another one had saved is taken over."""
    current, target = tmp_path / "current", tmp_path / "target"
    current.mkdir()
    (current / "other.json").write_text("{}")
    child = os.fork()
    if not child:  # it empties the tables
        lambda_svc._functions._data[("1", "us-east-1", "f")] = {"code_zip": b"code"}
        EmulatorState().write(current, target)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert {"dynamodb.json", "cloudformation.json", "other.json"} <= {path.name for path in target.iterdir()}
    assert [path.read_bytes() for path in (target / CODE).iterdir()] == [b"code"]


def test_what_is_not_saved_at_once_is_saved_within_seconds(
    checkpoints: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And more seldom only while saves take long: at most a twentieth of the time."""
    rests: list[float] = []
    clock = [0.0]

    async def sleep(seconds: float) -> None:
        rests.append(seconds)
        if len(rests) == 4:
            raise asyncio.CancelledError

    async def saved() -> bool:
        clock[0] += (0.1, 2.0, 0.0)[len(rests) - 1]
        return True

    monkeypatch.setattr(asyncio, "sleep", sleep)
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(checkpoints, "saved", saved)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(checkpoints.keep())
    assert rests == [5.0, 5.0, 40.0, 5.0]


def test_a_log_that_has_grown_large_is_replaced_by_a_snapshot(
    checkpoints: Checkpoints, state: State, rows: TableRows, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is all read at the next start."""
    change(checkpoints, state)
    [snapshot] = home.rows.glob("*.rows")
    change(checkpoints, state)
    assert list(home.rows.glob("*.rows")) == [snapshot]
    monkeypatch.setattr("stockctl.local.checkpoints.LOG_BYTES", 10)
    assert rows.log is not None
    rows.log.append([HAM] * 100)
    change(checkpoints, state)
    [newer] = home.rows.glob("*.rows")
    assert newer != snapshot


def test_a_problem_is_logged_once_and_a_save_that_succeeds_ends_it(
    home: Home, checkpoints: Checkpoints, state: State, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        checkpoints.report("the disk is slow")
    assert [record.getMessage() for record in caplog.records] == ["the disk is slow"]
    assert home.problems() == ["the disk is slow"]
    assert change(checkpoints, state)
    assert home.problems() == []


@pytest.mark.parametrize("has_code", [True, False])
def test_the_state_of_services_that_were_not_used_is_kept_and_the_code_of_functions_that_are_gone_is_not(
    tmp_path: Path, has_code: bool
) -> None:
    """Where no function was looked at, their code is kept, too."""
    current, target = tmp_path / "current", tmp_path / "target"
    for path in (current / "sqs.json", current / CODE / "old.zip", target / "s3.json"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("saved before")
    if has_code:
        (target / CODE).mkdir()
    _link_missing(current, target)
    kept = {str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()}
    assert kept == {"s3.json", "sqs.json"} | (set() if has_code else {f"{CODE}/old.zip"})


def test_a_process_that_saves_holds_no_file_of_the_cloud_open(tmp_path: Path) -> None:
    """If the cloud is killed meanwhile, its port and its lock are free at once."""
    with (tmp_path / "running.lock").open("wb") as lock:

        def work() -> None:
            with suppress(OSError):
                os.fstat(lock.fileno())
                raise AssertionError("the lock is open")

        _, status = os.waitpid(_fork(work), 0)
    assert os.waitstatus_to_exitcode(status) == 0
