"""Receipts: which content they are about."""

from __future__ import annotations

import io

import pytest

from stockctl.domain.fingerprint import Fingerprint
from stockctl.domain.receipt import DeliveryStatus, Findings, Receipt, answers, receipt_of, with_conflict

FIRST, OTHER, THIRD = (Fingerprint.of(io.BytesIO(content)) for content in (b"first", b"other", b"third"))


@pytest.fixture
def receipt() -> Receipt:
    """The receipt of the first file, which reports the other one as a conflict."""
    return with_conflict(receipt_of("monday.csv", "tag", FIRST.checksum, Findings(), 0.0), "tag2", OTHER, 1.0)


def test_a_receipt_answers_for_its_content_and_its_conflicts_alone(receipt: Receipt) -> None:
    """A supplier who sent another file waits for a receipt that mentions it."""
    assert [answers(receipt, content) for content in (FIRST, OTHER, THIRD)] == [True, True, False]


def test_a_conflict_is_reported_once_with_the_time_of_the_first(receipt: Receipt) -> None:
    assert with_conflict(receipt, "tag2", OTHER, 2.0) == receipt
    assert len(with_conflict(receipt, "tag3", THIRD, 2.0)["conflicts"]) == 2


def test_the_results_of_a_delivery_have_the_words_that_scripts_read() -> None:
    assert {status.value for status in DeliveryStatus} == {"recorded", "partial", "rejected", "duplicate", "conflict"}
