"""The sampler of single edits: each edit is one change of a program that still is one."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import stockctl
from tests.sampling.__main__ import summary, wilson
from tests.sampling.judge import BUDGET, chosen
from tests.sampling.mutants import count_of_edits, edit_of


def edits_of(source: str) -> list[str]:
    found = [edit_of("domain/x.py", source, number) for number in range(count_of_edits(source))]
    return [f"{edit.before} -> {edit.after}" for edit in found]


@pytest.mark.parametrize(
    ("source", "edits"),
    [
        ("a < b", ["a < b -> a <= b"]),
        ("x = a + b", ["a + b -> a - b"]),
        ("x = not a", ["not a -> bool(a)"]),
        ("x = 5", ["5 -> 6"]),
        ("x = True", ["True -> False"]),
        ("x = 'key'", ["'key' -> 'keyX'"]),
        ("f(a)", ["f(a) -> pass"]),
        ("x = f(a, b=c)", ["f(a, b=c) -> f(a)"]),
        ("def f():\n    return a", ["return a -> return None"]),
        ("for x in a:\n    break", ["break -> pass"]),
        ("if a:\n    x = b", ["if a -> if not a"]),
    ],
)
def test_what_an_edit_changes(source: str, edits: list[str]) -> None:
    assert edits_of(source) == edits


@pytest.mark.parametrize(
    "source",
    [
        '"""A docstring."""',
        "x: Literal['a']",
        "log.warning('text', 5)",
        "from a import b",
        "x = 'text for people'",
        "if TYPE_CHECKING:\n    x = 5",
    ],
)
def test_what_is_left_as_it_is(source: str) -> None:
    assert edits_of(source) == []


def test_every_edit_of_a_file_is_another_program() -> None:
    source = (Path(stockctl.__file__).parent / "domain" / "parts.py").read_text(encoding="utf-8")
    plain = ast.unparse(ast.parse(source))
    found = [edit_of("domain/parts.py", source, number).source for number in range(count_of_edits(source))]
    assert plain not in found
    assert all(compile(each, "parts.py", "exec") for each in found)


def test_tests_of_the_same_name_and_room_go_first_and_the_time_is_limited() -> None:
    tests = {"tests/cli/test_a.py::a": 0.1, "tests/domain/test_b.py::b": 1.0, "tests/domain/test_x.py::c": 2.0}
    assert chosen("domain/x.py", tests) == sorted(tests, key=lambda test: -tests[test])
    assert chosen("domain/x.py", {"a": BUDGET * 2, "b": BUDGET * 3}) == ["a"]


def test_the_rate_has_an_interval() -> None:
    low, high = wilson(90, 100)
    assert (round(low, 3), round(high, 3)) == (0.826, 0.945)
    lines = [{"edit": name, "verdict": verdict} for name, verdict in (("a", "noticed"), ("b", "survived"))]
    text = summary([*lines, {"edit": "control a", "verdict": "survived"}], ["a", "b", "c"], 7)
    assert text.startswith(
        "1 of 2 noticed (50.0%, 95 % interval 9.5% to 90.5%); 7 edits in all; 0 of 1 controls failed"
    )
    assert text.endswith("survived: b")
