"""Saving while it runs: when there is something to save, and what is written about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stockctl.local.checkpoints import Checkpoints, ministack_save
from stockctl.local.home import Home
from stockctl.local.supervisor import EXPIRY_MARK, may_change

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    home.make()
    return home


def test_nothing_is_saved_while_nothing_changes(home: Home) -> None:
    """An idle cloud does not wear out a disk."""
    saves: list[int] = []
    checkpoints = Checkpoints(home, lambda: saves.append(1))
    checkpoints.save()
    checkpoints.changed()
    checkpoints.save()
    checkpoints.save()
    assert len(saves) == 1


def test_a_change_is_on_record_until_it_is_saved(home: Home) -> None:
    """So the next start can say since when changes may be lost, whatever happened."""
    checkpoints = Checkpoints(home, lambda: None)
    checkpoints.changed()
    assert home.saved().unsaved_since is not None
    checkpoints.save()
    assert home.saved().unsaved_since is None
    assert not home.saved().clean
    checkpoints.closed()
    assert home.saved().clean


def test_a_change_that_goes_on_while_a_save_is_made_stays_on_record(home: Home) -> None:
    """It is on record before its caller has an answer, and a save in the middle of it is not taken to hold it."""
    checkpoints = Checkpoints(home, lambda: None)
    with checkpoints.change():
        assert home.saved().unsaved_since is not None
        checkpoints.save()
        assert home.saved().unsaved_since is not None
    checkpoints.save()
    assert home.saved().unsaved_since is None


def test_where_the_emulator_cannot_save_a_change_stays_on_record(home: Home) -> None:
    """A release without the functions we call saves at shutdown only."""
    checkpoints = Checkpoints(home, None)
    checkpoints.changed()
    checkpoints.save()
    assert home.saved().unsaved_since is not None


def test_an_emulator_without_the_functions_we_call_is_run_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are no part of what it publishes."""
    monkeypatch.delattr("ministack.core.persistence.save_all")
    assert ministack_save() is None


@pytest.mark.parametrize(
    ("method", "action", "marked", "changes"),
    [
        ("PUT", "", False, True),
        ("GET", "", False, False),
        ("POST", "", False, True),
        ("POST", "DynamoDB_20120810.Query", False, False),
        ("POST", "DynamoDB_20120810.TransactWriteItems", False, True),
        ("POST", "", True, False),
        ("POST", "DynamoDB_20120810.DeleteItem", True, True),
    ],
)
def test_a_request_counts_as_a_change_unless_it_is_known_to_read(
    method: str, action: str, *, marked: bool, changes: bool
) -> None:
    """The stand-in for TTL asks every second, and deletes now and then."""
    headers = [(b"x-amz-target", action.encode())] if action else []
    headers += [(EXPIRY_MARK.encode(), b"yes")] if marked else []
    assert may_change({"method": method, "headers": headers}) is changes
