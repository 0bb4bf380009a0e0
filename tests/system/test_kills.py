"""The embedded cloud is killed at random moments of real work: what was acknowledged is there, and repeats do the rest.

Deliveries, orders, discards, returns, corrections, reconciles and a simulation run beside each other when the process
gets its SIGKILL. After the restart everything that was acknowledged must be there; then what was not acknowledged is
repeated, as a user would, and must add up to the unit.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from stockctl.aws.errors import EXPECTED
from stockctl.aws.retry import Patience
from stockctl.client.api import StockApi, use_all
from stockctl.client.supplier import deliver
from stockctl.domain.discard import Discard, Discarded
from stockctl.domain.orders import Order
from stockctl.domain.returns import Return, Returned
from stockctl.domain.stock import Level
from stockctl.local.cloud import EmbeddedCloud
from stockctl.operations.correct import Booked, correct
from stockctl.operations.discard import discard
from stockctl.operations.drop_bucket import DropBucket
from stockctl.operations.history_table import HistoryTable
from stockctl.operations.reconcile import reconcile
from stockctl.operations.return_units import Returns, return_units
from stockctl.operations.stock_table import StockTable
from stockctl.operations.use import Tables
from tests.system.conftest import System, system_in

INGREDIENTS = [f"i{number}" for number in range(12)]
PLENTIFUL = "plenty.csv"
PLENTY = 1_000_000
PATIENCE = Patience(seconds=60.0, first_wait=0.05, longest_wait=0.5)


KILLS = 3 if os.environ.get("CI") == "true" else 1


def best_before_of(key: str) -> str:
    return f"2099-01-{1 + len(key) % 28:02}"


@dataclass
class Books:
    """What has been asked for, and what of it was acknowledged, by id."""

    deliveries: dict[str, Counter[str]] = field(default_factory=dict)
    orders: dict[str, Counter[str]] = field(default_factory=dict)
    discards: dict[str, Counter[str]] = field(default_factory=dict)
    returns: dict[str, Counter[str]] = field(default_factory=dict)
    corrections: dict[str, Counter[str]] = field(default_factory=dict)
    acknowledged: set[str] = field(default_factory=set)

    def received(self, *, acknowledged: bool = False) -> Counter[str]:
        """Units of deliveries, and those that corrections added."""
        return self.units(self.deliveries, acknowledged=acknowledged) + self.units(
            self.corrections, acknowledged=acknowledged
        )

    def units(self, of: dict[str, Counter[str]], *, acknowledged: bool = False) -> Counter[str]:
        wanted = (units for name, units in of.items() if not acknowledged or name in self.acknowledged)
        return sum(wanted, Counter())


@dataclass
class Kitchen:
    """A deployed system, and the work that goes on in it."""

    system: System
    books: Books
    chance: random.Random

    @property
    def table(self) -> StockTable:
        return StockTable(self.system.clients.dynamodb, self.system.deployment.stock_table, PATIENCE)

    @property
    def tables(self) -> Tables:
        return Tables(self.table, self.system.deployment.transaction_table, time.time, PATIENCE)

    def levels(self) -> dict[str, Level]:
        holdings = {name: self.table.read(name) for name in INGREDIENTS}
        return {name: holding.level for name, holding in holdings.items() if holding and holding.level}

    def deliver(self, key: str) -> None:
        """Delivers one file, and notes it once its receipt says that all is recorded."""
        units = self.books.deliveries.setdefault(key, self._some(60))
        lines = [f"{name},{number},{best_before_of(key)}" for name, number in units.items()]
        self._recorded(key, "\n".join(lines).encode())
        self.books.acknowledged.add(key)

    def _recorded(self, key: str, content: bytes) -> list[tuple[str, str, int]]:
        bucket = DropBucket(self.system.clients.s3, self.system.deployment.drop_bucket)
        delivered = deliver(bucket, key, content, PATIENCE)
        assert delivered.status in {"recorded", "duplicate"}, delivered
        rows = delivered.findings["recorded"]
        return [(row["ingredient"], row["best_before"], row["quantity"]) for row in rows]

    def correct(self, key: str) -> None:
        """Corrects a delivery that had seven units more of each ingredient, and notes it once that is booked."""
        name, day = f"correction of {key}", best_before_of(key)
        recorded = self.books.deliveries[key]
        self.books.corrections.setdefault(name, Counter(dict.fromkeys(recorded, 7)))
        booked = Booked(key, {(ingredient, day): units for ingredient, units in recorded.items()}, (key,))
        corrected = {(ingredient, day): units + 7 for ingredient, units in recorded.items()}
        correct(self.tables, booked, corrected, self._recorded)
        self.books.acknowledged.add(name)

    def correct_something(self) -> None:
        """Corrects any delivery that has not been corrected."""
        known = [key for key in list(self.books.deliveries) if key in self.books.acknowledged and key != PLENTIFUL]
        waiting = [key for key in known if f"correction of {key}" not in self.books.corrections]
        if waiting:
            self.correct(self.chance.choice(waiting))

    def use(self, names: list[str]) -> None:
        """Sends orders, and notes each as its answer comes."""
        orders = []
        for name in names:
            items = self.books.orders.setdefault(name, self._some(3))
            lines = [{"typeId": ingredient, "quantity": units} for ingredient, units in items.items()]
            orders.append(Order(1, {"transactionId": name, "items": lines}, 100))
        api = StockApi(self.system.clients.session, self.system.deployment.api_url, PATIENCE)
        for order, answer in use_all(api, orders):
            if answer.status_code in {200, 201}:
                self.books.acknowledged.add(order.transaction_id)
            else:
                assert answer.status_code == 503, answer

    def discard(self, name: str) -> None:
        """Discards two units, and notes it once that is answered."""
        units = self.books.discards.setdefault(name, Counter({self.chance.choice(INGREDIENTS): 2}))
        ((ingredient, count),) = units.items()
        outcome = discard(self.tables, Discard(name, ingredient, count, "dropped"))
        assert isinstance(outcome, Discarded), outcome
        self.books.acknowledged.add(name)

    def give_back(self, order: str) -> None:
        """Returns all that an accepted order took, and notes it once that is answered."""
        name = f"return of {order}"
        self.books.returns.setdefault(name, self.books.orders[order])
        deployment, clients = self.system.deployment, self.system.clients
        history = HistoryTable(clients.dynamodb, deployment.history_table, int(deployment.history_days), PATIENCE)
        outcome = return_units(Returns(self.tables, history), Return(name, order, {}))
        assert isinstance(outcome, Returned), outcome
        self.books.acknowledged.add(name)

    def give_something_back(self) -> None:
        """Returns any accepted order that has not come back."""
        taken = [name for name in list(self.books.orders) if name in self.books.acknowledged]
        waiting = [name for name in taken if f"return of {name}" not in self.books.returns]
        if waiting:
            self.give_back(self.chance.choice(waiting))

    def reconcile(self, name: str) -> None:
        reconcile(self.table, name, time.time, PATIENCE)

    def _some(self, most: int) -> Counter[str]:
        names = self.chance.sample(INGREDIENTS, self.chance.randint(1, 4))
        return Counter({name: self.chance.randint(1, most) for name in names})


@pytest.fixture
def seed() -> int:
    return 11


@pytest.fixture
def kitchen(tmp_path: Path, seed: int) -> Iterator[Kitchen]:
    """With plenty of everything."""
    with system_in(tmp_path / "home") as system:
        kitchen = Kitchen(system, Books(), random.Random(seed))  # noqa: S311 - repeatable, not secret
        kitchen.books.deliveries[PLENTIFUL] = Counter(dict.fromkeys(INGREDIENTS, PLENTY))
        kitchen.deliver(PLENTIFUL)
        yield kitchen


def until_it_fails(stopping: threading.Event, work: Callable[[], None]) -> None:
    while not stopping.is_set():
        try:
            work()
        except EXPECTED:
            return


@contextlib.contextmanager
def simulating(system: System, seed: int) -> Iterator[None]:
    """A simulation runs meanwhile, in a stack of its own. It may end in an error, and says what it knows of it."""
    command = system.command("simulate", "--chaos", "--seed", str(seed), "--speed", "60", "--rate", "20")
    simulation = subprocess.Popen(
        command, env=system.variables, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        yield
    finally:
        simulation.send_signal(signal.SIGINT)
        complaints = simulation.communicate(timeout=120)[1]
        assert "defect" not in complaints, complaints


@contextlib.contextmanager
def at_work(kitchen: Kitchen, number: int) -> Iterator[None]:
    """Workers go on until the cloud is gone."""
    counts = iter(range(1_000_000))
    batch = [f"{number}-{position}" for position in range(4_000)]
    stopping = threading.Event()
    works: list[Callable[[], None]] = [
        lambda: kitchen.deliver(f"{number}/{next(counts)}.csv"),
        lambda: kitchen.use([batch.pop() for _ in range(40)]),
        lambda: kitchen.discard(f"discard {number}-{next(counts)}"),
        kitchen.give_something_back,
        kitchen.correct_something,
        lambda: kitchen.reconcile(kitchen.chance.choice(INGREDIENTS)),
    ]
    threads = [threading.Thread(target=until_it_fails, args=(stopping, work)) for work in works]
    for thread in threads:
        thread.start()
    try:
        with simulating(kitchen.system, number):
            yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join(120)
            assert not thread.is_alive()


def kill(cloud: EmbeddedCloud) -> None:
    run = cloud.running()
    assert run is not None
    os.kill(run.pid, signal.SIGKILL)
    while cloud.home.is_locked():
        time.sleep(0.02)


def check_that_nothing_is_lost(kitchen: Kitchen) -> None:
    """Right after the start."""
    books, levels = kitchen.books, kitchen.levels()
    received = books.received(acknowledged=True)
    used = books.units(books.orders, acknowledged=True)
    discarded = books.units(books.discards, acknowledged=True)
    returned = books.units(books.returns, acknowledged=True)
    for name, level in levels.items():
        assert level.adds_up, level
        assert level.received >= received[name], level
        assert level.used >= used[name], level
        assert level.discarded >= discarded[name], level
        assert level.returned >= returned[name], level


def repeat_and_check(kitchen: Kitchen) -> None:
    """What was not acknowledged is asked for again; all that was acknowledged is known."""
    books = kitchen.books
    for key in books.deliveries:
        if key not in books.acknowledged:
            kitchen.deliver(key)
    waiting = [name for name in books.orders if name not in books.acknowledged]
    while waiting:
        kitchen.use(waiting)
        waiting = [name for name in waiting if name not in books.acknowledged]
    for name in [name for name in books.discards if name not in books.acknowledged]:
        kitchen.discard(name)
    for name in [name for name in books.returns if name not in books.acknowledged]:
        kitchen.give_back(name.removeprefix("return of "))
    for name in [name for name in books.corrections if name not in books.acknowledged]:
        kitchen.correct(name.removeprefix("correction of "))
    received, used = books.received(), books.units(books.orders)
    discarded, returned = books.units(books.discards), books.units(books.returns)
    for name, level in kitchen.levels().items():
        assert level.adds_up, level
        assert (level.received, level.used) == (received[name], used[name]), level
        assert (level.discarded, level.returned) == (discarded[name], returned[name]), level


def check_that_it_settles(kitchen: Kitchen) -> None:
    """Once the stream has been processed, batches and levels agree."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        holdings = [kitchen.table.read(name) for name in INGREDIENTS]
        if all(holding and holding.drift == 0 for holding in holdings):
            return
        time.sleep(0.5)
    pytest.fail("batches and levels do not agree")


def check_that_the_simulation_adds_up(system: System) -> None:
    """What earlier runs left is there, and another run on top of it adds up."""
    done = system.stockctl("simulate", "--chaos", "--speed", "60", "--duration", "2m", "-o", "json")
    assert (done.returncode, done.stdout and json.loads(done.stdout)["adds_up"]) == (0, True), done.stderr
    listed = system.stockctl("stock", "--stack", "stockctl-simulation", "-o", "json")
    for level in json.loads(listed.stdout):
        taken = level["quantity"] + level["used"] + level["expired"] + level["discarded"]
        assert level["received"] + level["returned"] == taken, level


def ended_at_random(kitchen: Kitchen, times: int, end: Callable[[EmbeddedCloud], object]) -> None:
    cloud = EmbeddedCloud(kitchen.system.variables)
    for number in range(times):
        with at_work(kitchen, number):
            time.sleep(kitchen.chance.uniform(0.05, 3.0))
            end(cloud)
        cloud.up()
        check_that_nothing_is_lost(kitchen)
        repeat_and_check(kitchen)
    check_that_it_settles(kitchen)
    check_that_the_simulation_adds_up(kitchen.system)
    assert cloud.home.problems() == []


def test_what_was_acknowledged_survives_a_kill(kitchen: Kitchen) -> None:
    ended_at_random(kitchen, KILLS, kill)


@pytest.mark.ci
def test_what_was_acknowledged_survives_a_stop_in_the_middle_of_work(kitchen: Kitchen) -> None:
    """Deliveries that were under way are recorded after the next start."""
    ended_at_random(kitchen, 2, EmbeddedCloud.down)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
def test_what_was_acknowledged_survives_two_hundred_kills(kitchen: Kitchen) -> None:
    """Fifty for each seed."""
    ended_at_random(kitchen, 50, kill)
