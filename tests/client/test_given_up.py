"""A delivery that Lambda gave up on: found in the failure queue, by its key and version, and seldom looked for."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from stockctl.aws.retry import Patience
from stockctl.client.failures import Failure
from stockctl.client.given_up import EVERY_SECONDS, GivenUp
from stockctl.client.supplier import deliver
from stockctl.domain.errors import StockctlError
from tests.service import Service


class Queues:
    """The failed deliveries, and how often they were read."""

    def __init__(self, *failures: Failure | Exception) -> None:
        self.failures = failures
        self.reads = 0

    def failed_deliveries(self) -> list[Failure]:
        self.reads += 1
        found = [failure for failure in self.failures if isinstance(failure, Failure)]
        if len(found) < len(self.failures):
            raise ClientError({"Error": {"Code": "AccessDenied"}}, "GetQueueAttributes")
        return found


def failed(key: str, version: str) -> Failure:
    event = {"Records": [{"s3": {"object": {"key": key, "versionId": version}}}]}
    return Failure("3f2a-rest", record={}, error="no such table", event=event)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_failure_counts_for_its_own_version_only(clock: Clock) -> None:
    """An earlier attempt under the same key failed, too, and its failure is still in the queue."""
    given_up = GivenUp(Queues(failed("a+b.csv", "1")), clock)  # type: ignore[arg-type]
    clock.now = EVERY_SECONDS
    assert given_up.failure_of("a b.csv", "2") is None
    assert given_up.failure_of("b.csv", "1") is None
    assert given_up.failure_of("a b.csv", "1") is not None


def test_the_queue_is_read_seldom_and_not_at_first(clock: Clock) -> None:
    queues = Queues()
    given_up = GivenUp(queues, clock)  # type: ignore[arg-type]
    for clock.now in (0.0, EVERY_SECONDS - 1, EVERY_SECONDS, EVERY_SECONDS + 1, 2 * EVERY_SECONDS):
        given_up.failure_of("a.csv", "1")
    assert queues.reads == 2


def test_who_may_not_read_the_queue_waits_as_before(clock: Clock) -> None:
    given_up = GivenUp(Queues(PermissionError()), clock)  # type: ignore[arg-type]
    clock.now = EVERY_SECONDS
    assert given_up.failure_of("a.csv", "1") is None


def test_nobody_waits_for_the_receipt_of_a_delivery_that_was_given_up(service: Service, clock: Clock) -> None:
    """The error and what to do about it come at once."""
    queues = Queues()
    given_up = GivenUp(queues, clock)  # type: ignore[arg-type]

    def sleep(_seconds: float) -> None:
        clock.now += EVERY_SECONDS
        (dropped,) = service.clients.s3.list_object_versions(Bucket=service.bucket.name)["Versions"]
        queues.failures = (failed("a.csv", dropped["VersionId"]),)

    waiting = Patience(seconds=120.0, clock=clock, sleep=sleep)
    with pytest.raises(StockctlError, match=r"a.csv could not be recorded: no such table") as raised:
        deliver(service.bucket, "a.csv", b"ham,1,2099-01-01\n", waiting, given_up)
    assert "failures retry 3f2a-res" in str(raised.value.hint)
    assert clock.now == EVERY_SECONDS
