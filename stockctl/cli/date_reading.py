"""How the stack of a session reads dates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stockctl.domain.best_before import DateOrder, DateReading
from stockctl.domain.instants import time_zone

if TYPE_CHECKING:
    from stockctl.client.deployment import Deployment


def reading_of(deployment: Deployment) -> DateReading:
    """How a stack reads dates."""
    return DateReading(time_zone(deployment.time_zone), DateOrder(deployment.date_order))
