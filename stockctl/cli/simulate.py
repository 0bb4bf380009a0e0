"""`stockctl simulate`: simulates a kitchen on a real stack, with the screen of `watch`."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stockctl.cli.session import Session, with_session
from stockctl.cli.settings import SIMULATION_STACK
from stockctl.domain.errors import Refused, UsageError
from stockctl.domain.stock import ingredient_named
from stockctl.terminal.durations import duration_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stockctl.cli.watch_feed import Stock
    from stockctl.client.api import StockApi
    from stockctl.domain.api import Answer
    from stockctl.operations.use import Tables
    from stockctl.simulation.kitchen import Kitchen
    from stockctl.simulation.schedule import Schedule

REPORTS = (".html", ".svg", ".json")


@with_session
def simulate(
    session: Session,
    ingredient: Annotated[
        str | None,
        typer.Argument(metavar="INGREDIENT", help="Simulate one ingredient instead of the whole kitchen."),
    ] = None,
    duration: Annotated[str, typer.Option(help="Simulated time to run.", metavar="DURATION")] = "5m",
    speed: Annotated[float, typer.Option(help="Speed-up factor.", min=0.1, max=1000, metavar="TIMES")] = 1.0,
    seed: Annotated[int | None, typer.Option(help="Random seed; the same seed repeats a run.", metavar="N")] = None,
    rate: Annotated[
        float | None, typer.Option(help="Customers per simulated minute.", min=0, max=10_000, metavar="N")
    ] = None,
    chaos: Annotated[
        bool, typer.Option("--chaos", help="Delay and repeat deliveries, repeat and cancel orders, drop food.")
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option(help="Write charts and figures to this file: .html, .svg or .json.", metavar="FILE"),
    ] = None,
    allow_other_data: Annotated[
        bool, typer.Option("--allow-other-data", help="Allow a stack that holds other stock.")
    ] = False,
) -> None:
    """Simulate a kitchen, and watch it live.

    Suppliers deliver, customers order, stock expires; with --chaos, a clumsy cook cancels orders and drops food. It
    runs in the stack stockctl-simulation, which is created on the embedded cloud when it is missing. --stack names
    another one, which must be there.

    Ends with the orders served and refused, the units received, used, expired and on hand, and whether they add up.
    Ctrl-C ends it early.

    Examples:
        stockctl simulate
        stockctl simulate pepperoni --speed 10
        stockctl simulate --chaos --seed 1 --speed 60 --duration 10m --report run.html
    """
    from stockctl.simulation.schedule import Schedule

    seconds = duration_of(duration, "--duration").total_seconds()
    if report and report.suffix.lower() not in REPORTS:
        raise UsageError(f"--report {str(report)!r} has no known format", f"End the name in {', '.join(REPORTS)}.")
    if report and not report.parent.is_dir():
        raise UsageError(f"--report: there is no folder {str(report.parent)!r}", "Create it first, or name another.")
    kitchen = _kitchen(ingredient, rate)
    seed = seed if seed is not None else random.randrange(1_000_000)  # noqa: S311 - it only distinguishes runs
    plan = Schedule.of(kitchen, seconds, seed, chaos=chaos)
    _simulate(in_own_stack(session), plan, speed, report, allow_other_data=allow_other_data)


def in_own_stack(session: Session) -> Session:
    """The session in the stack for simulations, which is made on demand, unless --stack names another."""
    if session.settings.is_option("stack"):
        return session
    return Session(session.environment, replace(session.settings, stack=SIMULATION_STACK), SIMULATION_STACK)


@dataclass(frozen=True)
class SimulatedCook:
    """What the simulation asks of a stack: orders and their returns over HTTP, discards on its tables."""

    api: StockApi
    tables: Tables

    def use(self, transaction_id: str, items: Mapping[str, int]) -> Answer:
        """Sends an order."""
        return self.api.use(transaction_id, items)

    def return_units(self, return_id: str, transaction_id: str) -> Answer:
        """Cancels an order."""
        return self.api.return_units(return_id, transaction_id)

    def discard(self, discard_id: str, ingredient: str, units: int) -> int:
        """Takes units out of stock, and returns how many: none where there are too few.

        Raises:
            Busy: contention outlasted the deadline; nothing changed.
        """
        from stockctl.domain.discard import Discard, Discarded
        from stockctl.operations.discard import discard

        outcome = discard(self.tables, Discard(discard_id, ingredient, units, "dropped"))
        return units if isinstance(outcome, Discarded) else 0


def _kitchen(ingredient: str | None, rate: float | None) -> Kitchen:
    from stockctl.simulation.kitchen import pizzeria, single

    try:
        kitchen = single(ingredient_named(ingredient)) if ingredient is not None else pizzeria()
    except ValueError as error:
        raise UsageError(f"the ingredient {ingredient!r} {error}", "Any name will do, such as pepperoni.") from error
    return kitchen.at_rate(rate) if rate is not None else kitchen


def _simulate(session: Session, plan: Schedule, speed: float, report: Path | None, *, allow_other_data: bool) -> None:
    from stockctl.cli.simulation_run import SimulationRun
    from stockctl.cli.watch_feed import feeds_of
    from stockctl.simulation.service import Service

    refuse_other_data(session.stock_table, allow_other_data)
    cook = SimulatedCook(session.api, session.tables)
    with feeds_of(session, plan.kitchen.ingredients) as feeds:
        service = Service(plan, cook, session.drop_bucket, speed, time.time, time.sleep)
        SimulationRun(session, service, feeds).run(report)


def refuse_other_data(stock: Stock, allowed: bool) -> None:
    """Keeps the simulation off a stack that is in use.

    Raises:
        Refused: the stack holds stock that no simulation delivered, and that is not `allowed`.
    """
    from stockctl.simulation.service import PREFIX

    if allowed:
        return
    for level in stock.levels(None):
        holding = stock.read(level.ingredient)
        if holding is None or any(not batch.delivery.startswith(PREFIX) for batch in holding.batches):
            raise Refused(
                f"this stack holds other data: {level.quantity:,} of {level.ingredient}",
                "Use another --stack, or --allow-other-data to use and write off stock beside it.",
            )
