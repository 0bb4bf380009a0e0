"""The conditions that keep stock right, each with the reason it is there (stockctl/README.md, "Operations").

`tests/faults/mutations.py` removes them one at a time, and records the test that notices.
"""

from __future__ import annotations

IS_NEW = "attribute_not_exists(transaction_id)"
"""A transaction's record, or a delivery's claim: an id is taken once, whoever repeats it."""

IS_UNSETTLED_CLAIM = "request_hash = :etag AND attribute_not_exists(missed)"
"""A delivery's claim: what the first attempt to finish could not record stays known, though rows expire meanwhile."""

IS_AVAILABLE = "quantity >= :units"
"""A use: never more than there is."""

IS_UNGUARDED = "(attribute_not_exists(next_expiry) OR next_expiry > :now)"
"""A use: no unit whose best-before has passed is served, even where time to live deletes late (invariant I6)."""

IS_FIRST_DELIVERY = "attribute_not_exists(generation)"
"""A delivery of a new ingredient: nobody has made its level since it was looked for."""

IS_SAME_GENERATION = "generation = :generation"
"""The roster is the one that was read: what was computed from it (the sooner expiry, allocations) still holds."""

HAS_SAME_UNITS = "batch_units = :batch_units"
"""The roster: nobody has charged or removed any batch since they were read, wholly or in part."""

IS_SAME_VERSION = "version = :version"
"""A write-off: the level is the one that the units to write off were computed from."""

IS_NOT_ON_ROSTER = "NOT contains(batches, {id})"
"""A delivery: a batch counts once, also when its row has been removed meanwhile."""

WAS_DELIVERED = "attribute_exists(generation)"
"""An operator's setting: it never makes the level of an ingredient that nobody has delivered."""

DOES_NOT_EXIST = "attribute_not_exists(batch_id)"
"""A batch row: never overwritten by a delivery, and really gone where a write-off takes it for gone."""

HAS_SAME_QUANTITY = "quantity = :before"
"""A batch row: nobody has charged units to it, or removed it, since it was read."""


def all_of(*conditions: str) -> str:
    """The conjunction of conditions."""
    return " AND ".join(conditions)
