"""The JSON that commands print has the fields that the reference documents."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from typing import Any

import pytest

from stockctl.cli.findings import FIELDS as FINDINGS
from stockctl.cli.logs import FIELDS as LOG_LINES
from stockctl.cli.simulation_run import FIGURES
from stockctl.terminal.output import Field
from tests.cli.conftest import Stockctl
from tests.reference import REFERENCE
from tests.service import Service


def documented(command: str) -> Any:
    """The document of a command in the reference; every value in it is 0."""
    row = re.search(
        rf"^\| {re.escape(command)} \| .*?`(\{{.*?\}})`", REFERENCE.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert row, command
    return json.loads(re.sub(r'([{,]\s*"\w+")(?=\s*[,}])', r"\1: 0", row[1]))


def agrees(document: Any, example: Any) -> bool:
    """Whether a document has the example's fields, in the same order, also in its lists."""
    if isinstance(example, list):
        return all(agrees(each, example[0]) for each in document)
    if not isinstance(example, dict):
        return True
    return list(document) == list(example) and all(agrees(document[name], example[name]) for name in example)


@pytest.fixture
def ham(kitchen: Service) -> Service:
    """An ingredient with two batches, a use that is charged, and a threshold."""
    kitchen.drop("monday.csv", "ham,100,2099-12-31\nham,30,2098-12-31\n")
    kitchen.post("t1", ham=1)
    kitchen.process_stream("ham")
    kitchen.stock.set_threshold("ham", 200, time.time())
    return kitchen


@pytest.mark.usefixtures("ham")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("`stock`", ["stock"]),
        ("`stock --batches`", ["stock", "--batches"]),
        ("`use`", ["use", "ham=1"]),
        ("`use`, refused", ["use", "ham=1000"]),
        ("`use --dry-run`", ["use", "ham=31", "--dry-run"]),
        ("`discard`", ["discard", "ham=3"]),
        ("`history`", ["history", "ham"]),
        ("`history --charges`", ["history", "ham", "--charges"]),
        ("`forecast`", ["forecast"]),
        ("`forecast --reorder`", ["forecast", "--reorder"]),
        ("`report`", ["report"]),
        ("`count`", ["count", "ham=3", "--yes"]),
        ("`recall`", ["recall", "monday.csv", "--yes"]),
        ("`deliveries`", ["deliveries"]),
        ("`show`", ["show", "t1"]),
        ("`threshold`", ["threshold"]),
        ("`reconcile`", ["reconcile"]),
    ],
)
def test_a_command_prints_the_documented_fields(stockctl: Stockctl, name: str, words: list[str]) -> None:
    found = stockctl(*words, "-o", "json").json
    assert found
    assert all(agrees(each, documented(name)) for each in (found if isinstance(found, list) else [found])), found


@pytest.mark.usefixtures("ham")
def test_each_line_of_use_file_has_the_documented_fields(stockctl: Stockctl) -> None:
    order = json.dumps({"transactionId": "a", "items": [{"typeId": "ham", "quantity": 1}]})
    done = stockctl("use", "--file", "-", "-o", "json", stdin=order.encode())
    assert agrees(json.loads(done.out), documented("`use --file`"))


def test_each_line_of_watch_has_the_documented_fields(ham: Service, stockctl: Stockctl) -> None:
    ham.process_stream("ham")
    lines = stockctl("watch", "--since", "1h", "--count", "1").out.splitlines()
    assert lines
    assert all(agrees(json.loads(line), documented("`watch`")) for line in lines)


@pytest.mark.parametrize(
    ("name", "fields"), [("`status`, `doctor`", FINDINGS), ("`logs`", LOG_LINES), ("`simulate`", FIGURES)]
)
def test_what_needs_a_real_stack_has_the_documented_fields(name: str, fields: Sequence[Field[Any]]) -> None:
    assert [field.name for field in fields if field.in_json] == list(documented(name))
