"""What callers are told when an id comes twice, and when no answer comes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from stockctl.domain.errors import Busy
from stockctl.domain.transaction import Accepted, Insufficient, Outcome, Reused, Transaction, Unknown
from stockctl.operations.use import use
from tests.engines.clouds import ProcessCloud, Strike, StruckCloud
from tests.faults.operations import batch, receiving, tables, transacting, transacting_many

HAM = batch("monday", 10, 100)


def kitchen() -> StruckCloud:
    """Ten units of ham, of which transaction t has taken eight."""
    cloud = StruckCloud(ProcessCloud(), lambda _name, do: do())
    receiving(HAM)(cloud)
    assert transacting(Transaction("t", {"ham": 8}))(cloud) == Accepted({"ham": 8})
    return cloud


def cancelled(*reasons: dict[str, Any], retries: int = 0) -> ClientError:
    fault = {
        "Error": {"Code": "TransactionCanceledException"},
        "CancellationReasons": list(reasons),
        "ResponseMetadata": {"RetryAttempts": retries},
    }
    return ClientError(fault, "TransactWriteItems")  # type: ignore[arg-type]  # botocore's type lacks the reasons


def conflict(retries: int = 0) -> ClientError:
    return cancelled({"Code": "TransactionConflict"}, {"Code": "None"}, retries=retries)


def striking_transactions(fault: Callable[[Callable[[], Any]], Exception]) -> Strike:
    """Every transaction that is sent ends in a fault."""

    def strike(name: str, do: Callable[[], Any]) -> Any:
        if name == "transact_write_items":
            raise fault(do)
        return do()

    return strike


def losing_the_first_answer() -> Strike:
    """The first transaction is done and its answer lost; after that others are in the way for ever."""
    sent: list[str] = []

    def fault(do: Callable[[], Any]) -> Exception:
        if sent:
            return conflict()
        sent.append("the first")
        do()
        return ReadTimeoutError(endpoint_url="http://127.0.0.1")

    return striking_transactions(fault)


def one_by_one(transaction: Transaction, cloud: StruckCloud) -> Outcome | None:
    try:
        return use(tables(cloud), transaction)
    except Busy:
        return None


def many_at_once(transaction: Transaction, cloud: StruckCloud) -> Outcome | None:
    outcomes = transacting_many([transaction])(cloud)
    assert isinstance(outcomes, list)
    outcome: Outcome | None = outcomes[0]
    return outcome


WAYS = pytest.mark.parametrize("way", [one_by_one, many_at_once])
Way = Callable[[Transaction, StruckCloud], Outcome | None]


@WAYS
def test_where_no_answer_came_the_caller_is_told_so_and_a_repeat_finds_out(way: Way) -> None:
    """It did happen here: to say that nothing changed would have the caller take it again under another id."""
    cloud, wanted = kitchen(), Transaction("u", {"ham": 1})
    assert way(wanted, StruckCloud(cloud.cloud, losing_the_first_answer())) == Unknown()
    assert way(wanted, cloud) == Accepted({"ham": 1}, replayed=True)


@WAYS
def test_where_it_may_have_been_sent_before_it_may_have_happened(way: Way) -> None:
    """boto3 sends it again on its own where an answer does not come."""
    strike = striking_transactions(lambda _do: conflict(retries=1))
    assert way(Transaction("u", {"ham": 2}), StruckCloud(kitchen().cloud, strike)) == Unknown()


@WAYS
def test_where_others_are_in_the_way_for_ever_nothing_happened(way: Way) -> None:
    cloud, wanted = kitchen(), Transaction("u", {"ham": 2})
    assert way(wanted, StruckCloud(cloud.cloud, striking_transactions(lambda _do: conflict()))) is None
    assert way(wanted, cloud) == Accepted({"ham": 2})


def test_a_repeat_is_answered_although_nothing_is_left_for_it() -> None:
    """The same id and items are accepted again, whatever the level says by now."""
    again = Transaction("t", {"ham": 8})
    assert transacting(again)(kitchen()) == Accepted({"ham": 8}, replayed=True)
    assert transacting_many([again])(kitchen()) == [Accepted({"ham": 8}, replayed=True)]


def test_an_id_with_other_items_is_refused_and_takes_nothing() -> None:
    """Whether the other items would fit or not."""
    for units in (1, 9):
        other = Transaction("t", {"ham": units})
        assert transacting(other)(kitchen()) == Reused()
        assert transacting_many([other])(kitchen()) == [Reused()]


def test_a_shortage_names_what_is_there() -> None:
    """An id that was refused may come again."""
    cloud = kitchen()
    outcome = transacting(Transaction("u", {"ham": 3}))(cloud)
    assert isinstance(outcome, Insufficient)
    assert outcome.shortages[0].available == 2
    assert transacting(Transaction("u", {"ham": 2}))(cloud) == Accepted({"ham": 2})


def test_a_repeat_that_meets_its_first_attempt_half_committed_waits_for_it() -> None:
    """Its record is still locked while the level is lower already: that shortage is its own doing, and no refusal."""
    first = kitchen()
    met: list[str] = []

    def half_committed(name: str, do: Callable[[], Any]) -> Any:
        if name == "transact_write_items" and not met:
            met.append(name)
            level = {"quantity": {"N": "2"}, "next_expiry": {"N": "100"}}
            raise cancelled({"Code": "TransactionConflict"}, {"Code": "ConditionalCheckFailed", "Item": level})
        return do()

    again = transacting(Transaction("t", {"ham": 8}))(StruckCloud(first.cloud, half_committed))
    assert (again, met) == (Accepted({"ham": 8}, replayed=True), ["transact_write_items"])
