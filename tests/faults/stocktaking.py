"""Counts and corrections in the fault tests: the operations, what is crashed, and what runs beside what."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

from stockctl.domain.best_before import DateReading
from stockctl.domain.correction import PREFIX, Corrected, total
from stockctl.domain.count import PREFIX as COUNT
from stockctl.domain.count import BookedLine, Line, Sheet
from stockctl.domain.errors import Busy, OutcomeUnknown
from stockctl.domain.instants import iso_seconds
from stockctl.domain.stock import Batch
from stockctl.domain.transaction import Reused, Unknown
from stockctl.operations.correct import Booked, correct
from stockctl.operations.count import Agreed, Moved, agree, agreed_before, book, compared, lines_in
from stockctl.operations.drop_bucket import DropBucket
from stockctl.operations.record_delivery import Recorder
from tests.engines.clouds import AnyCloud
from tests.faults.cloud_engine import BUCKET, SmallCloud
from tests.faults.crashes import Case
from tests.faults.explorer import Scenario, Setup
from tests.faults.invariants import Truth, ensure, partitions
from tests.faults.operations import HAM, batch, given, in_turn, receiving, reconciling, tables, using
from tests.faults.steps import Cloud, Operation, Stepped
from tests.faults.table_engine import TRANSACTIONS

CrashSetup = Callable[[AnyCloud], None]


def counting(count_id: str, **counted: int) -> Operation:
    """Count: what is there of some ingredients; whoever counts agrees to what is shown, however often it changes."""
    return _counting(Sheet(count_id, 1, counted), len(counted))


def _counting(sheet: Sheet, lines: int) -> Operation:
    """A count that ends after booking some of its lines."""

    def run(cloud: Cloud) -> list[BookedLine]:
        place = tables(cloud)
        for _ in cloud.patience.attempts("counting"):
            found = agreed_before(place, sheet) or agree(place, sheet, compared(place, sheet, None))
            if isinstance(found, Unknown):
                raise Busy("no answer came")
            assert not isinstance(found, Reused)
            if isinstance(found, Agreed):
                return [_booked(cloud, sheet, line) for line in found.lines[:lines]]
            assert isinstance(found, Moved)
        raise AssertionError

    def _booked(cloud: Cloud, sheet: Sheet, line: Line) -> BookedLine:
        try:
            return book(tables(cloud), sheet, line)
        except OutcomeUnknown as error:
            raise Busy("no answer came") from error

    return run


def correcting(recorded: Mapping[str, int], corrected: Mapping[str, int], expires_at: int, key: str) -> Operation:
    """Correct a delivery: units by ingredient, all with one best-before, as recorded and as they should be."""
    best_before = iso_seconds(expires_at)

    def units(by_name: Mapping[str, int]) -> dict[tuple[str, str], int]:
        return total((name, best_before, count) for name, count in by_name.items())

    def run(cloud: Cloud) -> Corrected:
        def deliver(extra: str, content: bytes) -> Iterator[tuple[str, str, int]]:
            bucket = DropBucket(cloud.s3, BUCKET)
            bucket.drop(extra, content)
            recorder = Recorder(bucket, tables(cloud), DateReading(ZoneInfo("UTC")))
            receipt = recorder.record(extra)
            assert receipt is not None
            return ((row["ingredient"], row["best_before"], row["quantity"]) for row in receipt["recorded"])

        try:
            return correct(tables(cloud), Booked(key, units(recorded), (key,)), units(corrected), deliver)
        except OutcomeUnknown as error:
            raise Busy("no answer came") from error

    return run


KEY = "tuesday.csv"
MILK = batch("milk", 7, 6, "milk")
DELIVERED = batch(KEY, 40, 6, "milk")
EXTRAS = tuple(batch(f"extra {number}", units, 6, "milk") for number, units in enumerate((3, 3, 3, 5)))
ANY_EXTRAS = tuple(batch("extra", 2**power, 6, "milk") for power in range(7))
"""What corrections in turns may add: each starts where the last one ended."""
COUNTED = tuple(batch("count", 2**power, 1, name) for power in range(5) for name in (HAM, "cheese"))


def _corrected(units: int) -> Operation:
    return correcting({"milk": 40}, {"milk": units}, 6, KEY)


CORRECTED_UP, CORRECTED_DOWN = _corrected(45), _corrected(38)


def _count_case(name: str, truth: Truth, waiting: CrashSetup, sheet: Sheet) -> Case:
    """A count, which may be agreed on and not booked, or booked in part, when something else comes."""
    whole = len(sheet.counted)
    halves = tuple(_counting(sheet, lines) for lines in range(whole))
    return Case(name, truth, waiting, _counting(sheet, whole), halves=halves)


def crash_cases(truth: Truth, waiting: CrashSetup, delivered: CrashSetup, corrected: CrashSetup) -> tuple[Case, ...]:
    """Counts and corrections, to be struck at each call.

    `delivered` is a kitchen with the delivery that is corrected, `corrected` one where that was done before.
    """
    counts = Truth((*truth.batches, *COUNTED, MILK))
    corrections = Truth((*truth.batches, DELIVERED, *ANY_EXTRAS))
    return (
        _count_case("count less", counts, waiting, Sheet("less", 1, {"cheese": 5, HAM: 5})),
        _count_case("count more", counts, waiting, Sheet("more", 1, {"cheese": 4, HAM: 9})),
        Case("correct less", corrections, delivered, _corrected(35)),
        Case("correct more", corrections, delivered, _corrected(45)),
        Case("correct more than is left", corrections, delivered, in_turn(using(1, "milk", milk=30), _corrected(5))),
        Case("correct what was corrected", corrections, corrected, CORRECTED_DOWN),
    )


def stocktaking(batches: Sequence[Batch], waiting: Setup) -> list[Scenario]:
    """Counts and corrections beside each other and beside other operations, with crashes and lost answers."""
    truth = Truth((*batches, *COUNTED))
    same_count = {"count": counting("c", ham=7), "use, count": in_turn(using(2, "two"), counting("c", ham=7))}
    delivered = given(receiving(DELIVERED))
    two_corrections = Scenario(
        "two corrections",
        Truth((DELIVERED, *EXTRAS)),
        delivered,
        {"to 35": _corrected(35), "to 38": _corrected(38)},
        page_rows=100,
        is_serial=False,
        finally_=_corrected_well,
    )
    return [
        Scenario("one count twice", truth, waiting, same_count, page_rows=100, is_serial=False, finally_=_counted_well),
        *(
            Scenario(
                f"count / {name}, faults",
                truth,
                waiting,
                {"count": counting("c", ham=6), name: operation},
                page_rows=100,
                is_serial=False,
                lost=1,
                deaths=1,
                finally_=_counted_well,
            )
            for name, operation in (("use", using(2, "two")), ("reconcile", reconciling()))
        ),
        two_corrections,
        replace(two_corrections, name="two corrections after one", given=given(receiving(DELIVERED), CORRECTED_UP)),
        replace(two_corrections, name="two corrections, faults", lost=1, deaths=1),
    ]


def _counted_well(cloud: SmallCloud, _ended: Sequence[Stepped]) -> None:
    """What was booked is the difference that was agreed on, once."""
    rows = cloud.dynamodb.store.rows
    agreed = sum(line.difference for line in lines_in(rows[TRANSACTIONS, f"{COUNT}c"]))
    level = partitions(rows)[HAM].level
    ensure(level.received - level.discarded == 12 + agreed, "the differences are booked once", agreed, level)


def _corrected_well(cloud: SmallCloud, _ended: Sequence[Stepped]) -> None:
    """What the record says of the delivery is what was really taken out and added."""
    rows = cloud.dynamodb.store.rows
    row = rows.get((TRANSACTIONS, PREFIX + KEY))
    if row is None or not row["is_done"]["BOOL"]:
        return
    changes = sum(units for name in ("earlier", "booked") for *_, units in json.loads(row[name]["S"]))
    level = partitions(rows)["milk"].level
    ensure(level.received - level.discarded == 40 + changes, "the record says what was booked", row, level)
