"""What callers are told when an id comes twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from stockctl.domain.transaction import Accepted, Insufficient, Reused, Transaction
from tests.engines.clouds import ProcessCloud, StruckCloud
from tests.faults.operations import batch, receiving, transacting, transacting_many

HAM = batch("monday", 10, 100)


def kitchen() -> StruckCloud:
    """Ten units of ham, of which transaction t has taken eight."""
    cloud = StruckCloud(ProcessCloud(), lambda _name, do: do())
    receiving(HAM)(cloud)
    assert transacting(Transaction("t", {"ham": 8}))(cloud) == Accepted({"ham": 8})
    return cloud


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
            reasons = [{"Code": "TransactionConflict"}, {"Code": "ConditionalCheckFailed", "Item": level}]
            fault = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
            raise ClientError(fault, "TransactWriteItems")  # type: ignore[arg-type]  # botocore's type lacks the reasons
        return do()

    again = transacting(Transaction("t", {"ham": 8}))(StruckCloud(first.cloud, half_committed))
    assert (again, met) == (Accepted({"ham": 8}, replayed=True), ["transact_write_items"])
