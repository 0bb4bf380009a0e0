"""Levels, rosters and batches: what is in stock of one ingredient.

See stockctl/README.md, "Glossary", for the terms. Units are whole units of the ingredient, instants are whole seconds
since the epoch.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from stockctl.domain.instants import NEVER

MAX_QUANTITY = 1_000_000_000
MAX_INGREDIENT_LENGTH = 100
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Characters without a shape of their own that Python calls printable: fillers, blanks and variation selectors."""


COUNTERS = ("received", "used", "expired", "discarded", "returned")
"""The cumulative counters of a level."""


class Totals:
    """What has these totals: the units of a level, and the counters behind them."""

    quantity: int
    received: int
    used: int
    expired: int
    discarded: int
    returned: int

    @property
    def counters(self) -> dict[str, int]:
        """The counters by name."""
        return {name: getattr(self, name) for name in COUNTERS}

    @property
    def adds_up(self) -> bool:
        """Invariant I1: no unit is missing or counted twice."""
        return self.received + self.returned == self.quantity + self.used + self.expired + self.discarded


@dataclass(frozen=True)
class Level(Totals):
    """What is available of one ingredient, and the units behind it.

    `received + returned = quantity + used + expired + discarded`; all but `quantity` are cumulative. Rows of earlier
    versions have no `returned`, `discarded` and `commit_id`.
    """

    ingredient: str
    quantity: int
    received: int
    used: int
    expired: int
    next_expiry: int | None
    generation: int
    version: int
    cause: str
    updated_at: str
    threshold: int | None = None
    """The low-stock threshold (units)."""
    discarded: int = 0
    returned: int = 0
    commit_id: str = ""
    """The id of the last commit that changed it."""
    uncharged_units: int = 0
    """Units that a write-off could charge to no batch, since time to live had removed the row that they came from."""
    uncharged_through: int = 0
    """Where these units end, counted in units of the ingredient ever used."""

    @property
    def is_low(self) -> bool:
        """Whether less is available than the threshold."""
        return self.threshold is not None and self.quantity < self.threshold

    @property
    def adds_up(self) -> bool:
        """Invariant I1: no unit is missing or counted twice, and nothing is below 0."""
        return super().adds_up and min(self.quantity, *self.counters.values()) >= 0

    @property
    def never_expires(self) -> bool:
        """Whether there is stock, and none of it expires."""
        return self.quantity > 0 and self.next_expiry is None

    def is_guarded(self, now: int) -> bool:
        """Whether stock on its roster may have expired, so that uses wait for a reconciliation."""
        return self.next_expiry is not None and self.next_expiry <= now


@dataclass(frozen=True)
class Roster:
    """The batch ids that a level counts, with the generation that level and roster share (invariant I2).

    `batch_units` is what is left in those batches together, kept by every transaction that changes one of them: a
    reader who has not seen all of a transaction finds rows that add up to something else.
    """

    batch_ids: frozenset[str]
    generation: int
    batch_units: int


@dataclass(frozen=True)
class Batch:
    """Stock of one ingredient from one delivery with one best-before; `quantity` is what is left of `received`.

    `charged_through` is where the last charge to it ends, counted in units of the ingredient ever used (None: no
    charge yet, or only by an older release); `charged_at` is its time. `discarded` are units that were discarded.
    """

    ingredient: str
    batch_id: str
    delivery: str
    quantity: int
    received: int
    best_before: str
    expires_at: int
    etag: str
    received_at: str
    charged_through: int | None = None
    charged_at: str = ""
    discarded: int = 0

    def is_due(self, now: int) -> bool:
        """Whether its best-before has passed."""
        return self.expires_at <= now


@dataclass(frozen=True)
class Holding:
    """All rows of one ingredient, as one Query returned them: batches on the roster and off it."""

    level: Level
    roster: Roster
    batches: tuple[Batch, ...]

    @property
    def counted(self) -> tuple[Batch, ...]:
        """The batches on the roster, the soonest to expire first."""
        mine = (batch for batch in self.batches if batch.batch_id in self.roster.batch_ids)
        return tuple(sorted(mine, key=lambda batch: (batch.expires_at, batch.batch_id)))

    @property
    def gone(self) -> tuple[str, ...]:
        """The batch ids on the roster that have no row: removed by time to live, or not yet visible."""
        return tuple(sorted(self.roster.batch_ids - {batch.batch_id for batch in self.batches}))

    @property
    def read_units(self) -> int:
        """Units in the batch rows that were read; `roster.batch_units` is the number stored for them."""
        return sum(batch.quantity for batch in self.counted)

    @property
    def is_consistent(self) -> bool:
        """Whether each batch on the roster has a row, and their units equal `roster.batch_units`.

        If not, the read may be torn.
        """
        return not self.gone and self.read_units == self.roster.batch_units

    @property
    def drift(self) -> int:
        """Units on the roster's batches minus the level: above 0 while uses wait to be charged."""
        return self.read_units - self.level.quantity

    @property
    def unspent(self) -> tuple[Batch, ...]:
        """The batches with stock, soonest first, once the usage that waits to be charged is taken from them."""
        charged = {batch.batch_id: units for batch, units in taken_from(self.counted, self.drift)}
        left = (replace(each, quantity=each.quantity - charged.get(each.batch_id, 0)) for each in self.counted)
        return tuple(batch for batch in left if batch.quantity)

    @property
    def charged_units(self) -> int:
        """Units that have been charged to batches since the first delivery.

        It rests on the roster, never on the sum of the rows that were read: a torn read may miss one of them.
        """
        level = self.level
        return level.received + level.returned - level.expired - level.discarded - self.roster.batch_units

    @property
    def soonest_expiry(self) -> int | None:
        """When the first batch with stock expires (s since the epoch): what a level's `next_expiry` should be."""
        return soonest_expiry(batch for batch in self.counted if batch.quantity)


def soonest_expiry(batches: Iterable[Batch]) -> int | None:
    """When the first of these batches expires (s since the epoch); None if none of them ever does."""
    return min((batch.expires_at for batch in batches if batch.expires_at != NEVER), default=None)


def taken_from(batches: Iterable[Batch], units: int) -> Iterator[tuple[Batch, int]]:
    """The batches that units are taken from in their order, as far as they are there, with the units of each."""
    for batch in batches:
        taken = min(units, batch.quantity)
        if taken > 0:
            yield batch, taken
            units -= taken


def batch_id_of(delivery: str, best_before: str) -> str:
    """The id of the batch that a delivery brings of one ingredient with one best-before."""
    return f"{delivery}@{best_before}"


def ingredient_named(text: str) -> str:
    """The ingredient that a person's spelling means: trimmed, inner white space folded, case folded, composed (NFC).

    Raises:
        ValueError: it is empty, too long, or has characters that cannot be seen.
    """
    name = unicodedata.normalize("NFC", " ".join(text.split()).casefold())
    if not name:
        raise ValueError("is empty")
    if len(name) > MAX_INGREDIENT_LENGTH:
        raise ValueError(f"is longer than {MAX_INGREDIENT_LENGTH} characters")
    if not name.isprintable() or _UNSEEN.search(name):
        raise ValueError("has characters that cannot be seen")
    return name
