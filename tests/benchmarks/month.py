"""A month in the pizzeria, with a forecast at its half and what then happened to the stock of that moment.

`stockctl simulate` compresses its plan, not the clock of the stack: a month at its highest speed takes 43 minutes, and
history has all of it in one day, so there are no daily figures. Here the operations themselves (receive, use,
reconcile) run in process, on the tables of the fault tests, by a clock that jumps from event to event. Menu and
arrivals are those of `simulate`; the number of customers differs by weekday, and from day to day.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, cast

from stockctl.aws.retry import Patience
from stockctl.client.daily_use import daily_use
from stockctl.domain.forecast import Forecast, Pace, forecast
from stockctl.domain.history import Entry, LevelEntry
from stockctl.domain.instants import iso
from stockctl.domain.stock import Batch, Holding, batch_id_of
from stockctl.domain.transaction import Accepted, Transaction
from stockctl.operations.history_table import HistoryTable
from stockctl.operations.receive import receive
from stockctl.operations.reconcile import reconcile
from stockctl.operations.stock_table import StockTable
from stockctl.operations.use import Tables, use
from stockctl.simulation.kitchen import pizzeria
from stockctl.simulation.schedule import CustomerOrder, Schedule
from tests.faults.table_engine import STOCK, TRANSACTIONS, TableEngine

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

START = datetime(2026, 6, 1, tzinfo=UTC)
"""A Monday."""
DAYS, HALF = 30, 15
DAY_SECONDS = 86_400
LEARNED_DAYS, AHEAD_DAYS = 14, 7
"""What `stockctl forecast` learns from and looks ahead, unless it is given other options."""
DELIVERY, LOOK_AHEAD, OPENING, OPEN = (timedelta(hours=hours) for hours in (6, 9, 11, 11))
"""When deliveries come, the forecast is made, and the kitchen opens; and for how long."""
CUSTOMERS = (105, 120, 135, 150, 210, 240, 165)
"""On average, from Monday on."""
WEATHER = 0.15
"""Standard deviation of the factor by which one day has more or fewer customers than its weekday has on average."""


@dataclass(frozen=True)
class StandingOrder:
    """Units of one ingredient that are delivered every few days from a day on, and the days they keep."""

    ingredient: str
    units: int
    every: int
    keeps: int
    first: int = 0


STANDING_ORDERS = (
    StandingOrder("dough", 560, 3, 4),
    StandingOrder("tomato sauce", 1200, 7, 21),
    StandingOrder("mozzarella", 620, 2, 4),
    StandingOrder("ham", 400, 4, 5),
    StandingOrder("pepperoni", 760, 7, 14),
    StandingOrder("basil", 190, 2, 3),
    StandingOrder("mushroom", 360, 3, 5),
    StandingOrder("pepper", 190, 4, 6),
    StandingOrder("pineapple", 230, 7, 8),
    StandingOrder("olive", 620, 7, 28),
)
"""All but those that keep for weeks bring more than is used before it expires."""


class RememberedHistory(HistoryTable):
    """The level changes of a month, in memory."""

    def __init__(self) -> None:
        self.changes: dict[str, list[LevelEntry]] = {}

    def write(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            if isinstance(entry, LevelEntry):
                self.changes.setdefault(entry.ingredient, []).append(entry)

    def last_before(self, ingredient: str, moment: datetime) -> LevelEntry | None:
        place = self._place(ingredient, moment)
        return self.changes[ingredient][place - 1] if place else None

    def first_from(self, ingredient: str, moment: datetime) -> LevelEntry | None:
        return next(iter(self.changes[ingredient][self._place(ingredient, moment) :]), None)

    def _place(self, ingredient: str, moment: datetime) -> int:
        return bisect_left(self.changes[ingredient], iso(moment.timestamp()), key=lambda entry: entry.at)


@dataclass
class Outlived:
    """A forecast, and what became of the stock that it was made of.

    `made_of` are the batch ids of that stock, `made_at` is the time of the forecast. `gone_at` is when the last unit
    left, used or expired. `unused` are the units that expired within the days that the forecast looked ahead. Later
    deliveries change neither: they expire later, so they are used later.
    """

    forecast: Forecast
    made_of: frozenset[str]
    used_before: int
    made_at: float
    gone_at: float | None = None
    expired: int = 0
    unused: int = 0


class Month:
    """The kitchen of one seed, run day by day."""

    def __init__(self, seed: int) -> None:
        self._seed, self._now = seed, START.timestamp()
        self._engine = TableEngine()
        stock = StockTable(cast("DynamoDBClient", self._engine), STOCK)
        self._tables = Tables(stock, TRANSACTIONS, lambda: self._now, Patience())
        self._history = RememberedHistory()
        self._outlived: dict[str, Outlived] = {}
        self._weather = Random(f"weather {seed}")  # noqa: S311 - a repeatable month
        self.served = self.refused = 0

    def run(self) -> list[Outlived]:
        """Runs the month, with a forecast in the morning after its half."""
        for day in range(DAYS):
            midnight = START + timedelta(days=day)
            self._deliver(day, midnight + DELIVERY)
            if day == HALF:
                self._look_ahead(midnight + LOOK_AHEAD)
            self._serve(day, midnight + OPENING)
            self._close(midnight + timedelta(days=1))
        return list(self._outlived.values())

    def _deliver(self, day: int, moment: datetime) -> None:
        self._now = moment.timestamp()
        for order in STANDING_ORDERS:
            if day >= order.first and (day - order.first) % order.every == 0:
                receive(self._tables.stock, [_batch(order, day)], self._tables.clock, self._tables.patience)
                self._record(order.ingredient)

    def _look_ahead(self, moment: datetime) -> None:
        self._now = moment.timestamp()
        holdings = list(self._holdings())
        names = [holding.level.ingredient for holding in holdings]
        figures = daily_use(self._history, names, moment, LEARNED_DAYS)
        for holding in holdings:
            found = forecast(holding, Pace.of(figures[holding.level.ingredient]), moment, AHEAD_DAYS)
            made_of = frozenset(batch.batch_id for batch in holding.batches)
            self._outlived[found.ingredient] = Outlived(found, made_of, holding.level.used, self._now)

    def _serve(self, day: int, opening: datetime) -> None:
        customers = CUSTOMERS[opening.weekday()] * max(0.0, self._weather.gauss(1, WEATHER))
        minutes = OPEN.total_seconds() / 60
        kitchen = replace(pizzeria().at_rate(customers / minutes), suppliers=())
        plan = Schedule.of(kitchen, OPEN.total_seconds(), self._seed * DAYS + day)
        for event in plan.events:
            if isinstance(event, CustomerOrder):
                self._now = opening.timestamp() + event.at
                self._place(f"{day}-{event.number}", event)

    def _place(self, name: str, order: CustomerOrder) -> None:
        outcome = use(self._tables, Transaction(name, dict(order.dish.items)))
        if not isinstance(outcome, Accepted):
            self.refused += 1
            return
        self.served += 1
        for ingredient in order.dish.items:
            self._record(ingredient)

    def _close(self, midnight: datetime) -> None:
        """Charges the day's usage, and writes off what expires at its end."""
        at = int(midnight.timestamp())
        for holding in list(self._holdings()):
            name = holding.level.ingredient
            self._now = at - 1
            reconcile(self._tables.stock, name, self._tables.clock, self._tables.patience)
            self._count_expiring(name, at)
            self._now = at
            if reconcile(self._tables.stock, name, self._tables.clock, self._tables.patience).written_off:
                self._record(name)
            self._note_if_gone(name)
        self._forget_transactions()

    def _count_expiring(self, name: str, at: int) -> None:
        outlived, holding = self._outlived.get(name), self._tables.stock.read(name)
        if outlived is None or holding is None:
            return
        expiring = [batch for batch in holding.counted if batch.is_due(at) and batch.batch_id in outlived.made_of]
        units = sum(batch.quantity for batch in expiring)
        outlived.expired += units
        outlived.unused += units if at <= outlived.made_at + AHEAD_DAYS * DAY_SECONDS else 0

    def _record(self, name: str) -> None:
        level = self._tables.stock.level(name)
        assert level is not None
        assert level.adds_up
        self._history.write([LevelEntry.of(level)])
        self._note_if_gone(name)

    def _note_if_gone(self, name: str) -> None:
        outlived = self._outlived.get(name)
        if outlived is None or outlived.gone_at is not None:
            return
        used = self._history.changes[name][-1].used - outlived.used_before
        if used + outlived.expired >= outlived.forecast.on_hand:
            outlived.gone_at = self._now

    def _holdings(self) -> Iterator[Holding]:
        return filter(None, (self._tables.stock.read(order.ingredient) for order in STANDING_ORDERS))

    def _forget_transactions(self) -> None:
        """No id comes twice here, and the engine copies all rows for each commit."""
        store = self._engine.store
        self._engine.store = replace(store, rows={key: row for key, row in store.rows.items() if key[0] == STOCK})


def _batch(order: StandingOrder, day: int) -> Batch:
    """Good through the end of its last day."""
    last = START + timedelta(days=day + order.keeps - 1)
    delivery, best_before = f"day {day}.csv", last.date().isoformat()
    return Batch(
        order.ingredient,
        batch_id_of(delivery, best_before),
        delivery,
        order.units,
        order.units,
        best_before,
        int((last + timedelta(days=1)).timestamp()),
        "etag",
        iso((START + timedelta(days=day) + DELIVERY).timestamp()),
    )
