"""What runs beside what, and which faults may strike: the scenarios that the tests explore to the last interleaving.

`quick` are those of every test run in CI; `thorough` are more actors, more time and more faults, for `--long`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import combinations_with_replacement
from typing import Any

from stockctl.domain.receipt import receipt_key
from tests.faults.cloud_engine import SmallCloud, Snapshot, etag_of, version_of
from tests.faults.explorer import Scenario
from tests.faults.invariants import Truth, ensure, partitions, returned_parts
from tests.faults.operations import (
    HAM,
    batch,
    csv,
    discarding,
    given,
    in_turn,
    publishing,
    recalling,
    receiving,
    reconciling,
    recording,
    returning,
    using,
    using_many,
)
from tests.faults.steps import Operation, Stepped
from tests.faults.stocktaking import stocktaking

SOON = batch("soon", 3, 1)
LATER = batch("later", 9, 3)
BETWEEN = batch("between", 20, 2)
SAME_TIME = batch("same", 1, 1)
BATCHES = (SOON, LATER, BETWEEN, SAME_TIME)
TRUTH = Truth(BATCHES)

FRESH = given(receiving(SOON), receiving(LATER))
"""12 units, of which 3 expire at second 1 and 9 at second 3."""
WAITING = given(receiving(SOON), receiving(LATER), using(4, "before"))
"""The same with 4 used, and not yet charged to batches."""
CHARGED = given(receiving(SOON), receiving(LATER), using(4, "before"), reconciling())
"""The same with the 4 charged: the first batch is empty."""
EMPTY = given()
GIVENS = {"fresh": FRESH, "waiting": WAITING, "charged": CHARGED}

USED = given(receiving(SOON), receiving(LATER), using(4, "before"), history=True)
"""4 of 12 units are used, and not yet charged to batches."""
TRACED = given(receiving(SOON), receiving(LATER), using(4, "before"), reconciling(), history=True)
"""The same with the 4 charged."""
ONE_BACK = given(
    *(receiving(SOON), receiving(LATER), using(4, "before"), reconciling(), returning("before", "one", ham=1)),
    history=True,
)
"""The same with one of the 4 returned."""

OPERATIONS: dict[str, Operation] = {
    "use": using(2, "two"),
    "use most": using(8, "eight"),
    "receive": receiving(BETWEEN),
    "receive again": receiving(SOON),
    "reconcile": reconciling(),
    "publish": publishing(),
    "use many": using_many(two=2, five=5, one=1),
    "discard": discarding(3, "three"),
    "discard later": discarding(7, "seven", LATER.delivery),
}

QUICK_PAIRS = (
    ("use", "use most"),
    ("use", "use"),
    ("use most", "receive"),
    ("use", "reconcile"),
    ("receive", "receive"),
    ("receive", "reconcile"),
    ("receive again", "reconcile"),
    ("reconcile", "reconcile"),
    ("use", "publish"),
    ("use", "use many"),
)

DISCARD_PAIRS = (
    ("use most", "discard later"),
    ("use", "discard"),
    ("reconcile", "discard"),
    ("discard", "discard later"),
    ("receive", "discard"),
)


RETURNS: dict[str, Operation] = {
    "return": returning("before", "all"),
    "return some": returning("before", "some", ham=2),
}
"""They need history, which the other scenarios do without."""


def pair(first: str, second: str) -> dict[str, Operation]:
    known = {**OPERATIONS, **RETURNS}
    return {first: known[first], f"{second} (2)": known[second]}


def interleaved(name: str, start: str, operations: dict[str, Operation], *, ticks: int, removals: int) -> Scenario:
    """Beside each other, with time passing and rows removed by time to live."""
    is_serial = not any("many" in one for one in operations)  # many are a series of operations, not one
    return Scenario(
        name,
        TRUTH,
        GIVENS[start],
        operations,
        ticks=ticks,
        removals=removals,
        is_serial=is_serial,
        settles=ticks > 1,
    )


def quick_interleavings() -> list[Scenario]:
    pairs = [
        interleaved(f"{a} / {b}, waiting", "waiting", pair(a, b), ticks=int("many" not in b), removals=1)
        for a, b in QUICK_PAIRS
    ]
    triples = [
        interleaved(f"{' / '.join(names)}, {start}", start, named(*names), ticks=1, removals=0)
        for start, names in (
            ("fresh", ("use", "receive", "reconcile")),
            ("waiting", ("use most", "reconcile", "receive again")),
        )
    ]
    firsts = {"receive": receiving(LATER), "receive another": receiving(SOON)}
    first = Scenario("two first deliveries", TRUTH, EMPTY, firsts, ticks=1, removals=1)
    return [*pairs, *triples, first, _same_again(), _empty_and_due(), *_expired_first()]


def _same_again() -> Scenario:
    """Beside an allocation a batch comes and expires: the roster's units are as before, but uses were absorbed."""
    brief = receiving(SAME_TIME), receiving(SOON)
    operations = {"reconcile": reconciling(), "receive, reconcile": in_turn(*brief, reconciling())}
    start = given(receiving(LATER), using(2, "before"))
    return Scenario("the same units again", TRUTH, start, operations, ticks=1, page_rows=100, is_serial=False)


def _empty_and_due() -> Scenario:
    """A use is charged while another reconciler, who has read before it, clears an empty batch away: no unit moves."""
    start = given(receiving(SOON), receiving(LATER), using(3, "before"), reconciling())
    operations = {"reconcile": reconciling(), "use, reconcile": in_turn(using(1, "one"), reconciling())}
    return Scenario("empty and due", TRUTH, start, operations, ticks=1, page_rows=100, is_serial=False)


def _expired_first() -> list[Scenario]:
    """Usage is charged to an expired batch while the row of another one is gone, or not visible yet."""
    start = given(receiving(SOON), receiving(SAME_TIME), receiving(LATER), using(2, "before"))
    reconcilers = {"reconcile": reconciling(), "reconcile (2)": reconciling()}
    delivering = {"reconcile": reconciling(), "receive": receiving(BETWEEN)}
    return [
        Scenario(
            "expired first, rows gone", TRUTH, start, reconcilers, ticks=1, removals=1, page_rows=100, is_serial=False
        ),
        Scenario(
            "expired first, in flight", TRUTH, start, delivering, ticks=1, skewed=1, page_rows=100, is_serial=False
        ),
    ]


def named(*names: str) -> dict[str, Operation]:
    return {f"{name} ({number})": OPERATIONS[name] for number, name in enumerate(names, 1)}


def thorough_interleavings() -> list[Scenario]:
    pairs = [
        interleaved(f"{a} / {b}, {start}, long", start, pair(a, b), ticks=2, removals=2)
        for a, b in combinations_with_replacement(OPERATIONS, 2)
        for start in GIVENS
    ]
    triples = [
        interleaved(f"{' / '.join(names)}, {start}, long", start, named(*names), ticks=1, removals=1)
        for names in (
            ("use", "use most", "reconcile"),
            ("use", "reconcile", "reconcile"),
            ("receive", "reconcile", "reconcile"),
            ("receive", "use most", "reconcile"),
            ("receive", "receive", "use"),
            ("receive again", "receive", "reconcile"),
            ("use", "use", "use most"),
            ("publish", "publish", "use"),
        )
        for start in ("fresh", "waiting")
    ]
    return [*pairs, *triples]


def crashing(*, lost: int = 1, deaths: int = 1, refused: int = 0, undone: int = 0, ticks: int = 1) -> list[Scenario]:
    """Pairs of which one dies between any two calls, or loses any answer, or is refused; then all of it comes again."""
    return [
        Scenario(
            f"{a} / {b}, faults",
            TRUTH,
            WAITING,
            pair(a, b),
            ticks=ticks,
            lost=lost,
            deaths=deaths,
            refused=refused,
            undone=undone,
            page_rows=100,
            is_serial="many" not in b,
        )
        for a, b in QUICK_PAIRS
    ]


LARGE = {
    "discard / discard later, in time",
    "expired first, in flight",
    "expired first, rows gone",
    "receive / reconcile, waiting",
    "reconcile / reconcile, waiting",
    "return / receive, faults",
    "return / receive, in time",
    "return / receive, skewed",
    "return / reconcile, in time",
    "return / return some, in any order",
    "return / return some, one unit back, in any order",
    "return / use most, faults",
    "return / use most, in time",
    "return / use most, skewed",
    "return some / discard later, faults",
    "return some / discard later, in time",
    "return some / discard later, skewed",
    "recall, faults",
    "return, faults",
    "return, late history",
    "reconcile / reconcile, waiting, skewed, locked",
    "two corrections, faults",
    "stale row, charging",
    "stale row, delivering",
    "stale row, delivering, locked",
    "use / publish, waiting",
    "use / receive / reconcile, fresh",
    "use / reconcile, waiting",
    "use / use most, waiting",
    "use / use, waiting",
    "use many / use many, fresh, skewed, locked",
    "use many / use many, waiting, skewed, locked",
    "use most / reconcile / receive again, waiting",
}
"""Take about a second or more each: explored in CI and with `--long`."""


def quick() -> list[Scenario]:
    """What every test run explores, the large ones in CI and with `--long` only."""
    return [
        *quick_interleavings(),
        *crashing(ticks=0, undone=1),
        *skewed(),
        *stale_rows(),
        *deliveries(),
        *small_parts(),
        *discards(),
        *returns(),
        *recalls(),
        *stocktaking(BATCHES, WAITING),
    ]


def thorough() -> list[Scenario]:
    """What `--long` explores besides."""
    return [
        *thorough_interleavings(),
        *crashing(lost=2, refused=1),
        *skewed(GIVENS.keys(), ticks=1),
        *deliveries_in_time(),
    ]


def skewed(starts: Iterable[str] = ("fresh", "waiting"), ticks: int = 0) -> list[Scenario]:
    """Pairs, of one of whose transactions readers miss a part for a while; without and with locks on what is missed."""
    return [
        Scenario(
            f"{a} / {b}, {start}, skewed{', locked' if locked else ''}",
            TRUTH,
            GIVENS[start],
            pair(a, b),
            skewed=1,
            locked=locked,
            ticks=ticks,
            page_rows=100,
            is_serial="many" not in b,
        )
        for a, b in (*QUICK_PAIRS, ("use many", "use many"))
        for locked in (False, True)
        for start in starts
    ]


def discards() -> list[Scenario]:
    """Discards beside other operations: in any order, with faults, and with a part that readers do not see yet."""
    variants: tuple[tuple[str, dict[str, Any]], ...] = (
        ("in any order", {"is_serial": True, "settles": True}),
        ("in time", {"ticks": 1}),
        ("faults", {"given": CHARGED, "lost": 1, "deaths": 1, "undone": 1}),
        ("skewed", {"given": CHARGED, "skewed": 1}),
    )
    plain = [
        Scenario(f"{a} / {b}", TRUTH, WAITING, pair(a, b), page_rows=100, is_serial=False) for a, b in DISCARD_PAIRS
    ]
    return [replace(one, name=f"{one.name}, {name}", **more) for one in plain for name, more in variants]


RETURN_PAIRS = (
    ("return", "return some"),
    ("return", "use most"),
    ("return", "receive"),
    ("return", "reconcile"),
    ("return some", "discard later"),
)


def returns() -> list[Scenario]:
    """Returns beside each other and other operations; readers may miss what came back, or history is late."""
    variants: tuple[tuple[str, dict[str, Any]], ...] = (
        ("in any order", {"is_serial": True, "settles": True}),
        ("in time", {"ticks": 1, "settles": True}),
        ("faults", {"given": TRACED, "lost": 1, "deaths": 1, "undone": 1}),
        ("skewed", {"given": TRACED, "skewed": 1}),
    )
    together, *beside = [_returning(f"{a} / {b}", pair(a, b)) for a, b in RETURN_PAIRS]
    alone = _returning("return", {"return": RETURNS["return"]})
    return [
        replace(together, name="return / return some, in any order", is_serial=True, settles=True),
        replace(together, name="return / return some, one unit back, in any order", given=ONE_BACK, is_serial=True),
        *(replace(one, name=f"{one.name}, {name}", **more) for one in beside for name, more in variants),
        replace(alone, name="return, late history", skewed=2),
        replace(alone, name="return, faults", lost=2, undone=1, deaths=1, ticks=1),
    ]


def recalls() -> list[Scenario]:
    """Recalls beside each other, uses and returns: in the end nothing is left of the delivery."""
    recall = recalling(LATER.delivery)
    beside = {"recall (2)": recall, "use": using(2, "two"), "return": RETURNS["return"]}
    plain = [
        Scenario(f"recall / {name}", TRUTH, TRACED, {"recall": recall, name: other}, page_rows=100, is_serial=False)
        for name, other in beside.items()
    ]
    alone = replace(plain[0], name="recall, faults", operations={"recall": recall}, finally_=_nothing_is_left)
    return [*plain, replace(alone, lost=2, undone=1, deaths=1, ticks=1)]


def _nothing_is_left(cloud: SmallCloud, _ended: Sequence[Stepped]) -> None:
    """Whatever failed on the way, a recall that came again took out all of the delivery."""
    batches = [batch for one in partitions(cloud.dynamodb.store.rows).values() for batch in one.batches]
    left = [batch for batch in batches if batch.delivery == LATER.delivery and batch.quantity]
    ensure(not left, "nothing is left of the delivery", left)


def _returning(name: str, operations: dict[str, Operation]) -> Scenario:
    finally_ = _all_came_back if "return" in operations else None
    return Scenario(name, TRUTH, USED, operations, page_rows=100, is_serial=False, finally_=finally_)


def _all_came_back(cloud: SmallCloud, _ended: Sequence[Stepped]) -> None:
    """Every unit that the transaction took is dealt with, and all that had not expired is back."""
    rows = cloud.dynamodb.store.rows
    parts = [part for _, part in returned_parts(rows)]
    ensure(sum(part.units for part in parts) == 4, "all units came back, or had expired", parts)
    ensure(all(part.best_before for part in parts), "no unit is lost", parts)


FILE = csv(SOON, LATER, BETWEEN)
OTHER_FILE = csv(batch("x", 7, 3), batch("x", 5, 2, "cheese"))
KEY = "monday.csv"
FILES = {version_of(KEY, "1"): FILE, version_of(KEY, "2"): OTHER_FILE}


def delivered(content: str, *rows: tuple[int, int, str]) -> Truth:
    """What a file of this entity tag may bring: quantity, expiry, ingredient."""
    return Truth(tuple(batch(KEY, quantity, expires_at, name, content) for quantity, expires_at, name in rows))


ONE_FILE = delivered("1", (3, 1, HAM), (9, 3, HAM), (20, 2, HAM))
EITHER_FILE = Truth((*ONE_FILE.batches, *delivered("2", (7, 3, HAM), (5, 2, "cheese")).batches))


def deliveries() -> list[Scenario]:
    """The whole way of a delivery from bucket to receipt, delivered twice, or with other content under its key."""
    first, second = recording(KEY, "1"), recording(KEY, "2")
    bucket = given(objects=FILES)
    return [
        Scenario(
            "one delivery twice",
            ONE_FILE,
            bucket,
            {"a": first, "b": first},
            always=_promised_well,
            finally_=_recorded,
            is_serial=False,
        ),
        Scenario(
            "one delivery, faults",
            ONE_FILE,
            bucket,
            {"a": first},
            lost=1,
            deaths=1,
            undone=1,
            always=_promised_well,
            finally_=_recorded,
            is_serial=False,
        ),
        Scenario(
            "two contents",
            EITHER_FILE,
            bucket,
            {"a": first, "b": second},
            always=_promised_well,
            finally_=_one_won,
            is_serial=False,
        ),
        Scenario(
            "two contents, faults",
            EITHER_FILE,
            bucket,
            {"a": first, "b": second},
            lost=1,
            deaths=1,
            always=_promised_well,
            finally_=_one_won,
            is_serial=False,
        ),
    ]


def deliveries_in_time() -> list[Scenario]:
    """The same while batches of the delivery expire."""
    first = recording(KEY, "1")
    both = {"a": first, "b": first}
    return [Scenario("one delivery twice", ONE_FILE, given(objects=FILES), both, ticks=1, is_serial=False)]


def _promised_well(cloud: Snapshot) -> None:
    """A receipt never says that something was recorded before it is."""
    content = cloud.objects.get(receipt_key(KEY))
    rows = json.loads(content)["recorded"] if content else []
    received = {name: partition.level.received for name, partition in partitions(cloud.store.rows).items()}
    for name in {row["ingredient"] for row in rows}:
        promised = sum(row["quantity"] for row in rows if row["ingredient"] == name)
        ensure(promised <= received.get(name, 0), "what a receipt says has been done", rows, received)


def _recorded(cloud: SmallCloud, _ended: Sequence[Stepped]) -> None:
    receipt = receipt_in(cloud)
    ensure(receipt["status"] == "recorded", "the receipt says what was recorded", receipt)
    ensure("conflicts" not in receipt, "a redelivery is no conflict", receipt)


def _one_won(cloud: SmallCloud, _ended: Sequence[Stepped]) -> None:
    """One of the two files was recorded whole, the other is reported as a conflict, whatever came first."""
    receipt = receipt_in(cloud)
    tags = [etag_of(content).strip('"') for content in (FILE, OTHER_FILE)]
    ensure(receipt["status"] == "recorded", "the receipt says what was recorded", receipt)
    ensure(receipt["etag"] in tags, "one file was recorded", receipt)
    others = [conflict["etag"] for conflict in receipt.get("conflicts", [])]
    ensure(others == [tag for tag in tags if tag != receipt["etag"]], "the other is a conflict", receipt)
    received = {(row["ingredient"], row["quantity"]) for row in receipt["recorded"]}
    wanted = {("ham", 3), ("ham", 9), ("ham", 20)} if receipt["etag"] == tags[0] else {("ham", 7), ("cheese", 5)}
    ensure(received == wanted, "all of the file was recorded", receipt)
    stocked = {name: partition.level.received for name, partition in partitions(cloud.dynamodb.store.rows).items()}
    units = {name: sum(units for other, units in wanted if other == name) for name, _ in wanted}
    ensure(stocked == units, "nothing of the other file was recorded", stocked)


def receipt_in(cloud: SmallCloud) -> dict[str, Any]:
    """The receipt of the delivery."""
    content = cloud.s3.objects.get(receipt_key(KEY))
    ensure(content is not None, "every delivery gets a receipt")
    receipt: dict[str, Any] = json.loads(content or b"")
    return receipt


def small_parts() -> list[Scenario]:
    """Work that takes several transactions, because each may have only a few actions (`parts_of` makes it so)."""
    many = [batch(f"d{number}", 2**number, 1 + number // 3) for number in range(6)]
    start = given(*(receiving(one) for one in many), using(5, "before"))
    truth = Truth((*many, BETWEEN))
    whole = receiving(*(batch("whole", 64 * 2**number, 1 + number) for number in range(3)))
    whole_truth = Truth((*many, *(batch("whole", 64 * 2**number, 1 + number) for number in range(3))))
    ticking: list[tuple[str, Truth, dict[str, Operation]]] = [
        ("reconcile / reconcile", truth, {"a": reconciling(), "b": reconciling()}),
        ("use / reconcile", truth, {"a": using(9, "nine"), "b": reconciling()}),
        ("receive in parts / reconcile", whole_truth, {"a": whole, "b": reconciling()}),
    ]
    return [
        Scenario(f"{name}, in parts", known, start, operations, ticks=1, deaths=1, page_rows=100, is_serial=False)
        for name, known, operations in ticking
    ]


def stale_rows() -> list[Scenario]:
    """A charge of which readers miss a row while a delivery is recorded, or more is used and charged."""
    delivering = {"reconcile": reconciling(), "receive, reconcile": in_turn(receiving(BETWEEN), reconciling())}
    charging = {
        "reconcile, use, reconcile": in_turn(reconciling(), using(1, "one"), reconciling()),
        "reconcile again": reconciling(),
    }
    return [
        Scenario(
            f"stale row, {name}{', locked' if locked else ''}",
            TRUTH,
            WAITING,
            operations,
            skewed=1,
            locked=locked,
            page_rows=100,
            is_serial=False,
        )
        for name, operations, locks in (("delivering", delivering, (False, True)), ("charging", charging, (False,)))
        for locked in locks
    ]
