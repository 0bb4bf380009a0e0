"""`stockctl count`: what is booked, what is asked, and that a count is booked once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stockctl.domain.errors import ExitCode
from stockctl.terminal.environment import Environment
from tests.cli.conftest import Done, Stockctl, at_a_terminal
from tests.service import Service


@pytest.fixture(autouse=True)
def stock(kitchen: Service) -> None:
    kitchen.drop("monday.csv", "ham,100,2040-12-31\nbasil,8,2041-12-31\n")
    kitchen.drop("tuesday.csv", "ham,30,2039-12-31\n")
    kitchen.process_stream("ham", "basil")


def booked(done: Done) -> list[tuple[str, int, int, int, int]]:
    assert done.code == ExitCode.DONE, done.err
    return [
        (one["ingredient"], one["book"], one["counted"], one["difference"], one["booked"]) for one in done.json["items"]
    ]


def levels(stockctl: Stockctl) -> dict[str, int]:
    return {row["ingredient"]: int(row["quantity"]) for row in stockctl("stock").records}


def test_what_is_missing_is_discarded_and_what_is_there_besides_is_added(stockctl: Stockctl, kitchen: Service) -> None:
    done = stockctl("count", "ham=121", "basil=10", "--yes", "--id", "c1", "-o", "json")
    assert booked(done) == [("basil", 8, 10, 2, 2), ("ham", 130, 121, -9, -9)]
    assert levels(stockctl) == {"basil": 10, "ham": 121}
    ham, basil = kitchen.stock.level("ham"), kitchen.stock.read("basil")
    assert ham is not None
    assert basil is not None
    assert (ham.discarded, ham.cause) == (9, "count c1")
    assert (basil.level.received, basil.level.cause) == (10, "count c1")
    assert {batch.batch_id for batch in basil.batches} == {"monday.csv@2041-12-31", "count/c1@2041-12-31"}


def test_history_has_the_count_as_the_cause_of_what_it_adds_and_takes_out(stockctl: Stockctl, kitchen: Service) -> None:
    stockctl("count", "ham=121", "basil=10", "--yes", "--id", "c1")
    kitchen.process_stream("ham", "basil")
    for ingredient, units in (("ham", "-9"), ("basil", "2")):
        assert stockctl("history", ingredient).columns("cause", "change")[-1] == ["count c1", units]
    (ham,) = (one for one in stockctl("report", "-o", "json").json if one["ingredient"] == "ham")
    assert ham["discarded_for"] == {"count": 9}
    assert stockctl("show", "c1").columns("ingredient", "units", "status")[-1] == ["ham", "9", "missing"]


def test_a_repeat_changes_nothing(stockctl: Stockctl, kitchen: Service) -> None:
    first = stockctl("count", "ham=121", "basil=10", "--yes", "--id", "c1", "-o", "json")
    kitchen.post("order", ham=20)
    second = stockctl("count", "ham=121", "basil=10", "--yes", "--id", "c1", "-o", "json")
    assert (first.json["status"], second.json["status"]) == ("counted", "replayed")
    assert first.json["items"] == second.json["items"]
    assert levels(stockctl) == {"basil": 10, "ham": 101}
    assert stockctl("count", "ham=120", "--yes", "--id", "c1").code == ExitCode.REFUSED


def test_what_agrees_with_the_book_changes_nothing(stockctl: Stockctl, kitchen: Service) -> None:
    before = kitchen.stock.level("ham")
    assert booked(stockctl("count", "ham=130", "--yes", "-o", "json")) == [("ham", 130, 130, 0, 0)]
    assert kitchen.stock.level("ham") == before


def test_an_interrupted_count_is_finished_by_a_repeat_with_the_differences_that_were_agreed_on(
    stockctl: Stockctl, kitchen: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = "count", "ham=121", "basil=3", "--yes", "--id", "c1", "-o", "json"
    with monkeypatch.context() as patched:
        patched.setattr("stockctl.domain.count.Sheet.discard", lambda _self, line: {"basil": None}[line.ingredient])
        assert stockctl(*words).code == ExitCode.FAILED
    kitchen.post("order", ham=20)
    assert booked(stockctl(*words)) == [("basil", 8, 3, -5, -5), ("ham", 130, 121, -9, -9)]
    assert levels(stockctl) == {"basil": 3, "ham": 101}


def test_a_name_never_seen_needs_a_best_before(stockctl: Stockctl) -> None:
    done = stockctl("count", "hamm=3", "basil=1", "--yes")
    assert (done.code, "no such ingredient: hamm; nothing was booked" in done.err) == (ExitCode.REFUSED, True)
    assert "did you mean ham?" in done.err
    assert "--best-before" not in done.err
    assert levels(stockctl) == {"basil": 8, "ham": 130}
    done = stockctl("count", "saffron=3", "--best-before", "2040-06-30", "--yes", "-o", "json")
    assert booked(done) == [("saffron", 0, 3, 3, 3)]
    assert stockctl("stock", "saffron", "--batches").columns("best_before") == [["2040-06-30"]]


@pytest.mark.parametrize("words", [["hams=5", "--best-before", "2040-12-31"], ["hma=0"]])
def test_a_new_name_that_looks_like_a_known_one_needs_new(stockctl: Stockctl, words: list[str]) -> None:
    """Counting ham under a misspelt name would add units that are there already, or leave ham as it is."""
    done = stockctl("count", *words, "--yes", "--id", "c")
    assert done.code == ExitCode.REFUSED
    assert f"new ingredients look like known ones: {words[0][:-2]} (ham); nothing was booked" in done.err
    assert "or count them as new ingredients with --new" in done.err
    assert levels(stockctl) == {"basil": 8, "ham": 130}
    for status in ("counted", "replayed"):
        done = stockctl("count", *words, "--yes", "--id", "c", "--new", "-o", "json")
        assert (done.code, done.json["status"]) == (ExitCode.DONE, status)


def test_two_letters_in_the_wrong_order_are_a_question(stockctl: Stockctl) -> None:
    done = stockctl("count", "hma=3", "saffron=1", "--yes")
    assert (done.code, "hma: did you mean ham? Add new units with" in done.err) == (ExitCode.REFUSED, True)


def test_an_ingredient_that_was_used_up_needs_a_best_before(stockctl: Stockctl, kitchen: Service) -> None:
    kitchen.post("order", basil=8)
    done = stockctl("count", "basil=1", "--yes")
    assert (done.code, "no best-before is known of: basil" in done.err) == (ExitCode.REFUSED, True)


@pytest.mark.parametrize(("typed", "code", "left"), [("y\n", ExitCode.DONE, 121), ("n\n", ExitCode.FAILED, 130)])
def test_on_a_terminal_the_differences_are_a_question(
    stockctl: Stockctl, typed: str, code: ExitCode, left: int
) -> None:
    done = at_a_terminal(typed, "count", "ham=121", "-o", "table")
    assert (done.code, levels(stockctl)["ham"]) == (code, left)
    assert "Book 1 difference?" in done.err
    assert "-9" in done.out.replace("−", "-")


def test_a_level_that_moves_before_the_answer_is_shown_again(
    stockctl: Stockctl, kitchen: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: Iterator[Callable[[], object]] = iter([lambda: kitchen.post("order", ham=20), lambda: None])

    def agrees(_self: Environment, _question: str) -> bool:
        next(answers)()
        return True

    monkeypatch.setattr(Environment, "agrees", agrees)
    done = at_a_terminal("", "count", "ham=105", "basil=8", "-o", "json")
    assert done.code == ExitCode.DONE
    assert "ham: book 130, counted 105, −25" in done.err
    assert "1 level changed meanwhile:\nham: book 110, counted 105, −5" in done.err
    assert levels(stockctl)["ham"] == 105
    assert not list(answers)


def test_a_new_ingredient_that_is_delivered_before_the_answer_is_compared_anew(
    stockctl: Stockctl, kitchen: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: Iterator[Callable[[], object]] = iter(
        [lambda: kitchen.drop("new.csv", "egg,5,2040-12-31\n"), lambda: None]
    )

    def agrees(_self: Environment, _question: str) -> bool:
        next(answers)()
        return True

    monkeypatch.setattr(Environment, "agrees", agrees)
    done = at_a_terminal("", "count", "egg=7", "--best-before", "2040-12-31", "-o", "json")
    assert (done.code, levels(stockctl)["egg"], list(answers)) == (ExitCode.DONE, 7, [])


def test_a_script_has_to_agree_beforehand(stockctl: Stockctl) -> None:
    assert stockctl("count", "ham=1").code == ExitCode.USAGE


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["ham"],
        ["ham=-1"],
        ["ham=1.5"],
        ["ham=1", "--file", "x.csv"],
        ["--file", "absent.csv"],
        ["ham=1", "--best-before", "2001-01-01"],
        ["ham=1", "--best-before", "soon"],
        ["ham=1", "--at", "2999-01-01"],
        ["ham=1", "--id", ""],
    ],
)
def test_what_makes_no_sense_is_a_usage_error(stockctl: Stockctl, words: list[str]) -> None:
    assert stockctl("count", *words, "--yes").code == ExitCode.USAGE


def test_nothing_can_be_counted_but_no_fewer(stockctl: Stockctl, tmp_path: Path) -> None:
    path = tmp_path / "counts.csv"
    path.write_text("ham,-1\n")
    for words in (["ham=-1"], ["--file", str(path)]):
        assert "is not a whole number from 0 to" in stockctl("count", *words, "--yes").err
    assert "with a whole number from 0" in stockctl("count", "ham=-1", "--yes").err
    assert booked(stockctl("count", "ham=0.0", "--yes", "-o", "json")) == [("ham", 130, 0, -130, -130)]


def test_an_ingredient_counted_in_several_places_is_added_up_with_a_note(stockctl: Stockctl, tmp_path: Path) -> None:
    path = tmp_path / "counts.csv"
    path.write_text("ham,1000\nbasil,8\nHam,200\nham,0\n")
    for words, units, lines in ((["ham=1", "basil=8", "Ham=2"], "3", 2), (["--file", str(path)], "1,200", 3)):
        done = stockctl("count", *words, "--yes", "-o", "json")
        assert [one["counted"] for one in done.json["items"]] == [8, int(units.replace(",", ""))]
        assert f"note: ham: counted {units}, the sum of {lines} lines" in done.err
        assert "basil: counted" not in done.err


@pytest.mark.parametrize(
    "content",
    [
        "ham,121\nbasil,0\n",
        "ingredient,quantity\nHam,120\nbasil,0\nham,1\n",
        "Quantity;Shelf;Item\n121;a;ham\n0;b;basil\n",
        "\ufeffitem\tcount\nham\t121\nbasil\t0\n",
    ],
)
def test_a_file_says_what_was_counted(stockctl: Stockctl, tmp_path: Path, content: str) -> None:
    path = tmp_path / "counts.csv"
    path.write_text(content, encoding="utf-8")
    done = stockctl("count", "--file", str(path), "--yes", "-o", "json")
    assert booked(done) == [("basil", 8, 0, -8, -8), ("ham", 130, 121, -9, -9)]
    assert stockctl("count", "--file", "-", "--yes", "-o", "json", stdin=content.encode()).code == ExitCode.DONE


@pytest.mark.parametrize(("content", "fault"), [("ham,ten\n", ":1: "), ("ham,1\nbasil\n", ":2: "), ("", "no rows")])
def test_a_file_that_cannot_be_read_is_a_usage_error(
    stockctl: Stockctl, tmp_path: Path, content: str, fault: str
) -> None:
    path = tmp_path / "counts.csv"
    path.write_text(content)
    done = stockctl("count", "--file", str(path), "--yes")
    assert (done.code, fault in done.err) == (ExitCode.USAGE, True)


def test_more_ingredients_than_one_transaction_holds_are_one_count(
    stockctl: Stockctl, kitchen: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stockctl.domain.count.MAX_LINES", 3)
    names = [f"i{number}" for number in range(5)]
    kitchen.drop("many.csv", "".join(f"{name},5,2040-12-31\n" for name in names))
    words: list[Any] = ["count", *(f"{name}=4" for name in names), "--yes", "--id", "c", "-o", "json"]
    done = stockctl(*words)
    assert {line[4] for line in booked(done)} == {-1}
    assert stockctl(*words).json["items"] == done.json["items"]


def test_a_refused_ingredient_of_a_long_count_leaves_the_others_as_they_are(
    stockctl: Stockctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are in records of their own, as one transaction cannot hold all of them."""
    monkeypatch.setattr("stockctl.domain.count.MAX_LINES", 1)
    done = stockctl("count", "basil=1", "hamm=3", "--yes")
    assert (done.code, "nothing was booked" in done.err) == (ExitCode.REFUSED, True)
    assert levels(stockctl) == {"basil": 8, "ham": 130}


def test_a_count_of_an_earlier_time_is_compared_with_the_levels_of_then(stockctl: Stockctl, kitchen: Service) -> None:
    """Orders after the count do no harm."""
    level = kitchen.stock.level("ham")
    assert level is not None
    counted_at = level.updated_at
    kitchen.post("order", ham=20)
    kitchen.process_stream("ham")
    done = stockctl("count", "ham=121", "--at", counted_at, "--yes", "--id", "c", "-o", "json")
    assert booked(done) == [("ham", 130, 121, -9, -9)]
    assert levels(stockctl)["ham"] == 101


def test_units_counted_before_the_first_delivery_are_not_added_again(stockctl: Stockctl) -> None:
    """The delivery was recorded after they were counted, so the level has them already."""
    done = stockctl("count", "basil=8", "--at", "1h", "--yes")
    assert (done.code, "not in stock yet at " in done.err) == (ExitCode.REFUSED, True)
    assert ": basil; nothing was booked" in done.err
    assert levels(stockctl) == {"basil": 8, "ham": 130}
    assert booked(stockctl("count", "basil=0", "--at", "1h", "--yes", "-o", "json")) == [("basil", 0, 0, 0, 0)]
    words = "count", "saffron=3", "--at", "1h", "--best-before", "2040-12-31", "--yes", "-o", "json"
    assert booked(stockctl(*words)) == [("saffron", 0, 3, 3, 3)]


def test_a_time_that_history_does_not_know_exactly_is_refused(stockctl: Stockctl, kitchen: Service) -> None:
    level = kitchen.stock.level("ham")
    assert level is not None
    kitchen.post("order", ham=20)
    done = stockctl("count", "ham=121", "--at", level.updated_at, "--yes")
    assert (done.code, "history does not know the level of ham" in done.err) == (ExitCode.REFUSED, True)


def test_units_that_are_gone_by_the_time_of_booking_are_reported(stockctl: Stockctl, kitchen: Service) -> None:
    level = kitchen.stock.level("ham")
    assert level is not None
    kitchen.post("order", ham=128)
    kitchen.process_stream("ham")
    done = stockctl("count", "ham=121", "--at", level.updated_at, "--yes", "-o", "json")
    assert booked(done) == [("ham", 130, 121, -9, -2)]
    assert "ham: 7 of the difference is not there any more" in done.err


def test_a_dry_run_shows_the_differences_and_books_nothing(stockctl: Stockctl) -> None:
    done = stockctl("count", "ham=121", "basil=8", "--dry-run")
    assert done.columns("ingredient", "book", "counted", "difference") == [
        ["basil", "8", "8", "0"],
        ["ham", "130", "121", "-9"],
    ]
    assert "nothing was booked (--dry-run)" in done.err
    assert stockctl("count", "hma=1", "--dry-run").code == ExitCode.REFUSED
    assert levels(stockctl) == {"basil": 8, "ham": 130}


def test_without_a_terminal_the_differences_are_shown_and_not_booked(stockctl: Stockctl) -> None:
    """Mistakes come to light without --yes, too."""
    done = stockctl("count", "ham=121")
    assert done.code == ExitCode.USAGE
    assert "ham: book 130, counted 121, −9" in done.err
    assert "there is no terminal to ask on; nothing was booked" in done.err
    assert stockctl("count", "hma=1").code == ExitCode.REFUSED
    assert levels(stockctl) == {"basil": 8, "ham": 130}
