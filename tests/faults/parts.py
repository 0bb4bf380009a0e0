"""Makes operations work in small parts, so that what takes more than a hundred actions can be explored with a few."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from stockctl.domain.reconciliation import plan
from stockctl.operations import receive as receiving
from stockctl.operations import reconcile as reconciling


@contextmanager
def parts_of(actions: int) -> Iterator[None]:
    """Meanwhile a transaction has no more actions than this."""
    batches = receiving.MAX_BATCHES
    vars(reconciling)["plan"] = partial(plan, limit=actions)
    receiving.MAX_BATCHES = actions - 2
    try:
        yield
    finally:
        vars(reconciling)["plan"] = plan
        receiving.MAX_BATCHES = batches
