"""Reports: what came into stock and what left it in a period, and how much of that was wasted.

Figures are differences between the running totals in history, so they add up to those of the levels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property, reduce

from stockctl.domain.count import discard_id
from stockctl.domain.discard import Removal
from stockctl.domain.history import ChargeEntry, Entry, LevelEntry, RecordedChange, changes
from stockctl.domain.returns import is_return
from stockctl.domain.stock import Batch

UNKNOWN_REASON = "unknown"
"""The reason of discards whose record is gone, or whose change is not in history."""

CORRECTION = "correction"
"""The reason of units that were never there: a delivery was recorded with too many. They are no waste."""


@dataclass(frozen=True)
class DiscardRecord:
    """What is on record of one discard."""

    reason: str
    removals: tuple[Removal, ...]


Discards = Mapping[str, DiscardRecord]
"""The discards of a period by their id."""


@dataclass(frozen=True)
class Movement:
    """Units that came and went. `discarded` has them by reason."""

    received: int = 0
    returned: int = 0
    used: int = 0
    expired: int = 0
    discarded: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: Movement) -> Movement:
        return Movement(
            self.received + other.received,
            self.returned + other.returned,
            self.used + other.used,
            self.expired + other.expired,
            self.discarded if not other.discarded else dict(Counter(self.discarded) + Counter(other.discarded)),
        )

    @property
    def all_discarded(self) -> int:
        """Units discarded for any reason."""
        return sum(self.discarded.values())

    @property
    def wasted(self) -> int:
        """Units that expired or were discarded, without corrections."""
        return self.expired + self.all_discarded - self.discarded.get(CORRECTION, 0)

    @property
    def waste(self) -> float | None:
        """Wasted units as a share of all that left stock for good, from 0 to 1; None if nothing did."""
        return waste_share(self.wasted, self.used, self.returned)


def waste_share(wasted: int, used: int, returned: int) -> float | None:
    """Wasted units as a share of all that left stock for good, from 0 to 1; None if nothing did."""
    gone = max(wasted, used - returned + wasted)
    return wasted / gone if gone else None


@dataclass(frozen=True)
class ReportLine:
    """The units of one ingredient, supplier or day; `on_hand` is what was left at the end, if it is known."""

    name: str
    movement: Movement
    on_hand: int | None = None


@dataclass(frozen=True)
class Account:
    """One ingredient in a period: its history, the level change before it, and its batches at the end."""

    ingredient: str
    opening: LevelEntry | None
    entries: Sequence[Entry]
    batches: Sequence[Batch] = ()

    @cached_property
    def changes(self) -> list[RecordedChange]:
        """The level changes, the oldest first."""
        return list(changes([entry for entry in self.entries if isinstance(entry, LevelEntry)], self.opening))

    @property
    def charges(self) -> list[ChargeEntry]:
        """The charges to batches."""
        return [entry for entry in self.entries if isinstance(entry, ChargeEntry)]

    @property
    def is_cut(self) -> bool:
        """Whether its history begins within the period: what the first change moved is not known."""
        return bool(self.changes) and self.changes[0].before is None

    @property
    def on_hand(self) -> int | None:
        """Units at the end of the period; None if no change is known."""
        last = self.changes[-1].entry if self.changes else self.opening
        return last.quantity if last else None


def discard_id_of(entry: LevelEntry) -> str | None:
    """The id of the discard that a change was, where it may have been one: a count discards or adds."""
    kind, _, name = entry.cause.partition(" ")
    if kind == "count":
        return discard_id(name, entry.ingredient)
    return name if kind == "discard" else None


def supplier_of(delivery: str) -> str:
    """The supplier's folder in the drop bucket; empty for a delivery in no folder."""
    folder, slash, _ = delivery.partition("/")
    return folder if slash else ""


def total(lines: Iterable[ReportLine]) -> Movement:
    """All units of some lines."""
    return reduce(Movement.__add__, (line.movement for line in lines), Movement())


def by_ingredient(accounts: Iterable[Account], discards: Discards) -> list[ReportLine]:
    """A line for each ingredient, those with most waste first."""
    lines = (
        ReportLine(account.ingredient, _sum(_movement(change, discards) for change in account.changes), account.on_hand)
        for account in accounts
    )
    return _most_wasted_first(lines)


def by_day(accounts: Sequence[Account], discards: Discards, since: datetime, until: datetime) -> list[ReportLine]:
    """A line for each day of the period in the time zone of `until`, the oldest first; none before history begins."""
    if not any(account.opening for account in accounts):
        changed = (datetime.fromisoformat(change.entry.at) for account in accounts for change in account.changes)
        since = max(since, min(changed, default=until))
    days = dict.fromkeys(_days(since.astimezone(until.tzinfo), until), Movement())
    for account in accounts:
        for change in account.changes:
            day = datetime.fromisoformat(change.entry.at).astimezone(until.tzinfo).date()
            days[day] = days.get(day, Movement()) + _movement(change, discards)
    return [ReportLine(day.isoformat(), days[day]) for day in sorted(days)]


def by_supplier(accounts: Iterable[Account], discards: Discards) -> list[ReportLine]:
    """What became of the deliveries received in the period: a line for each supplier, those with most waste first.

    What a delivery brought, and what came back of it after a use, is used, discarded or on hand, or else it has
    expired. Of units that came back, were not used again and are gone by now, nothing is known here.
    """
    fates: dict[str, tuple[Movement, int]] = {}
    for account in accounts:
        for delivery, movement, left in _fates(account, discards):
            known, before = fates.get(supplier_of(delivery), (Movement(), 0))
            fates[supplier_of(delivery)] = known + movement, before + left
    return _most_wasted_first(ReportLine(name, movement, left) for name, (movement, left) in fates.items())


def _days(since: datetime, until: datetime) -> Iterator[date]:
    return (since.date() + timedelta(days=number) for number in range((until.date() - since.date()).days + 1))


def _most_wasted_first(lines: Iterable[ReportLine]) -> list[ReportLine]:
    return sorted(lines, key=lambda line: (-line.movement.wasted, line.name))


def _sum(movements: Iterable[Movement]) -> Movement:
    return reduce(Movement.__add__, movements, Movement())


def _movement(change: RecordedChange, discards: Discards) -> Movement:
    """What one change moved; nothing if the level before it is not known."""
    after, before = change.entry, change.before
    if before is None:
        return Movement()
    discarded = after.discarded - before.discarded
    return Movement(
        after.received - before.received,
        after.returned - before.returned,
        after.used - before.used,
        after.expired - before.expired,
        {_reason(change, discards): discarded} if discarded else {},
    )


def _reason(change: RecordedChange, discards: Discards) -> str:
    record = discards.get(discard_id_of(change.entry) or "")
    return record.reason if record and not change.missing else UNKNOWN_REASON


def _received(account: Account) -> Counter[str]:
    """Units by delivery, of the deliveries in the period."""
    received: Counter[str] = Counter()
    for change in account.changes:
        kind, _, delivery = change.entry.cause.partition(" ")
        units = _movement(change, {}).received
        if kind == "delivery" and units:
            received[delivery] += units
    return received


def _fates(account: Account, discards: Discards) -> Iterator[tuple[str, Movement, int]]:
    """What became of each delivery of an ingredient, and what is left of it.

    A batch that is still there knows what was charged to it; of those that are gone, history does.
    """
    live = {batch.batch_id for batch in account.batches}
    charged: Counter[str] = Counter()
    came_back: Counter[str] = Counter()
    for charge in account.charges:
        if charge.batch_id not in live:
            charged[charge.delivery] += charge.units
            came_back[charge.delivery] += charge.units if is_return(charge.batch_id) else 0
    discarded = _discarded(account, discards)
    for delivery, received in _received(account).items():
        batches = [batch for batch in account.batches if batch.delivery == delivery]
        left = sum(batch.quantity for batch in batches)
        used = charged[delivery] + sum(batch.received - batch.quantity - batch.discarded for batch in batches)
        reasons = discarded.get(delivery, Counter())
        forgotten = max(0, sum(batch.discarded for batch in batches) - reasons.total())
        reasons += Counter({UNKNOWN_REASON: forgotten})
        returned = came_back[delivery] + sum(batch.received for batch in batches if is_return(batch.batch_id))
        expired = max(0, received + returned - used - reasons.total() - left)
        yield delivery, Movement(received, returned, used, expired, dict(reasons)), left


def _discarded(account: Account, discards: Discards) -> dict[str, Counter[str]]:
    """Units that were discarded, by delivery and reason."""
    found: dict[str, Counter[str]] = {}
    for change in account.changes:
        if record := discards.get(discard_id_of(change.entry) or ""):
            for removal in record.removals:
                found.setdefault(removal.delivery, Counter())[record.reason] += removal.units
    return found
