"""`stockctl deliveries`, and `show` of deliveries and counts."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from re import fullmatch

import pytest

from stockctl.domain.errors import ExitCode
from tests.cli.conftest import Stockctl
from tests.service import BUCKET, Service


@pytest.fixture(autouse=True)
def stock_of_ham(kitchen: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stockctl.cli.deliveries.READERS", 1)  # moto is not thread-safe
    kitchen.drop("monday.csv", "ham,10,2039-12-31\negg,12,2040-12-31\negg,many,2040-12-31\n")
    kitchen.drop("tuesday.csv", "ham,30,2040-12-31\n")
    kitchen.post("order", ham=15)
    kitchen.process_stream("ham")


def test_each_delivery_is_listed_with_its_rows_and_what_is_left(stockctl: Stockctl) -> None:
    done = stockctl("deliveries")
    names = "delivery", "status", "recorded_rows", "rejected_rows", "received", "left"
    assert sorted(done.columns(*names)) == [
        ["monday.csv", "partial", "2", "1", "22", "12"],
        ["tuesday.csv", "recorded", "1", "0", "30", "25"],
    ]
    assert "2 deliveries: 37 units left" in stockctl("deliveries", "-o", "table").out


def test_what_was_corrected_or_recalled_afterwards_is_marked(stockctl: Stockctl, tmp_path: Path) -> None:
    corrected = tmp_path / "corrected.csv"
    corrected.write_text("ham,30,2040-12-31\n")
    assert stockctl("ingest", str(corrected), "--corrects", "tuesday.csv").code == ExitCode.DONE
    assert "afterwards" not in stockctl("deliveries", "-o", "table").out
    corrected.write_text("ham,29,2040-12-31\n")
    assert stockctl("ingest", str(corrected), "--corrects", "tuesday.csv").code == ExitCode.DONE
    assert stockctl("recall", "monday.csv", "--yes").code == ExitCode.DONE
    marked = dict(stockctl("deliveries").columns("delivery", "afterwards"))
    assert marked == {"monday.csv": "recalled", "tuesday.csv": "corrected"}
    assert stockctl("recall", "tuesday.csv", "--yes").code == ExitCode.DONE
    marked = dict(stockctl("deliveries").columns("delivery", "afterwards"))
    assert marked["tuesday.csv"] == "corrected, recalled"


def test_files_without_an_answer_are_listed(
    stockctl: Stockctl, kitchen: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    kitchen.clients.s3.put_object(Bucket=BUCKET, Key="lost.csv", Body=b"")
    assert ["lost.csv", "waiting"] in stockctl("deliveries").columns("delivery", "status")
    monkeypatch.setattr("stockctl.cli.deliveries.ANSWERED_WITHIN", timedelta(0))
    done = stockctl("deliveries")
    assert ["lost.csv", "unanswered"] in done.columns("delivery", "status")
    assert "1 file without an answer" in done.err


def test_a_period_is_a_time_that_has_passed(stockctl: Stockctl) -> None:
    assert stockctl("deliveries", "--since", "2999-01-01").code == ExitCode.USAGE
    assert stockctl("deliveries", "--since", "1ms").rows == []


def test_a_delivery_is_shown_by_its_key(stockctl: Stockctl) -> None:
    shown = stockctl("show", "monday.csv", "-o", "json").json
    assert (shown["kind"], shown["reason"]) == ("delivery", "partial")
    batches = [(one["ingredient"], one["units"], one["left"], one["status"]) for one in shown["batches"]]
    assert batches == [("ham", 10, 0, "used up"), ("egg", 12, 12, "in stock")]


def test_units_that_came_back_are_left_of_their_delivery(stockctl: Stockctl, kitchen: Service) -> None:
    assert stockctl("return", "order", "ham=8").code == ExitCode.DONE
    assert ["monday.csv", "20"] in stockctl("deliveries").columns("delivery", "left")
    (ham, _) = stockctl("show", "monday.csv", "-o", "json").json["batches"]
    assert (ham["units"], ham["left"], ham["status"]) == (10, 8, "in stock")
    assert stockctl("recall", "monday.csv", "--dry-run", "-o", "json").json["left"] == 20
    kitchen.post("again", ham=8)
    kitchen.process_stream("ham")
    assert stockctl("show", "monday.csv").columns("left", "status")[0] == ["0", "used up"]


def test_a_batch_whose_row_is_removed_is_not_called_expired(stockctl: Stockctl, kitchen: Service) -> None:
    """All of it may have been used before."""
    kitchen.expire("ham", "monday.csv@2039-12-31")
    assert stockctl("show", "monday.csv").columns("left", "status")[0] == ["0", "past its best-before"]


def test_the_time_of_a_delivery_is_in_milliseconds(stockctl: Stockctl) -> None:
    for (at,) in stockctl("deliveries").columns("at"):
        assert fullmatch(r"[0-9T:-]{19}\.[0-9]{3}Z", at)


def test_a_count_is_shown_with_what_it_booked(stockctl: Stockctl) -> None:
    stockctl("count", "ham=20", "egg=15", "--yes", "--id", "c1")
    shown = stockctl("show", "c1", "-o", "json").json
    assert shown["kind"] == "count"
    assert [(one["ingredient"], one["units"], one["status"], one["batch_id"]) for one in shown["batches"]] == [
        ("egg", 3, "added", "count/c1@2040-12-31"),
        ("ham", 5, "missing", "tuesday.csv@2040-12-31"),
    ]


def test_an_unknown_id_names_a_delivery_it_may_have_meant(stockctl: Stockctl) -> None:
    stockctl("deliveries")
    done = stockctl("show", "mondya.csv")
    assert (done.code, "Did you mean monday.csv?" in done.err) == (ExitCode.REFUSED, True)


def test_without_history_a_transaction_is_shown_with_its_items(
    stockctl: Stockctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stockctl.cli.session.Session.records_history", False)
    assert stockctl("show", "order").columns("ingredient", "units", "status") == [["ham", "15", "history is off"]]
