"""The folder of the embedded cloud: private, and robust against files that are wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from platformdirs import user_data_path

from stockctl.local.home import READY_STATE, Home, Run, Saved

WRONG = ["", "{", "[]", "null", "7", '"text"', "[" * 100_000, '{"port": "x", "at": 1, "problem": []}', "\x00"]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.make()
    return home


def test_the_folder_is_the_one_in_the_environment_or_the_users_own(tmp_path: Path) -> None:
    assert Home.of({"STOCKCTL_HOME": str(tmp_path)}).root == tmp_path
    assert Home.of({"STOCKCTL_HOME": "~/kitchen"}).root == Path.home() / "kitchen"
    assert Home.of({}).root == Home.of({"STOCKCTL_HOME": ""}).root == user_data_path("stockctl", appauthor=False)


def test_every_folder_and_file_is_for_its_owner_alone(home: Home) -> None:
    home.record_run(Run(1, 4580, "2026-01-01T00:00:00Z", home.key()))
    home.record_saved(Saved("2026-01-01T00:00:00Z"))
    paths = [home.root, *home.root.rglob("*")]
    assert {path.name for path in paths} >= {"home", "state", "objects", "rows", "tmp", "key.json", "run.json"}
    assert {oct(path.stat().st_mode & 0o777) for path in paths if path.is_dir()} == {"0o700"}
    assert {oct(path.stat().st_mode & 0o777) for path in paths if path.is_file()} == {"0o600"}


@pytest.mark.parametrize("content", WRONG)
def test_a_file_that_is_wrong_is_as_good_as_none(home: Home, content: str) -> None:
    key = home.key()
    for name in ("run.json", "port.json", "saved.json", "key.json"):
        (home.root / name).write_text(content)
    assert home.run() is None
    assert home.last_port() is None
    assert home.saved() == Saved()
    assert home.problems() == []
    assert home.key() != key
    assert home.key() == home.key()


@pytest.mark.parametrize(("port", "found"), [(0, None), (1, 1), (65535, 65535), (65536, None), (-1, None)])
def test_the_last_port_is_a_port(home: Home, port: int, found: int | None) -> None:
    (home.root / "port.json").write_text(json.dumps({"port": port}))
    assert home.last_port() == found


def test_a_run_is_found_with_the_key_of_its_home(home: Home) -> None:
    run = Run(7, 4581, "2026-01-01T00:00:00Z", home.key())
    home.record_run(run)
    assert home.run() == run
    assert home.last_port() == 4581
    home.clear_run()
    assert home.run() is None
    assert home.last_port() == 4581


def test_a_problem_is_shown_until_a_save_succeeds_and_keeps_the_time_of_the_last_one(home: Home) -> None:
    home.record_saved(Saved("2026-01-01T00:00:00Z"))
    home.record_problem("state cannot be saved: No space left on device")
    assert home.saved() == Saved("2026-01-01T00:00:00Z", "state cannot be saved: No space left on device")
    assert home.problems() == ["state cannot be saved: No space left on device"]
    home.record_saved(Saved("2026-01-02T00:00:00Z"))
    assert home.problems() == []


def test_what_is_set_aside_is_reported_and_kept(home: Home) -> None:
    (home.state / "s3.json").write_text("{")
    home.put_aside(home.state / "s3.json")
    [path] = home.set_aside()
    assert path.read_text() == "{"
    assert home.problems() == [f"state that cannot be read is kept in {path}; delete it once you do not need it"]


def test_a_new_state_takes_the_place_of_the_old_and_leaves_nothing_else(home: Home) -> None:
    (home.state / "old.json").write_text("old")
    home.next_state.mkdir()
    (home.next_state / "new.json").write_text("new")
    (home.rows / "3.draft").write_text("cut off")
    home.take_next_state()
    assert [path.name for path in home.state.iterdir()] == ["new.json"]
    assert sorted(path.name for path in home.root.iterdir()) == ["objects", "rows", "state", "tmp"]
    home.remove_unfinished()
    assert not list(home.rows.iterdir())


def test_a_change_of_folders_that_was_cut_off_is_brought_to_its_end(home: Home) -> None:
    (home.root / READY_STATE).mkdir()
    (home.root / READY_STATE / "new.json").write_text("new")
    home.recover()
    assert (home.state / "new.json").read_text() == "new"
    assert not (home.root / READY_STATE).exists()


def test_the_last_words_of_a_log_end_a_sentence(home: Home) -> None:
    assert home.last_words() == ""
    home.log.write_text("first\nlast\n\n")
    assert home.last_words() == ": last"
    with home.open_log() as log:
        log.write(b"anew")
    assert (home.root / "cloud.log.1").read_text() == "first\nlast\n\n"
    assert home.last_words() == ": anew"


def test_wiping_leaves_what_is_not_ours(home: Home) -> None:
    (home.root / "notes.txt").write_text("mine")
    (home.rows / "1.rows").write_text("x")
    home.key()
    home.wipe()
    assert [path.name for path in home.root.iterdir()] == ["notes.txt"]


def test_only_one_holds_the_lock(home: Home) -> None:
    assert not home.is_locked()
    lock = home.hold()
    assert lock is not None
    assert home.is_locked()
    assert home.hold() is None
    lock.close()
    assert not home.is_locked()


def test_a_full_disk_is_noticed_before_nothing_can_be_written(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    assert home.full_disk() is None
    monkeypatch.setattr("stockctl.local.home.FREE_BYTES", 1 << 62)
    assert home.full_disk() == f"the disk with {home.root} is full: changes are refused"


def test_the_size_is_that_of_state_objects_and_rows(home: Home) -> None:
    for folder, size in ((home.state, 1), (home.objects, 10), (home.rows, 100), (home.temporary, 1000)):
        (folder / "file").write_bytes(b"x" * size)
    assert home.size() == 111
