"""The self-test itself: its checks pass on a service that keeps its promises, and fail on one that does not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

import pytest

from stockctl.client.supplier import Delivered
from stockctl.domain.api import Answer
from stockctl.domain.errors import CredentialsError, OutcomeUnknown
from stockctl.domain.receipt import DeliveryStatus
from stockctl.selftest import checks
from stockctl.selftest.checks import Check
from stockctl.selftest.page import page
from stockctl.selftest.results import Result, SelfTest, Wrong, measured
from stockctl.selftest.run import steps
from stockctl.selftest.stand import Stand
from tests.service import Service


class FakeApi:
    """The functions, called directly; `broken` changes the answers."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.broken = False

    def use(self, transaction_id: str, items: Mapping[str, int]) -> Answer:
        if self.broken:
            return Answer(201, {"shortages": [], "replayed": False})
        return Answer(*self._service.post(transaction_id, **items))


class FakeStand:
    """A stand on moto: a delivery's event is sent at once, and level changes as soon as somebody waits."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.api = FakeApi(service)
        self.stock = service.stock

    def deliver(self, key: str, *rows: str) -> Delivered:
        before = self.service.bucket.receipt(key)
        receipt = self.service.drop(key, "\n".join(["ingredient,quantity,best_before", *rows, ""]))
        return Delivered(key, DeliveryStatus.DUPLICATE if before else DeliveryStatus(receipt["status"]), receipt)

    def levels(self, *ingredients: str) -> dict[str, int]:
        return {level.ingredient: level.quantity for level in self.stock.levels(list(ingredients))}

    def eventually(self, what: str, is_so: Any) -> None:
        self.service.process_stream(*self.stock.ingredients())
        if not is_so():
            raise Wrong(what)


@pytest.fixture
def stand(service: Service) -> FakeStand:
    return FakeStand(service)


FLOW = [checks.delivery, checks.use, checks.shortage, checks.replay, checks.soonest_first, checks.books]


def test_the_flow_passes_on_the_service(stand: FakeStand) -> None:
    for check in FLOW:
        assert check(cast("Stand", stand))


@pytest.mark.parametrize("check", [checks.use, checks.shortage, checks.replay, checks.soonest_first])
def test_a_check_fails_on_a_service_that_answers_and_does_nothing(stand: FakeStand, check: Any) -> None:
    checks.delivery(cast("Stand", stand))
    stand.api.broken = True
    with pytest.raises(Wrong):
        check(cast("Stand", stand))


def results_of(monkeypatch: pytest.MonkeyPatch, check: Check) -> list[Result]:
    monkeypatch.setattr("stockctl.selftest.run.BEFORE", [check])
    monkeypatch.setattr("stockctl.selftest.run.MEASUREMENTS", [("speed", lambda _: [measured("a use", 12.3456, "ms")])])
    monkeypatch.setattr("stockctl.selftest.run.AFTER", [])
    return [result for _, run in steps(cast("Stand", None)) for result in run()]


def raising(error: Exception) -> Check:
    def check(_: Stand) -> str:
        raise error

    return "the check", check


@pytest.mark.parametrize(
    ("error", "is_ok"),
    [
        (Wrong("expected 1, found 2"), False),
        (OutcomeUnknown("no answer"), False),
        (CredentialsError("no permission"), None),
    ],
)
def test_what_goes_wrong_is_a_result_and_the_run_goes_on(
    monkeypatch: pytest.MonkeyPatch, error: Exception, is_ok: bool | None
) -> None:
    """Without a permission nothing is known: that is not a failure of the service."""
    failed, figure = results_of(monkeypatch, raising(error))
    assert (failed.what, failed.is_ok) == ("the check", is_ok)
    assert (figure.value, figure.unit, figure.found) == (12.346, "ms", "12.3 ms")


def test_the_report_shows_every_result_as_text() -> None:
    results = [Result("<use>", True, "10 taken"), Result("expiry", False, "14 > 4"), measured("p50", 1234.5, "ms")]
    run = SelfTest("s", "stack s on <local>", 0.0, 12.34, results)
    html = page(run)
    assert "&lt;use&gt;" in html
    assert "14 &gt; 4" in html
    assert "1,234.5" in html
    assert "<use>" not in html
    assert (run.has_passed, json.loads(json.dumps(run.heading()))["at"]) == (False, "1970-01-01T00:00:00.000Z")
