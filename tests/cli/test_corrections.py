"""`stockctl ingest FILE --corrects DELIVERY`: the difference is booked, once, as far as it can be."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from stockctl.domain.best_before import DateReading
from stockctl.domain.correction import PREFIX
from stockctl.domain.errors import ExitCode
from stockctl.domain.parts import Part, parts_of
from tests.cli.conftest import Done, Stockctl, at_a_terminal
from tests.service import BUCKET, TRANSACTIONS, Service

MONDAY = "ham,100,2040-12-31\negg,12,2040-01-01\n"


class Supplier:
    """A file that is sent, and corrected."""

    def __init__(self, stockctl: Stockctl, path: Path) -> None:
        self.stockctl = stockctl
        self.path = path
        path.write_text(MONDAY)
        self.delivery = stockctl("ingest", str(path), "-o", "json").json[0]["delivery"]

    def correct(self, content: str, *words: str) -> Done:
        self.path.write_text(content)
        return self.stockctl("ingest", str(self.path), "--corrects", self.delivery, "-o", "json", *words)

    def levels(self) -> dict[str, int]:
        return {row["ingredient"]: int(row["quantity"]) for row in self.stockctl("stock").records}


@pytest.fixture
def supplier(stockctl: Stockctl, working: Service, tmp_path: Path) -> Supplier:
    assert working
    return Supplier(stockctl, tmp_path / "monday.csv")


def booked(done: Done) -> list[tuple[object, ...]]:
    (document,) = done.json
    return [
        (one["ingredient"], one["before"], one["corrected"], one["booked"], one["missing"])
        for one in document["differences"]
    ]


@pytest.mark.parametrize(("typed", "code", "left"), [("y\n", ExitCode.DONE, 90), ("n\n", ExitCode.FAILED, 100)])
def test_on_a_terminal_it_asks_before_anything_is_booked(
    supplier: Supplier, typed: str, code: ExitCode, left: int
) -> None:
    supplier.path.write_text("ham,90,2040-12-31\negg,12,2040-01-01\n")
    done = at_a_terminal(typed, "ingest", str(supplier.path), "--corrects", supplier.delivery)
    assert (done.code, supplier.levels()["ham"]) == (code, left)
    assert f"Correct {supplier.delivery}: ham −10?" in done.err


def test_yes_without_a_correction_is_a_usage_error(supplier: Supplier) -> None:
    assert supplier.stockctl("ingest", str(supplier.path), "--yes").code == ExitCode.USAGE


def test_more_is_added_and_less_is_discarded(supplier: Supplier, kitchen: Service) -> None:
    done = supplier.correct("ham,90,2040-12-31\negg,20,2040-01-01\nmilk,5,2040-01-01\n")
    assert booked(done) == [("egg", 12, 20, 8, 0), ("ham", 100, 90, -10, 0), ("milk", 0, 5, 5, 0)]
    assert supplier.levels() == {"egg": 20, "ham": 90, "milk": 5}
    ham, egg = kitchen.stock.level("ham"), kitchen.stock.level("egg")
    assert ham is not None
    assert egg is not None
    assert (ham.discarded, egg.received, done.json[0]["status"]) == (10, 20, "corrected")
    receipt = kitchen.bucket.receipt(done.json[0]["delivery"])
    assert receipt is not None
    assert not receipt["warnings"]


def test_a_repeat_changes_nothing(supplier: Supplier) -> None:
    content = "ham,90,2040-12-31\negg,20,2040-01-01\n"
    first, second = supplier.correct(content), supplier.correct(content)
    assert second.json[0]["status"] == "duplicate"
    assert booked(first) == booked(second)
    assert supplier.levels() == {"egg": 20, "ham": 90}


def test_a_delivery_is_corrected_up_and_down_again_and_again(supplier: Supplier) -> None:
    """Each correction starts from the corrected state, also where a content comes a second time."""
    for units in (150, 60, 150, 60, 100, 0, 40):
        assert supplier.correct(f"ham,{units},2040-12-31\n" * bool(units) + "egg,12,2040-01-01\n").code == ExitCode.DONE
        assert supplier.levels() == {"egg": 12, "ham": units}


def test_what_was_used_meanwhile_is_reported_and_counted_by_the_next_correction(
    supplier: Supplier, kitchen: Service
) -> None:
    kitchen.post("order", ham=70)
    done = supplier.correct("ham,60,2040-12-31\negg,12,2040-01-01\n")
    assert booked(done) == [("ham", 100, 60, -30, 10)]
    assert "ham 2040-12-31: 10 of it was used, discarded or returned meanwhile" in done.err
    assert booked(supplier.correct("ham,85,2040-12-31\negg,12,2040-01-01\n")) == [("ham", 70, 85, 15, 0)]
    assert supplier.levels() == {"egg": 12, "ham": 15}


def test_the_summary_counts_what_was_booked(supplier: Supplier, kitchen: Service) -> None:
    kitchen.post("order", ham=100, egg=10)
    supplier.path.write_text("ham,90,2040-12-31\negg,9,2040-01-01\nmilk,5,2040-01-01\n")
    done = supplier.stockctl("ingest", str(supplier.path), "--corrects", supplier.delivery, "-o", "table")
    assert "3 differences: 1 booked, 1 booked in part" in done.out


def test_show_names_what_corrections_changed(supplier: Supplier) -> None:
    assert supplier.stockctl("show", supplier.delivery, "-o", "json").json["corrections"] is None
    supplier.correct("ham,90,2040-12-31\negg,12,2040-01-01\n")
    once = supplier.stockctl("show", supplier.delivery, "-o", "table").out
    assert "corrected at " in once
    assert "ham 2040-12-31 −10" in once
    supplier.correct("ham,90,2040-12-31\negg,20,2040-01-01\n")
    assert "corrected 2 times, last at " in supplier.stockctl("show", supplier.delivery, "-o", "table").out
    corrections = supplier.stockctl("show", supplier.delivery, "-o", "json").json["corrections"]
    assert (corrections["number"], corrections["finished"]) == (2, True)
    assert corrections["changes"] == [
        {"ingredient": "egg", "best_before": "2040-01-01", "units": 8},
        {"ingredient": "ham", "best_before": "2040-12-31", "units": -10},
    ]
    in_cells = supplier.stockctl("show", supplier.delivery).columns("corrected")
    assert in_cells[0] == ["egg 2040-01-01=8, ham 2040-12-31=-10"]


def test_show_names_a_correction_that_is_not_finished(supplier: Supplier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stockctl.operations.correct._end", lambda *_: 1 / 0)
    supplier.correct("ham,90,2040-12-31\negg,12,2040-01-01\n")
    shown = supplier.stockctl("show", supplier.delivery, "-o", "table").out
    assert "the last correction is not finished: repeat it" in shown


def test_a_recall_names_the_deliveries_of_corrections(supplier: Supplier, kitchen: Service) -> None:
    kitchen.process_stream("ham", "egg")
    assert "recall those too" not in supplier.stockctl("recall", supplier.delivery, "--dry-run").err
    added = supplier.correct("ham,100,2040-12-31\negg,20,2040-01-01\n").json[0]["delivery"]
    kitchen.process_stream("egg")
    assert f"recall those too: {added}" in supplier.stockctl("recall", supplier.delivery, "--dry-run").err


def test_a_dry_run_shows_the_differences_and_changes_nothing(supplier: Supplier) -> None:
    done = supplier.correct("ham,90,2040-12-31\negg,20,2040-01-01\n", "--dry-run")
    assert booked(done) == [("egg", 12, 20, None, None), ("ham", 100, 90, None, None)]
    assert (done.json[0]["status"], supplier.levels()) == ("valid", {"egg": 12, "ham": 100})


def test_the_same_content_has_no_differences(supplier: Supplier) -> None:
    assert supplier.correct(MONDAY).json[0]["status"] == "unchanged"


@pytest.mark.parametrize("fails", ["drop", "_end"])
def test_a_crash_between_the_halves_is_finished_by_a_repeat(
    supplier: Supplier, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    content = "ham,90,2040-12-31\negg,20,2040-01-01\n"
    place = "drop_bucket.DropBucket.drop" if fails == "drop" else "correct._end"

    def crash(*_: object) -> None:
        raise OSError

    with monkeypatch.context() as patched:
        patched.setattr(f"stockctl.operations.{place}", crash)
        assert supplier.correct(content).code == ExitCode.FAILED
    assert booked(supplier.correct(content)) == [("egg", 12, 20, 8, 0), ("ham", 100, 90, -10, 0)]
    assert supplier.levels() == {"egg": 20, "ham": 90}


def test_another_correction_finishes_one_that_was_left_half_done(
    supplier: Supplier, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("stockctl.operations.correct._end", lambda *_: 1 / 0)
        supplier.correct("ham,90,2040-12-31\negg,20,2040-01-01\n")
    assert booked(supplier.correct("ham,95,2040-12-31\negg,20,2040-01-01\n")) == [("ham", 90, 95, 5, 0)]
    assert supplier.levels() == {"egg": 20, "ham": 95}


def test_a_file_with_a_rejected_row_corrects_nothing(supplier: Supplier) -> None:
    """A row that cannot be read would count as missing, and all of it would be taken out."""
    done = supplier.correct("ham,ten,2040-12-31\negg,12,2040-01-01\n")
    assert (done.code, "monday.csv has 1 row that cannot be read; nothing was changed" in done.err) == (
        ExitCode.REFUSED,
        True,
    )
    assert supplier.levels() == {"egg": 12, "ham": 100}


def test_a_recalled_delivery_is_not_corrected(supplier: Supplier) -> None:
    """What the correction adds would be in stock again."""
    assert supplier.stockctl("recall", supplier.delivery, "--yes").code == ExitCode.DONE
    done = supplier.correct("ham,110,2040-12-31\negg,12,2040-01-01\n")
    assert (done.code, f"{supplier.delivery} was recalled at" in done.err) == (ExitCode.REFUSED, True)
    assert supplier.levels() == {"egg": 0, "ham": 0}


def test_an_unknown_delivery_names_those_that_were_made_from_the_file(supplier: Supplier) -> None:
    actual, supplier.delivery = supplier.delivery, "monday.csv"
    done = supplier.correct(MONDAY)
    assert (done.code, f"Did you mean {actual}?" in done.err) == (ExitCode.REFUSED, True)


def test_rows_whose_best_before_has_passed_are_left_alone(
    stockctl: Stockctl, working: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    supplier = Supplier(stockctl, tmp_path / "other.csv")
    milk = "2030-01-01"
    working.drop("tuesday.csv", f"milk,5,{milk}\nham,10,2040-12-31\n")
    monkeypatch.setattr("stockctl.terminal.environment.Environment.now", lambda _: datetime(2031, 1, 1, tzinfo=UTC))
    supplier.delivery = "tuesday.csv"
    done = supplier.correct(f"milk,2,{milk}\nham,11,2040-12-31\n", "--dry-run")
    assert booked(done) == [("ham", 10, 11, None, None)]
    assert f"rows whose best-before has passed are not corrected: {milk}" in done.err


def test_a_large_file_in_parts_is_corrected_as_one(
    stockctl: Stockctl, working: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stockctl.cli.sending.PARTS_AT_ONCE", 1)
    monkeypatch.setattr("stockctl.cli.sending.parts_of", _parts)
    supplier = Supplier(stockctl, tmp_path / "large.csv")
    assert len([key for key in working.bucket.answered() if ".part-" in key]) == 2
    assert booked(supplier.correct("ham,90,2040-12-31\negg,20,2040-01-01\n")) == [
        ("egg", 12, 20, 8, 0),
        ("ham", 100, 90, -10, 0),
    ]


def _parts(key: str, content: bytes, reading: DateReading) -> list[Part]:
    return parts_of(key, content, reading, most=1)


@pytest.mark.parametrize("words", [["--again"], ["--no-wait"], ["--delivery", "x"], ["--rejects", "r.csv"]])
def test_options_that_a_correction_would_ignore_are_usage_errors(supplier: Supplier, words: list[str]) -> None:
    assert supplier.correct(MONDAY, *words).code == ExitCode.USAGE


def test_the_record_of_corrections_is_kept_for_good(supplier: Supplier, kitchen: Service) -> None:
    """Without it the next correction would book all earlier differences again."""
    supplier.correct("ham,90,2040-12-31\negg,12,2040-01-01\n")
    key = {"transaction_id": {"S": PREFIX + supplier.delivery}}
    row = kitchen.clients.dynamodb.get_item(TableName=TRANSACTIONS, Key=key)["Item"]
    assert "forget_at" not in row
    assert kitchen.clients.s3.list_objects_v2(Bucket=BUCKET, Prefix="monday")["KeyCount"] == 1


def test_a_dry_run_refuses_a_misspelt_ingredient_as_the_correction_does(supplier: Supplier) -> None:
    content = MONDAY + "hamm,5,2040-01-01\n"
    for words in (["--dry-run"], []):
        done = supplier.correct(content, *words)
        assert (done.code, "hamm (ham)" in done.err) == (ExitCode.REFUSED, True)
