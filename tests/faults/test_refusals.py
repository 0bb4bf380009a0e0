"""What callers are told when an id comes twice."""

from __future__ import annotations

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
