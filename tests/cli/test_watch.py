"""`stockctl watch`: a line per change, and an end that scripts can wait for."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from stockctl.cli.session import Session
from stockctl.cli.settings import Settings
from stockctl.cli.simulate import refuse_other_data
from stockctl.cli.watch import _add_levels_before, _pace, since_last_change
from stockctl.cli.watch_end import WatchEnd
from stockctl.cli.watch_feed import Feeds, LevelSource, TableReader
from stockctl.client.level_reader import Condition, StreamState
from stockctl.domain.errors import Refused, StockctlError
from stockctl.domain.forecast import Pace
from stockctl.domain.history import LevelEntry
from stockctl.domain.instants import iso
from stockctl.domain.level_change import LevelChange
from stockctl.domain.level_condition import LevelCondition
from stockctl.domain.stock import Batch, Holding, Level, Roster
from stockctl.operations.stock_table import StockTable
from stockctl.terminal.environment import Environment
from stockctl.terminal.watch_model import Watched
from tests.cli.conftest import Stockctl
from tests.service import HISTORY, STACK, Service, soon
from tests.terminal.levels import view


@pytest.fixture
def ham(kitchen: Service) -> Service:
    """A delivery of 100 ham and a use of 10; both changes are on the stream."""
    kitchen.drop("first.csv", f"ham,100,{soon(3600)}\n")
    kitchen.process_stream("ham")
    kitchen.post("t1", ham=10)
    kitchen.process_stream("ham")
    return kitchen


def test_a_pipe_gets_a_json_line_per_change(ham: Service, stockctl: Stockctl) -> None:
    assert ham
    done = stockctl("watch", "--since", "5m", "--count", "2", "--duration", "20s")
    assert done.code == 0
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert [line["quantity"] for line in lines] == [100, 90]
    assert lines[1]["cause"] == "use t1"
    counts = ["received", "used", "expired", "discarded", "returned"]
    assert list(lines[0]) == ["ingredient", "quantity", "version", "at", "cause", *counts]


def test_tsv_is_tsv_with_the_fields_of_json_as_its_header(ham: Service, stockctl: Stockctl) -> None:
    assert ham
    done = stockctl("watch", "--since", "5m", "--count", "2", "--duration", "20s", "-o", "tsv")
    assert done.code == 0
    header, *rows = [line.split("\t") for line in done.out.splitlines()]
    assert header[:5] == ["ingredient", "quantity", "version", "at", "cause"]
    assert [row[:3] for row in rows] == [["ham", "100", "1"], ["ham", "90", "2"]]


def test_a_table_is_refused_in_a_pipe(ham: Service, stockctl: Stockctl) -> None:
    assert ham
    done = stockctl("watch", "--duration", "1s", "-o", "table")
    assert (done.code, done.out) == (2, "")
    assert "needs a terminal" in done.err


def test_only_the_ingredients_named_are_followed(ham: Service, stockctl: Stockctl) -> None:
    ham.drop("second.csv", f"basil,5,{soon(3600)}\n")
    ham.process_stream("basil")
    done = stockctl("watch", "basil", "--since", "5m", "--count", "1", "--duration", "20s")
    assert [json.loads(line)["ingredient"] for line in done.out.splitlines()] == ["basil"]


def test_a_condition_that_holds_already_ends_it_at_once(ham: Service, stockctl: Stockctl) -> None:
    assert ham
    done = stockctl("watch", "--until-level", "ham<100", "--duration", "20s")
    assert (done.code, done.out) == (0, "")


def test_watch_ends_when_its_condition_becomes_true(
    ham: Service, stockctl: Stockctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = threading.Event()
    levels = StockTable.levels

    def levels_and_note(table: StockTable, ingredients: Sequence[str] | None = None) -> list[Level]:
        found = levels(table, ingredients)
        looked.set()
        return found

    def use_some() -> None:
        assert looked.wait(30)
        time.sleep(1)  # for the stream, which is followed by a thread of its own
        ham.post("t2", ham=50)
        ham.process_stream("ham")

    monkeypatch.setattr(StockTable, "levels", levels_and_note)
    using = threading.Timer(0, use_some)
    using.start()
    done = stockctl("watch", "--until-level", "ham<50", "--duration", "30s")
    using.join()
    assert done.code == 0
    assert json.loads(done.out.splitlines()[-1])["quantity"] == 40


def test_a_condition_that_does_not_come_true_in_time_is_a_failure(ham: Service, stockctl: Stockctl) -> None:
    assert ham
    done = stockctl("watch", "--until-level", "ham<5", "--duration", "1s")
    assert done.code == 1
    assert "ham < 5 did not hold within 1 s" in done.err


def test_time_alone_is_a_good_end(ham: Service, stockctl: Stockctl) -> None:
    assert ham
    assert stockctl("watch", "--duration", "1s").code == 0


@pytest.mark.parametrize("words", [["{}"], ["--until-level", "{}<5"], ["ham", "--until-level", "{}<5"]])
@pytest.mark.parametrize("name", ["hamm", "han"])
def test_a_name_that_was_never_delivered_may_be_misspelt(
    ham: Service, stockctl: Stockctl, words: list[str], name: str
) -> None:
    assert ham
    done = stockctl("watch", *(word.format(name) for word in words), "--duration", "1s")
    assert f"{name}: did you mean ham?" in done.err


@pytest.mark.parametrize(
    "words", [("--since", "5"), ("--duration", "soon"), ("--until-level", "ham"), ("--count", "0"), ("a\x01b",)]
)
def test_words_that_make_no_sense_are_exit_code_2(words: Sequence[str], stockctl: Stockctl) -> None:
    assert stockctl("watch", *words).code == 2


def test_simulate_refuses_a_stack_that_holds_other_data(ham: Service, stockctl: Stockctl) -> None:
    assert ham
    done = stockctl("simulate", "--duration", "1s")
    assert done.code == 3
    assert "other data" in done.err
    assert "--allow-other-data" in done.err


def test_simulate_knows_the_data_of_every_earlier_simulation(kitchen: Service) -> None:
    kitchen.drop("simulation/earlier/1.csv", f"ham,10,{soon(3600)}\n")
    refuse_other_data(kitchen.stock, allowed=False)
    kitchen.drop("monday.csv", f"basil,5,{soon(3600)}\n")
    with pytest.raises(Refused, match="5 of basil"):
        refuse_other_data(kitchen.stock, allowed=False)
    refuse_other_data(kitchen.stock, allowed=True)


@pytest.mark.parametrize("words", [("--duration", "5"), ("--speed", "0"), ("--report", "run.pdf"), ("--rate", "-1")])
def test_simulate_checks_its_words_first(words: Sequence[str], stockctl: Stockctl) -> None:
    assert stockctl("simulate", *words).code == 2


def change(version: int, quantity: int, ingredient: str = "ham") -> LevelChange:
    at = datetime(2026, 11, 23, 12, tzinfo=UTC) + timedelta(seconds=version)
    return LevelChange(ingredient, quantity, version, at, f"use t{version}", 100, 100 - quantity, 0)


def test_the_end_counts_changes() -> None:
    end = WatchEnd(count=2)
    end.change(change(1, 90))
    assert not end.is_over
    end.change(change(2, 80))
    assert end.is_over
    end.raise_if_missed()


def test_the_end_is_a_failure_when_too_few_changes_came() -> None:
    clock = iter([0.0, 49.0, 50.0, 50.0])
    end = WatchEnd(count=2, duration=timedelta(seconds=50), monotonic=lambda: next(clock))
    end.begin()
    end.change(change(1, 90))
    assert not end.is_over
    assert end.is_over
    with pytest.raises(StockctlError, match="1 of 2 changes came within 50 s"):
        end.raise_if_missed()


def test_changes_from_before_the_watch_are_shown_but_not_counted() -> None:
    end = WatchEnd(count=1)
    end.skip({"ham": 1})
    end.change(change(1, 90))
    assert not end.is_over
    end.change(change(2, 80))
    assert end.is_over


@pytest.mark.parametrize(("ago", "past"), [(0, 300), (60, 300), (3600, 4500), (90_000, 86_400), (None, 300)])
def test_a_screen_begins_a_little_before_the_last_change(ago: float | None, past: float) -> None:
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    levels = []
    if ago is not None:
        at = (now - timedelta(seconds=ago)).isoformat()
        levels = [Level("ham", 70, 100, 30, 0, None, 1, 9, "use t9", at)]
    assert since_last_change(levels, now) == timedelta(seconds=past)


def test_another_ingredient_does_not_meet_the_condition() -> None:
    end = WatchEnd(until=LevelCondition("ham", "<", 50))
    end.change(change(1, 10, "basil"))
    assert not end.is_over
    end.level("ham", 49)
    assert end.is_over


class Stream:
    """Changes that came already."""

    def __init__(self, *changes: LevelChange) -> None:
        self.state = StreamState(Condition.LIVE)
        self.waiting = list(changes)

    def changes(self) -> list[LevelChange]:
        taken, self.waiting = self.waiting, []
        return taken


class Shelf:
    """A stock table with one level; its first reading fails, as with expired credentials."""

    def __init__(self) -> None:
        self.readings = 0

    def levels(self, ingredients: Sequence[str] | None) -> Sequence[Level]:  # noqa: ARG002 - it has but one
        self.readings += 1
        if self.readings == 1:
            raise OSError("expired")
        return [Level("ham", 70, 100, 30, 0, None, 1, 9, "use t9", "2026-11-23T12:10:00Z")]

    def read(self, ingredient: str) -> Holding | None:  # noqa: ARG002
        return None


def test_a_pause_lets_changes_wait() -> None:
    shelf = Shelf()
    stream = Stream(change(1, 90))
    source = LevelSource(Watched(), Feeds(stream, shelf, TableReader(lambda: shelf, ())), started=0)
    paused = source.refresh(view(paused=True))
    assert source.watched.ingredients == []
    assert paused.now == view().now
    source.refresh(view())
    assert source.watched["ham"].quantity == 90


def test_the_table_is_read_again_after_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stockctl.cli.watch_feed.SOON_SECONDS", 0.01)
    shelf = Shelf()
    with TableReader(lambda: shelf, ()) as table:
        table.soon(None)
        deadline = time.monotonic() + 5
        levels: Sequence[Level] = ()
        while not levels and time.monotonic() < deadline:
            levels, _ = table.taken()
            time.sleep(0.01)
    assert [level.quantity for level in levels] == [70]


class Larder(Shelf):
    """A stock table that can be read, with one batch of ham."""

    def read(self, ingredient: str) -> Holding | None:
        level = Level(ingredient, 70, 100, 30, 0, None, 1, 9, "use t9", "2026-11-23T12:10:00Z")
        batch = Batch(ingredient, "a@x", "a.csv", 80, 100, "x", 2**40, "", "")
        return Holding(level, Roster(frozenset({"a@x"}), 1, 80), (batch,))


@pytest.mark.parametrize("is_known", [True, False])
def test_an_opened_ingredient_gets_its_pace_from_history_if_there_is_one(
    monkeypatch: pytest.MonkeyPatch, is_known: bool
) -> None:
    monkeypatch.setattr("stockctl.cli.watch_feed.SOON_SECONDS", 0.01)
    asked: list[str] = []

    def pace_of(name: str) -> Pace:
        asked.append(name)
        if not is_known:
            raise OSError("no permission")
        return Pace((24.0,) * 7, 0.0, 14.0)

    with TableReader(Larder, (), pace_of) as table:
        source = LevelSource(Watched(["ham"]), Feeds(Stream(), Larder(), table), started=0)
        deadline = time.monotonic() + 5
        while not (asked and source.watched["ham"].unspent) and time.monotonic() < deadline:
            source.refresh(replace(view(), opened="ham"))
            time.sleep(0.01)
        source.refresh(replace(view(), opened="ham"))
    assert [batch.quantity for batch in source.watched["ham"].unspent] == [70]
    assert asked == ["ham"]
    if not is_known:
        assert source.watched["ham"].pace is None


def test_the_pace_for_a_screen_is_that_of_two_weeks(kitchen: Service) -> None:
    """A stack with less than two days of history has none."""
    kitchen.drop("a.csv", "ham,100,2099-12-31\n")
    kitchen.process_stream("ham")
    environment = Environment(stdin=io.StringIO(), stdout=io.StringIO(), stderr=io.StringIO())
    session = Session(environment, Settings(stack=STACK, local=False))
    assert _pace(session, "ham") is None
    table = session.history_table
    start = datetime.now(UTC) - timedelta(days=5)
    table.write(
        [
            LevelEntry(
                "ham", iso((start + timedelta(days=day)).timestamp()), day + 2, 0, 0, 24 * day, 0, 0, 0, "use", "c"
            )
            for day in range(5)
        ]
    )
    pace = _pace(session, "ham")
    assert pace is not None
    assert pace.per_day.likely == pytest.approx(24)


def test_the_level_before_a_chart_begins_comes_from_history(ham: Service) -> None:
    session = Session(
        Environment(stdin=io.StringIO(), stdout=io.StringIO(), stderr=io.StringIO()), Settings(stack=STACK, local=False)
    )
    now = datetime.now(UTC)
    earlier = iso((now - timedelta(hours=3)).timestamp())
    session.history_table.write([LevelEntry("ham", earlier, 0, 60, 60, 0, 0, 0, 0, "delivery a", "c")])
    watched = Watched(["ham", "egg"])
    _add_levels_before(session, watched, now - timedelta(hours=1))
    assert [point.quantity for point in watched["ham"].points] == [60]
    assert watched["egg"].points == []
    ham.clients.dynamodb.delete_table(TableName=HISTORY)
    _add_levels_before(session, Watched(["ham"]), now)  # a screen works without history


@pytest.mark.parametrize(("since", "is_said"), [("25h", True), ("24h", False)])
def test_a_period_longer_than_the_stream_keeps_is_noted(
    stockctl: Stockctl, kitchen: Service, since: str, is_said: bool
) -> None:
    kitchen.drop("monday.csv", "ham,100,2099-12-31\n")
    kitchen.process_stream("ham")
    done = stockctl("watch", "--since", since, "--count", "1", "--duration", "20s")
    assert ("the stream keeps changes for 24 hours" in done.err) is is_said
