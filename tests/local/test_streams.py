"""Table streams across a restart: positions that outlive their records are forgotten, and nothing else is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from stockctl.local.home import Home
from stockctl.local.streams import forget_positions

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    home.make()
    return home


def test_the_positions_go_and_all_else_stays(home: Home) -> None:
    """Mappings and functions are what the stack is made of."""
    saved = {"__ministack_format__": 2, "payload": {"functions": {"a": 1}, "dynamodb_stream_positions": {"b": 6}}}
    (home.state / "lambda.json").write_text(json.dumps(saved))
    forget_positions(home)
    assert json.loads((home.state / "lambda.json").read_text()) == {
        "__ministack_format__": 2,
        "payload": {"functions": {"a": 1}},
    }


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"payload": []}', '{"payload": {"functions": {}}}', "{"])
def test_a_state_of_another_shape_stays_as_it_is(home: Home, text: str) -> None:
    """Another release may write another one."""
    path = home.state / "lambda.json"
    path.write_text(text)
    forget_positions(home)
    assert path.read_text() == text


def test_without_saved_state_there_is_nothing_to_forget(home: Home) -> None:
    """The first start."""
    forget_positions(home)
    assert not (home.state / "lambda.json").exists()
