"""`stockctl failures`: listing changes nothing, and retrying loses nothing.

Functions cannot be called on moto; tests/system/test_operations.py has successful retries.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stockctl.domain.errors import ExitCode
from tests.cli.conftest import Stockctl
from tests.service import Service

EVENTS = Path(__file__).parents[1] / "events"


def queue(kitchen: Service, name: str, body: str) -> str:
    """Leaves a message in a queue, and returns its id."""
    url = kitchen.clients.sqs.get_queue_url(QueueName=name)["QueueUrl"]
    return kitchen.clients.sqs.send_message(QueueUrl=url, MessageBody=body)["MessageId"]


@pytest.fixture
def delivery(kitchen: Service) -> str:
    return queue(kitchen, "received", (EVENTS / "lambda_delivery_failed.json").read_text())


@pytest.fixture
def changes(kitchen: Service) -> str:
    return queue(kitchen, "changed", (EVENTS / "lambda_changes_failed.json").read_text())


def test_failures_can_be_listed_repeatedly(stockctl: Stockctl, delivery: str, changes: str) -> None:
    for _ in range(2):
        done = stockctl("failures", "-o", "json")
        assert [each["id"] for each in done.json] == [delivery, changes]
        assert done.code == ExitCode.DONE


def test_a_failure_without_a_time_of_its_own_has_that_of_its_message(stockctl: Stockctl, kitchen: Service) -> None:
    """As the embedded cloud's records have none."""
    record = json.loads((EVENTS / "lambda_delivery_failed.json").read_text())
    del record["timestamp"]
    queue(kitchen, "received", json.dumps(record))
    (listed,) = stockctl("failures", "-o", "json").json
    age = datetime.now(UTC) - datetime.fromisoformat(listed["at"])
    assert abs(age) < timedelta(minutes=1)


def test_more_than_one_request_brings_are_all_listed(stockctl: Stockctl, kitchen: Service) -> None:
    ids = {queue(kitchen, "received", "?") for _ in range(25)}
    assert {each["id"] for each in stockctl("failures", "-o", "json").json} == ids


def test_records_are_shown_whole_and_as_one_document(stockctl: Stockctl, delivery: str, changes: str) -> None:
    shown = stockctl("failures", "show", "-o", "json").json
    assert [each["id"] for each in shown] == [delivery, changes]
    assert shown[0]["record"]["requestPayload"]["Records"][0]["eventName"] == "ObjectCreated:Put"
    assert [each["id"] for each in stockctl("failures", "show", delivery[:8], "-o", "json").json] == [delivery]


def test_a_message_that_is_not_lambdas_hides_nothing_and_is_never_deleted(
    stockctl: Stockctl, kitchen: Service, delivery: str
) -> None:
    odd = queue(kitchen, "received", "nothing of Lambda's")
    for _ in range(2):
        assert {each["id"] for each in stockctl("failures", "-o", "json").json} == {odd, delivery}
        assert stockctl("failures", "retry", odd).code == ExitCode.FAILED


def test_a_failed_retry_stays_listed_and_the_next_one_is_tried(stockctl: Stockctl, delivery: str, changes: str) -> None:
    """The functions do not exist here."""
    done = stockctl("failures", "retry", "-o", "json")
    assert done.code == ExitCode.FAILED
    assert [(each["id"], each["done"]) for each in done.json] == [(delivery, False), (changes, False)]
    assert all(each["error"] for each in done.json)
    assert [each["id"] for each in stockctl("failures", "-o", "json").json] == [delivery, changes]


def test_a_table_has_as_much_of_an_id_as_names_it_and_the_gist_of_an_error(stockctl: Stockctl, delivery: str) -> None:
    shown = stockctl("failures", "-o", "table").out
    assert delivery[:8] in shown
    assert delivery not in shown
    assert "Busy" in shown


def test_an_id_that_is_not_there_is_refused_and_runs_nothing(stockctl: Stockctl, delivery: str) -> None:
    done = stockctl("failures", "retry", delivery[:8], "nonsense")
    assert done.code == ExitCode.REFUSED
    assert "'nonsense'" in done.err
    assert [each["id"] for each in stockctl("failures", "-o", "json").json] == [delivery]


@pytest.mark.usefixtures("kitchen")
@pytest.mark.parametrize("action", ["list", "show", "retry"])
def test_without_failures_json_is_an_empty_list(stockctl: Stockctl, action: str) -> None:
    done = stockctl("failures", action, "-o", "json")
    assert (done.code, done.json) == (ExitCode.DONE, [])
