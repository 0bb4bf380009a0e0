"""Claims: the first delivery of a key decides what the key stands for."""

from __future__ import annotations

import io
from typing import Any

import pytest

from stockctl.domain.fingerprint import Fingerprint
from stockctl.operations.claims import MAX_MISSED, Claim, Claims
from tests.faults.table_engine import TRANSACTIONS, TableEngine

HAM, EGG = (Fingerprint.of(io.BytesIO(content)) for content in (b"ham", b"egg"))


@pytest.fixture
def claims() -> Claims:
    client: Any = TableEngine()
    return Claims(client, TRANSACTIONS)


def take(claims: Claims, content: Fingerprint, at: float = 5.0) -> Claim | None:
    return claims.take("monday.csv", "tag", content, at, last_expiry=100)


def test_only_the_first_claim_of_a_key_is_new(claims: Claims) -> None:
    """What a receipt says of a new one is about rows that are gone."""
    assert take(claims, HAM) == Claim("tag", 5.0, is_new=True)
    assert take(claims, HAM, at=9.0) == Claim("tag", 5.0)


def test_a_key_that_is_taken_is_not_given_to_other_content(claims: Claims) -> None:
    take(claims, HAM)
    assert take(claims, EGG) is None
    assert claims.find("monday.csv", EGG) is None


def test_a_claim_is_found_as_soon_as_it_is_taken(claims: Claims) -> None:
    """A stale read would have a redelivery judge its rows anew."""
    assert claims.find("monday.csv", HAM) is None
    take(claims, HAM)
    assert claims.find("monday.csv", HAM) == Claim("tag", 5.0)


@pytest.mark.parametrize(("count", "is_noted"), [(0, True), (2, True), (MAX_MISSED, True), (MAX_MISSED + 1, False)])
def test_what_was_missed_is_noted_once_as_far_as_a_row_has_room(claims: Claims, count: int, is_noted: bool) -> None:
    take(claims, HAM)
    claims.complete("monday.csv", "tag", range(1, count + 1))
    claims.complete("monday.csv", "tag", [7])
    found = claims.find("monday.csv", HAM)
    assert found is not None
    assert found.missed == frozenset(range(1, count + 1) if is_noted else [7])
