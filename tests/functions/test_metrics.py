"""Metrics in the functions' logs: JSON lines in CloudWatch's embedded metric format."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from stockctl.client.failure_queues import change_without_effect
from stockctl.domain.transaction import Accepted, Insufficient, Reused, Unknown
from stockctl.functions import metrics, stock_updated
from tests.service import Service


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def values(line: dict[str, Any]) -> dict[str, Any]:
    """The metrics of a line, as CloudWatch extracts them."""
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "stockctl"
    assert set(directive["Dimensions"][0]) <= line.keys()
    return {metric["Name"]: line[metric["Name"]] for metric in directive["Metrics"]}


def test_a_metric_line_has_the_time_in_milliseconds_and_the_stack_for_its_only_dimension(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STACK", "kitchen")
    metrics.count_rows(3, 1)
    (line,) = lines(capsys)
    assert values(line) == {"RowsRecorded": 3, "RowsRejected": 1}
    assert line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["Stack"]]
    assert line["Stack"] == "kitchen"
    assert abs(line["_aws"]["Timestamp"] / 1000 - time.time()) < 60


def test_transactions_are_counted_by_outcome(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    service.drop("monday.csv", "ham,10,2099-01-01\n")
    capsys.readouterr()
    for name, units in (("a", 4), ("a", 4), ("b", 100)):
        service.post(name, ham=units)
    assert [values(line) for line in lines(capsys)] == [{"Accepted": 1}, {"Replayed": 1}, {"Refused": 1}]


def test_what_may_have_happened_and_what_did_not_count_as_busy_and_a_reused_id_does_not_count(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Refusals are customers who went without: an alarm on them must not rise with a throttled table."""
    metrics.count_outcomes([Unknown(), None, Insufficient(()), Reused(), Accepted({}), Accepted({}, replayed=True)])
    (line,) = lines(capsys)
    assert values(line) == {"Accepted": 1, "Replayed": 1, "Refused": 1, "Busy": 2}


def test_a_lag_is_in_milliseconds_and_all_else_a_count(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    service.drop("monday.csv", "ham,10,2099-01-01\n")
    capsys.readouterr()
    stock_updated.handler({"Records": [service.level_image("ham")]}, None)
    (directive,) = lines(capsys)[0]["_aws"]["CloudWatchMetrics"]
    units = {metric["Name"]: metric["Unit"] for metric in directive["Metrics"]}
    assert units == {"Lag": "Milliseconds", "UnitsReceived": "Count"}


def test_rows_of_a_delivery_are_counted(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    service.drop("monday.csv", "ham,10,2099-01-01\negg,0,2099-01-01\n")
    assert [values(line) for line in lines(capsys)] == [{"RowsRecorded": 1, "RowsRejected": 1}]


def test_unit_metrics_are_derived_from_level_changes(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    service.drop("monday.csv", "ham,10,2099-01-01\n")
    before = service.level_image("ham")["dynamodb"]["NewImage"]
    service.post("a", ham=4)
    record = service.level_image("ham")
    record["dynamodb"]["OldImage"] = before
    capsys.readouterr()
    stock_updated.handler({"Records": [record]}, None)
    units, level = lines(capsys)
    assert {name: count for name, count in values(units).items() if name != "Lag"} == {"UnitsUsed": 4}
    assert 0 <= values(units)["Lag"] < 60_000
    assert level == {"Ingredient": "ham", "Level": 6, "Version": 2}


def test_a_level_that_is_published_again_without_a_change_has_no_lag(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    """`failures retry` publishes levels that last changed days ago."""
    service.drop("monday.csv", "ham,10,2099-01-01\n")
    record = change_without_effect(service.level_image("ham")["dynamodb"]["NewImage"])
    capsys.readouterr()
    stock_updated.handler({"Records": [record]}, None)
    assert lines(capsys) == [{"Ingredient": "ham", "Level": 10, "Version": 1}]
    assert [change["quantity"] for change in service.published()] == [10]


def test_a_level_is_a_metric_of_its_own_only_where_that_was_asked_for(
    service: Service, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each such metric costs something every month."""
    monkeypatch.setenv("LEVEL_METRICS", "true")
    service.drop("monday.csv", "ham,10,2099-01-01\n")
    capsys.readouterr()
    service.process_stream("ham")
    level = lines(capsys)[-1]
    assert values(level) == {"Level": 10}
    assert level["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["Stack", "Ingredient"]]
