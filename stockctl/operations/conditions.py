"""The conditions that keep stock right, each with the reason it is there (stockctl/README.md, "Operations").

`tests/faults/mutations.py` removes them one at a time, and records the test that notices.
"""

from __future__ import annotations

IS_NEW = "attribute_not_exists(transaction_id)"
"""A transaction's record, or a delivery's claim: an id is taken once, whoever repeats it."""

IS_INCOMPLETE_CLAIM = "request_hash = :etag AND attribute_not_exists(missed)"
"""A delivery's claim: what the first attempt to finish could not record stays recorded, even if more rows expire."""

IS_NEXT_CORRECTION = "correction_id = :earlier AND is_done = :done"
"""Correction of a delivery: it starts from the one that was read, once that is booked in full."""

IS_THIS_CORRECTION = "correction_id = :correction AND is_done = :open"
"""Correction: the end is noted once, so what was booked stays as it was first noted."""

IS_AVAILABLE = "quantity >= :units"
"""Use: never take more than there is."""

IS_UNGUARDED = "(attribute_not_exists(next_expiry) OR next_expiry > :now)"
"""Use: take no unit past its best-before, even where TTL deletes late (invariant I6)."""

IS_FIRST_DELIVERY = "attribute_not_exists(generation)"
"""Delivery or count of a new ingredient: its level still does not exist."""

IS_SAME_GENERATION = "generation = :generation"
"""The roster's ids have not changed since they were read, so what was computed from them (next expiry, charges) still
holds."""

HAS_SAME_UNITS = "batch_units = :batch_units"
"""Roster: no batch has been charged or removed since the rows were read, not even in part."""

IS_SAME_VERSION = "version = :version"
"""Write-off, and count: the level has not changed since units were computed from it."""

IS_NOT_ON_ROSTER = "NOT contains(batches, {id})"
"""Delivery: each batch counts once, even after its row has been removed."""

WAS_DELIVERED = "attribute_exists(generation)"
"""Threshold: it never creates the level of an ingredient that was not delivered."""

DOES_NOT_EXIST = "attribute_not_exists(batch_id)"
"""Batch row: a delivery never overwrites it; a write-off that found no row checks that there really is none."""

HAS_SAME_QUANTITY = "quantity = :before"
"""Batch row: it has not been charged or removed since it was read."""

HAS_RETURNED_NOTHING = "attribute_exists(transaction_id) AND attribute_not_exists(returned)"
"""Return, the first of a transaction: no other return has brought its units back since its record was read."""

HAS_SAME_RETURNS = "returned = :before"
"""Return, a later one: the same, so that no more comes back than was taken."""


def all_of(*conditions: str) -> str:
    """The conjunction of conditions."""
    return " AND ".join(conditions)
