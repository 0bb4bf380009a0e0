"""`stockctl ingest`: files are checked here, dropped, and every row is accounted for."""

from __future__ import annotations

from pathlib import Path

import pytest

from stockctl.domain.errors import ExitCode, StockctlError
from stockctl.operations.drop_bucket import DropBucket
from tests.cli.conftest import Stockctl
from tests.service import BUCKET, Service

GOOD = "ingredient,quantity,best_before\nham,30,2099-12-31\negg,12,2099-01-01\n"


@pytest.fixture
def working(kitchen: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    """S3 notifies StockReceived of every object that is put, as the bucket of a stack does."""
    put = kitchen.clients.s3.put_object

    def put_and_notify(_bucket: object, key: str, content: bytes) -> str:
        answer = put(Bucket=BUCKET, Key=key, Body=content)
        notification = kitchen.notification(key, answer["VersionId"])
        from stockctl.functions import stock_received

        stock_received.handler({"Records": [notification]}, None)
        return answer["ETag"].strip('"')

    monkeypatch.setattr("stockctl.operations.drop_bucket.DropBucket.drop", put_and_notify)
    return kitchen


@pytest.fixture
def monday(tmp_path: Path) -> Path:
    path = tmp_path / "monday.csv"
    path.write_text(GOOD)
    return path


@pytest.mark.usefixtures("working")
def test_a_file_is_recorded_and_every_row_shown(stockctl: Stockctl, monday: Path) -> None:
    done = stockctl("ingest", str(monday))
    assert done.code == ExitCode.DONE
    assert [row[1:] for row in done.rows] == [
        ["recorded", "ham", "30", "2099-12-31"],
        ["recorded", "egg", "12", "2099-01-01"],
    ]


def test_what_was_recorded_before_a_fault_is_shown(
    stockctl: Stockctl, working: Service, monday: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two files the second cannot be sent: the first is in stock, and whoever sent both is told so."""
    tuesday = monday.with_name("tuesday.csv")
    tuesday.write_text("ham,1,2099-12-31\n")
    drop = DropBucket.drop

    def drop_but_tuesday(bucket: DropBucket, key: str, content: bytes) -> str:
        if key.startswith("tuesday"):
            raise StockctlError("the connection broke", "Try again.")
        return drop(bucket, key, content)

    monkeypatch.setattr(DropBucket, "drop", drop_but_tuesday)
    done = stockctl("ingest", str(monday), str(tuesday))
    assert (done.code, [row[2] for row in done.rows]) == (ExitCode.FAILED, ["ham", "egg"])
    assert "the connection broke" in done.err
    level = working.stock.level("ham")
    assert level is not None
    assert level.quantity == 30


def test_a_time_zone_is_for_a_dry_run_as_a_stack_has_its_own(stockctl: Stockctl, monday: Path) -> None:
    """Else stock would be served for hours after the best-before that its sender meant."""
    done = stockctl("ingest", str(monday), "--time-zone", "Asia/Tokyo")
    assert done.code == ExitCode.USAGE
    assert "--dry-run" in done.err


def test_the_same_file_twice_is_the_same_delivery(stockctl: Stockctl, working: Service, monday: Path) -> None:
    first = stockctl("ingest", str(monday), "-o", "json").json
    levels = working.stock.levels()
    done = stockctl("ingest", str(monday), "-o", "json")
    assert (done.code, done.json[0]["status"]) == (ExitCode.DONE, "duplicate")
    assert done.json[0]["recorded"] == first[0]["recorded"]
    assert working.stock.levels() == levels


@pytest.mark.usefixtures("working")
def test_of_a_file_that_is_not_waited_for_nothing_is_counted(stockctl: Stockctl, monday: Path) -> None:
    done = stockctl("ingest", str(monday), "--no-wait", "-o", "table")
    assert done.out.rstrip().endswith("1 delivery")
    assert "without --no-wait says what became of it" in done.err


@pytest.mark.usefixtures("working")
def test_rejected_rows_are_told_by_file_line_column_value_and_reason(stockctl: Stockctl, monday: Path) -> None:
    monday.write_text(GOOD + "ham,ten,2099-12-31\n")
    done = stockctl("ingest", str(monday))
    assert done.code == ExitCode.DONE
    assert f"{monday}:4: rejected: quantity 'ten' is not a whole number" in done.err
    assert stockctl("ingest", str(monday), "-o", "json").json[0]["rejected"][0]["line"] == 4


def test_a_file_of_which_nothing_can_be_recorded_is_not_sent(
    stockctl: Stockctl, kitchen: Service, monday: Path
) -> None:
    monday.write_text("ingredient,quantity,best_before\nham,3000,2018-12-31\n")
    done = stockctl("ingest", str(monday))
    assert done.code == ExitCode.REFUSED
    assert "has expired" in done.err
    assert "Contents" not in kitchen.clients.s3.list_objects_v2(Bucket=BUCKET)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b'ham,"'])
def test_a_file_that_is_no_csv_says_so(stockctl: Stockctl, monday: Path, content: bytes) -> None:
    monday.write_bytes(content)
    done = stockctl("ingest", str(monday))
    assert done.code == ExitCode.REFUSED
    assert "the file is" in done.err


@pytest.mark.usefixtures("working")
def test_standard_input_is_a_file_too(stockctl: Stockctl) -> None:
    done = stockctl("ingest", "-", "-o", "json", stdin=GOOD.encode())
    assert done.json[0]["status"] == "recorded"
    assert done.json[0]["delivery"].startswith("stdin-")


@pytest.mark.usefixtures("working")
def test_a_batch_id_names_the_delivery_and_other_content_under_it_is_a_conflict(
    stockctl: Stockctl, monday: Path
) -> None:
    assert stockctl("ingest", str(monday), "--batch-id", "week 47", "-o", "json").json[0]["delivery"] == "week 47.csv"
    monday.write_text("ham,1,2099-12-31\n")
    done = stockctl("ingest", str(monday), "--batch-id", "week 47")
    assert done.code == ExitCode.REFUSED
    assert "other content" in done.err


def test_a_dry_run_prints_the_rows_as_they_would_be_recorded_and_needs_no_cloud(
    stockctl: Stockctl, monday: Path, kitchen: Service
) -> None:
    done = stockctl("ingest", str(monday), "--dry-run", "-o", "json")
    assert [row["ingredient"] for row in done.json[0]["recorded"]] == ["ham", "egg"]
    assert "Contents" not in kitchen.clients.s3.list_objects_v2(Bucket=BUCKET)
    assert "stack" not in done.err


@pytest.mark.usefixtures("working")
def test_rejected_rows_can_be_written_out_mended_and_sent_again(
    stockctl: Stockctl, monday: Path, tmp_path: Path
) -> None:
    monday.write_text(GOOD + "ham,ten,2099-12-31\n")
    mend = tmp_path / "mend.csv"
    stockctl("ingest", str(monday), "--rejects", str(mend))
    assert mend.read_text() == "ingredient,quantity,best_before\nham,ten,2099-12-31\n"
    mend.write_text(mend.read_text().replace("ten", "10"))
    assert stockctl("ingest", str(mend), "-o", "json").json[0]["status"] == "recorded"


@pytest.mark.usefixtures("working")
def test_what_looks_like_a_mistake_is_noted_and_recorded_all_the_same(stockctl: Stockctl, monday: Path) -> None:
    stockctl("ingest", str(monday))
    monday.write_text("hamm,1,2099-01-01\nham,1,2098-01-01\n")
    done = stockctl("ingest", str(monday))
    assert "new here: hamm" in done.err
    assert "did you mean ham?" in done.err
    assert "ham of 2098-01-01 expires before what is here already" in done.err
    assert done.code == ExitCode.DONE


def test_a_file_that_is_not_there_is_a_usage_error(stockctl: Stockctl) -> None:
    done = stockctl("ingest", "nowhere.csv")
    assert done.code == ExitCode.USAGE
    assert "nowhere.csv cannot be read" in done.err


def test_no_wait_sends_and_says_so(stockctl: Stockctl, monday: Path, kitchen: Service) -> None:
    assert stockctl("ingest", str(monday), "--no-wait", "-o", "json").json[0]["status"] == "sent"
    assert len(kitchen.clients.s3.list_objects_v2(Bucket=BUCKET)["Contents"]) == 1


@pytest.mark.usefixtures("working")
def test_a_large_file_goes_in_parts_and_is_shown_as_one(
    stockctl: Stockctl, monday: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stockctl.cli.ingest.PARTS_AT_ONCE", 1)  # moto knows one thread
    rows = [f"{('ham', 'egg')[number % 2]},1,2099-01-{1 + number % 28:02}" for number in range(6_000)]
    monday.write_text("\n".join(["ingredient,quantity,best_before", *rows, "ham,ten,2099-01-01"]))
    document = stockctl("ingest", str(monday), "-o", "json").json[0]
    assert document["status"] == "partial"
    assert len(document["parts"]) == 2
    assert sum(row["quantity"] for row in document["recorded"]) == 6_000
    assert [row["line"] for row in document["rejected"]] == [6_002]
    assert [row[1] for row in stockctl("stock").rows] == ["3000", "3000"]
    again = stockctl("ingest", str(monday), "-o", "json").json[0]
    assert [row[1] for row in stockctl("stock").rows] == ["3000", "3000"]
    assert again["recorded"] == document["recorded"]
