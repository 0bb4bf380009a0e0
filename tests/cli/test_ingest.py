"""`stockctl ingest`: files are checked, sent, and every row is accounted for."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import pytest

from stockctl.cli.main import run
from stockctl.client.supplier import deliver
from stockctl.domain.best_before import DateOrder
from stockctl.domain.errors import ExitCode, StockctlError
from stockctl.domain.parts import parts_of
from stockctl.functions import wiring
from stockctl.operations.drop_bucket import DropBucket
from stockctl.terminal.environment import Environment
from tests.cli.conftest import Stockctl
from tests.service import BUCKET, STACK, STOCK, TRANSACTIONS, Service
from tests.supplier_files import FILES, FOLDER, content_of

GOOD = "ingredient,quantity,best_before\nham,30,2099-12-31\negg,12,2099-01-01\n"


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


def test_deliveries_recorded_before_an_error_are_shown(
    stockctl: Stockctl, working: Service, monday: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second of two files cannot be sent: the first is in stock, and its result is shown."""
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
    """Otherwise stock could be served hours after the best-before that the sender meant."""
    done = stockctl("ingest", str(monday), "--time-zone", "Asia/Tokyo")
    assert done.code == ExitCode.USAGE
    assert "--dry-run" in done.err
    assert stockctl("ingest", str(monday), "--date-order", "DMY").code == ExitCode.USAGE


@pytest.mark.usefixtures("working")
@pytest.mark.parametrize(
    ("options", "egg", "code"),
    [
        ((), None, ExitCode.PARTIAL),
        (("--time-zone", "Asia/Tokyo"), None, ExitCode.PARTIAL),
        (("--date-order", "DMY"), "2031-03-04", ExitCode.DONE),
        (("--date-order", "MDY"), "2031-04-03", ExitCode.DONE),
    ],
)
def test_a_dry_run_of_a_file_that_was_sent_shows_it_as_read_with_the_options_for_dates(
    stockctl: Stockctl, monday: Path, options: tuple[str, ...], egg: str | None, code: ExitCode
) -> None:
    """So the order that a supplier meant can be found after rows were rejected."""
    monday.write_text("ham,5,2031-01-02\negg,5,04/03/2031\n")
    assert stockctl("ingest", str(monday)).code == ExitCode.PARTIAL
    dry = stockctl("ingest", str(monday), "--dry-run", *options, "-o", "json")
    dates = {row["ingredient"]: row["best_before"] for row in dry.json[0]["recorded"]}
    assert (dry.code, dry.json[0]["status"], dates.get("egg")) == (code, "duplicate", egg)
    assert ("shown as read with your options, not as recorded" in dry.err) == bool(options)


def test_the_same_file_twice_is_the_same_delivery(stockctl: Stockctl, working: Service, monday: Path) -> None:
    first = stockctl("ingest", str(monday), "-o", "json").json
    levels = working.stock.levels()
    dry = stockctl("ingest", str(monday), "--dry-run", "-o", "json")
    assert (dry.code, dry.json[0]["status"]) == (ExitCode.DONE, "duplicate")
    done = stockctl("ingest", str(monday), "-o", "json")
    assert (done.code, done.json[0]["status"]) == (ExitCode.DONE, "duplicate")
    assert done.json[0]["recorded"] == first[0]["recorded"]
    assert working.stock.levels() == levels


@pytest.mark.usefixtures("working")
def test_of_a_file_that_is_not_waited_for_nothing_is_counted(stockctl: Stockctl, monday: Path) -> None:
    done = stockctl("ingest", str(monday), "--no-wait", "-o", "table")
    assert done.out.rstrip().endswith("1 delivery")
    assert "without --no-wait shows what became of it" in done.err


@pytest.mark.usefixtures("working")
def test_rejected_rows_are_reported_with_line_column_value_and_reason(stockctl: Stockctl, monday: Path) -> None:
    monday.write_text(GOOD + "ham,ten,2099-12-31\n")
    done = stockctl("ingest", str(monday))
    assert done.code == ExitCode.PARTIAL
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


@pytest.mark.usefixtures("working")
@pytest.mark.parametrize("words", [(), ("--dry-run",)])
def test_of_several_files_the_exit_code_shows_whether_some_or_none_were_recorded(
    stockctl: Stockctl, monday: Path, words: tuple[str, ...]
) -> None:
    """3 means that nothing changed."""
    expired = monday.with_name("expired.csv")
    expired.write_text("ham,3000,2018-12-31\n")
    assert stockctl("ingest", str(expired), str(expired), *words).code == ExitCode.REFUSED
    assert stockctl("ingest", str(monday), str(expired), *words).code == ExitCode.PARTIAL


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b'ham,"'])
def test_a_file_that_is_not_csv_is_an_error(stockctl: Stockctl, monday: Path, content: bytes) -> None:
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
@pytest.mark.parametrize("option", ["--delivery", "--batch-id"])
def test_a_delivery_can_be_named_and_other_content_under_its_name_is_a_conflict(
    stockctl: Stockctl, monday: Path, option: str
) -> None:
    assert stockctl("ingest", str(monday), option, "week 47", "-o", "json").json[0]["delivery"] == "week 47.csv"
    monday.write_text("ham,1,2099-12-31\n")
    dry = stockctl("ingest", str(monday), option, "week 47", "--dry-run", "-o", "json")
    assert (dry.code, dry.json[0]["status"]) == (ExitCode.REFUSED, "conflict")
    done = stockctl("ingest", str(monday), option, "week 47")
    assert done.code == ExitCode.REFUSED
    assert "other content" in done.err


def test_a_dry_run_prints_the_rows_as_they_would_be_recorded_and_sends_nothing(
    stockctl: Stockctl, monday: Path, kitchen: Service
) -> None:
    done = stockctl("ingest", str(monday), "--dry-run", "-o", "json")
    assert [row["ingredient"] for row in done.json[0]["recorded"]] == ["ham", "egg"]
    assert done.json[0]["status"] == "valid"
    assert "Contents" not in kitchen.clients.s3.list_objects_v2(Bucket=BUCKET)
    assert done.err.startswith("stockctl: ")


@pytest.mark.parametrize("name", FILES)
def test_files_as_suppliers_send_them(stockctl: Stockctl, working: Service, name: str) -> None:
    """The command, its dry run, and the receipt of the same file dropped with a plain client agree."""
    expected = FILES[name]
    path = str(FOLDER / name)
    checked = stockctl("ingest", path, "--dry-run", "-o", "json")
    sent = stockctl("ingest", path, "-o", "json")
    receipt = working.drop(f"dropped/{name}", content_of(name))
    for document in (checked.json[0], sent.json[0], receipt):
        assert {row["ingredient"]: row["quantity"] for row in document["recorded"]} == expected.recorded
        assert {row["line"] for row in document["rejected"]} == set(expected.rejected)
        for row in document["rejected"]:
            assert expected.rejected[row["line"]] in row["reason"]
    assert (sent.json[0]["status"], receipt["status"]) == (expected.status, expected.status)
    assert checked.json[0]["status"] == expected.status.replace("recorded", "valid")
    code = {"recorded": ExitCode.DONE, "partial": ExitCode.PARTIAL, "rejected": ExitCode.REFUSED}[expected.status]
    assert (checked.code, sent.code) == (code, code)


@pytest.mark.usefixtures("working")
def test_rejected_lines_are_kept_as_they_stand_and_come_back_corrected(stockctl: Stockctl, tmp_path: Path) -> None:
    monday, rejects = tmp_path / "monday.csv", tmp_path / "rejects.csv"
    bad = ["rice;1 000;2031-05-01", '"dough"x;1;2031-05-01', "ham;5;2031-12-01;extra", "2031;leek"]
    monday.write_text("\n".join(["ingredient;quantity;best_before", "egg;1;2031-05-01", *bad]))
    done = stockctl("ingest", str(monday), "--rejects", str(rejects))
    assert done.code == ExitCode.PARTIAL
    head, *lines = rejects.read_text().splitlines()
    assert head == "line;reason;ingredient;quantity;best_before"
    assert [line.split(";")[0] for line in lines] == ["3", "4", "5", "6"]
    assert all(line.endswith(raw) for line, raw in zip(lines, bad, strict=True))
    unchanged = stockctl("ingest", str(rejects), "-o", "json")
    assert (unchanged.code, len(unchanged.json[0]["rejected"])) == (ExitCode.REFUSED, 4)
    second = tmp_path / "second.csv"
    stockctl("ingest", str(rejects), "--rejects", str(second))
    assert second.read_text().splitlines()[0] == head
    assert all(line.endswith(raw) for line, raw in zip(second.read_text().splitlines()[1:], bad, strict=True))
    corrected = rejects.read_text().replace("1 000", "1000").replace('"dough"x', "dough").replace(";extra", "")
    rejects.write_text(corrected.replace("2031;leek", "leek;3;2031-05-01"))
    again = stockctl("ingest", str(rejects), "-o", "json").json[0]
    assert again["status"] == "recorded"
    assert [row["ingredient"] for row in again["recorded"]] == ["rice", "dough", "ham", "leek"]
    assert again["ignored_columns"] == []


def test_rejects_never_overwrite_what_is_ingested(stockctl: Stockctl, kitchen: Service, monday: Path) -> None:
    done = stockctl("ingest", str(monday), "--rejects", str(monday))
    assert done.code == ExitCode.USAGE
    assert monday.read_text() == GOOD
    assert "Contents" not in kitchen.clients.s3.list_objects_v2(Bucket=BUCKET)


def test_files_with_different_columns_have_no_rejects_in_common(stockctl: Stockctl, monday: Path) -> None:
    other = monday.with_name("other.csv")
    other.write_text(GOOD.replace(",", ";"))
    done = stockctl("ingest", str(monday), str(other), "--rejects", str(monday.with_name("rejects.csv")))
    assert done.code == ExitCode.USAGE


@pytest.mark.usefixtures("working")
def test_likely_mistakes_are_reported_and_recorded(stockctl: Stockctl, monday: Path) -> None:
    stockctl("ingest", str(monday))
    tuesday = monday.with_name("tuesday.csv")
    tuesday.write_text("curry,1,2099-01-01\nham,1,2098-01-01\n")
    done = stockctl("ingest", str(tuesday))
    assert "new ingredients: curry" in done.err
    assert "ham of 2098-01-01 expires before what is here already" in done.err
    assert "2 rows: best_before is more than 20 years ahead: line 1" in done.err
    assert done.code == ExitCode.DONE
    assert "expires before" not in stockctl("ingest", str(tuesday)).err  # a repeat adds nothing


@pytest.mark.usefixtures("working")
def test_an_ingredient_that_looks_misspelt_is_not_sent_unless_it_is_said_to_be_new(
    stockctl: Stockctl, monday: Path
) -> None:
    stockctl("ingest", str(monday))
    tuesday = monday.with_name("tuesday.csv")
    tuesday.write_text("hamm,1,2099-01-01\n")
    dry = stockctl("ingest", str(tuesday), "--dry-run", "-o", "json")
    assert (dry.code, dry.json[0]["status"]) == (ExitCode.REFUSED, "refused")
    assert "hamm: did you mean ham?" in dry.err
    assert "hamm (ham); nothing was sent" in dry.err
    assert stockctl("ingest", str(tuesday), "--dry-run", "--new").code == ExitCode.DONE
    done = stockctl("ingest", str(tuesday))
    assert done.code == ExitCode.REFUSED
    assert "hamm (ham); nothing was sent" in done.err
    assert [row[0] for row in stockctl("stock").rows] == ["egg", "ham"]
    assert stockctl("ingest", str(tuesday), "--new").code == ExitCode.DONE


class Keyboard(io.StringIO):
    """Somebody at a terminal, who types this."""

    def isatty(self) -> bool:
        return True


@pytest.mark.usefixtures("working")
@pytest.mark.parametrize(("typed", "code"), [("y\n", ExitCode.DONE), ("n\n", ExitCode.REFUSED), ("", ExitCode.REFUSED)])
def test_on_a_terminal_a_misspelt_ingredient_is_a_question(
    stockctl: Stockctl, monday: Path, typed: str, code: ExitCode
) -> None:
    stockctl("ingest", str(monday))
    tuesday = monday.with_name("tuesday.csv")
    tuesday.write_text("hamm,1,2099-01-01\n")
    environment = Environment(stdin=Keyboard(typed), stdout=io.StringIO(), stderr=io.StringIO())
    assert run(["ingest", str(tuesday), "--aws", "--stack", STACK], environment) == code
    assert "did you mean ham?" in environment.stderr.getvalue()  # type: ignore[attr-defined]
    assert ("hamm" in [row[0] for row in stockctl("stock").rows]) == (code is ExitCode.DONE)


@pytest.mark.usefixtures("working")
def test_a_corrected_file_is_not_sent_again_with_what_was_recorded(stockctl: Stockctl, monday: Path) -> None:
    monday.write_text("leek,40,2031-05-01\nchard,ten,2031-05-02\n")
    first = stockctl("ingest", str(monday), "-o", "json").json[0]["delivery"]
    monday.write_text("leek,40,2031-05-01\nchard,10,2031-05-02\n")
    dry = stockctl("ingest", str(monday), "--dry-run", "-o", "json")
    assert (dry.code, dry.json[0]["status"]) == (ExitCode.REFUSED, "refused")
    assert stockctl("ingest", str(monday), "--dry-run", "--again").code == ExitCode.DONE
    done = stockctl("ingest", str(monday))
    assert done.code == ExitCode.REFUSED
    assert f"{first} recorded before: leek 2031-05-01; nothing was sent" in done.err
    assert "send only the rows that were rejected" in done.err
    assert f"`--corrects {first}`" in done.err
    assert [row[1] for row in stockctl("stock").rows] == ["40"]
    assert stockctl("ingest", str(monday), "--again").code == ExitCode.DONE
    assert [row[1] for row in stockctl("stock").rows] == ["10", "80"]
    monday.write_text("chard,10,2031-06-02\n")
    assert stockctl("ingest", str(monday)).code == ExitCode.DONE


@pytest.mark.usefixtures("working")
def test_a_partial_file_that_is_repeated_is_still_partial(stockctl: Stockctl, monday: Path) -> None:
    """A script that moves files on success must not move it on the second try either."""
    monday.write_text(GOOD + "ham,ten,2099-12-31\n")
    assert stockctl("ingest", str(monday)).code == ExitCode.PARTIAL
    assert stockctl("ingest", str(monday)).code == ExitCode.PARTIAL
    assert stockctl("ingest", str(monday), "--dry-run").code == ExitCode.PARTIAL


@pytest.mark.usefixtures("working")
def test_a_file_that_was_rejected_waits_for_its_new_receipt(stockctl: Stockctl, working: Service, monday: Path) -> None:
    """Its dates are read in another order now, so what was rejected before is recorded."""
    content = GOOD.replace("2099-12-31", "03/04/2031").replace("2099-01-01", "03/04/2031")
    monday.write_text(content)
    key = stockctl("ingest", str(monday), "--dry-run", "-o", "json").json[0]["delivery"]
    working.drop(key, content)
    recorder = wiring.recorder(BUCKET)
    dmy = dataclasses.replace(recorder, reading=dataclasses.replace(recorder.reading, date_order=DateOrder.DMY))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("stockctl.functions.wiring.recorder", lambda _: dmy)
        delivered = deliver(working.bucket, key, content.encode())
    assert delivered.status == "recorded"


def test_a_receipt_alone_is_no_proof_that_a_file_was_recorded(
    stockctl: Stockctl, working: Service, monday: Path
) -> None:
    """Tables that were lost and restored may not hold what receipts tell of: it is recorded then."""
    first = stockctl("ingest", str(monday), "-o", "json").json[0]
    for table, names in ((STOCK, ("ingredient", "batch_id")), (TRANSACTIONS, ("transaction_id",))):
        for row in working.clients.dynamodb.scan(TableName=table)["Items"]:
            working.clients.dynamodb.delete_item(TableName=table, Key={name: row[name] for name in names})
    again = stockctl("ingest", str(monday), "-o", "json").json[0]
    assert (again["status"], again["recorded"]) == ("recorded", first["recorded"])
    assert [row[1] for row in stockctl("stock").rows] == ["12", "30"]
    assert stockctl("ingest", str(monday), "-o", "json").json[0]["status"] == "duplicate"


@pytest.mark.usefixtures("working")
def test_one_reason_is_reported_once_with_a_count_and_examples(stockctl: Stockctl, monday: Path) -> None:
    monday.write_text(GOOD + "".join(f"ham,{number}.5,2099-12-31\n" for number in range(400)) + "egg,1,soon\n")
    done = stockctl("ingest", str(monday))
    lines = [line for line in done.err.splitlines() if "rejected" in line and "corrected" not in line]
    assert len(lines) == 2
    assert (
        "400 rows: quantity is not a whole number: line 4 '0.5' (whole units: write 500 and count in grams)" in lines[0]
    )
    assert lines[0].count("'") == 6
    assert lines[0].endswith(", ...")
    assert ":404: rejected: best_before 'soon' is not a date" in lines[1]


def test_where_all_rows_are_shown_as_examples_nothing_says_that_there_are_more(
    stockctl: Stockctl, monday: Path
) -> None:
    monday.write_text(GOOD + "ham,soon,2099-12-31\negg,later,2099-12-31\n")
    done = stockctl("ingest", str(monday), "--dry-run")
    assert "line 4 'soon', line 5 'later'\n" in done.err


@pytest.mark.usefixtures("working")
def test_a_large_delivery_is_summed_up_for_people(stockctl: Stockctl, monday: Path) -> None:
    monday.write_text("".join(f"ham,1,20{30 + day // 28}-01-{1 + day % 28:02}\n" for day in range(60)))
    done = stockctl("ingest", str(monday), "-o", "table")
    assert len(done.out.splitlines()) < 8
    assert "--all-rows" in done.err
    again = stockctl("ingest", str(monday), "-o", "table", "--all-rows")
    assert len(again.out.splitlines()) > 60


def test_a_file_that_is_not_there_is_a_usage_error(stockctl: Stockctl) -> None:
    done = stockctl("ingest", "nowhere.csv")
    assert done.code == ExitCode.USAGE
    assert "nowhere.csv cannot be read" in done.err


def test_no_wait_reports_that_the_file_was_sent(stockctl: Stockctl, monday: Path, kitchen: Service) -> None:
    assert stockctl("ingest", str(monday), "--no-wait", "-o", "json").json[0]["status"] == "sent"
    assert len(kitchen.clients.s3.list_objects_v2(Bucket=BUCKET)["Contents"]) == 1


@pytest.mark.usefixtures("working")
def test_a_large_file_is_sent_in_parts_and_shown_as_one(
    stockctl: Stockctl, monday: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stockctl.cli.sending.PARTS_AT_ONCE", 1)  # moto knows one thread
    rows = [f"{('ham', 'egg')[number % 2]},1,2099-01-{1 + number % 28:02}" for number in range(6_000)]
    monday.write_text("\n".join(["ingredient,quantity,best_before", *rows, "ham,ten,2099-01-01"]))
    document = stockctl("ingest", str(monday), "-o", "json").json[0]
    assert document["status"] == "partial"
    assert len(document["parts"]) == 2
    assert sum(row["quantity"] for row in document["recorded"]) == 6_000
    assert [row["line"] for row in document["rejected"]] == [6_002]
    assert [row[1] for row in stockctl("stock").rows] == ["3000", "3000"]
    dry = stockctl("ingest", str(monday), "--dry-run", "-o", "json")
    assert (dry.code, dry.json[0]["status"]) == (ExitCode.PARTIAL, "duplicate")
    again = stockctl("ingest", str(monday), "-o", "json").json[0]
    assert [row[1] for row in stockctl("stock").rows] == ["3000", "3000"]
    assert again["recorded"] == document["recorded"]


@pytest.mark.parametrize("name", ["receipts/y", "receipts/y.csv"])
def test_a_delivery_named_as_a_receipt_is_a_usage_error(stockctl: Stockctl, kitchen: Service, name: str) -> None:
    """What lies under receipts/ is never recorded, so waiting for it would be in vain."""
    stdin = GOOD.encode()
    done = stockctl("ingest", "-", "--delivery", name, stdin=stdin)
    assert (done.code, "receipts/ holds receipts" in done.err) == (ExitCode.USAGE, True)
    assert stockctl("ingest", "-", "--delivery", name, "--dry-run", stdin=stdin).code == ExitCode.USAGE
    assert "Contents" not in kitchen.clients.s3.list_objects_v2(Bucket=BUCKET)


@pytest.mark.usefixtures("working")
@pytest.mark.parametrize(("content", "code"), [(GOOD, ExitCode.DONE), ("foo,bar,baz\n", ExitCode.REFUSED)])
def test_rejects_leave_a_file_as_it_is_where_they_have_no_rows(
    stockctl: Stockctl, monday: Path, content: str, code: ExitCode
) -> None:
    rejects = monday.with_name("rejects.csv")
    rejects.write_text("precious")
    monday.write_text(content)
    done = stockctl("ingest", str(monday), "--rejects", str(rejects))
    assert (done.code, rejects.read_text()) == (code, "precious")
    assert f"{rejects}: not written" in done.err


@pytest.mark.usefixtures("working")
def test_rejects_name_the_column_and_are_reported(stockctl: Stockctl, monday: Path) -> None:
    rejects = monday.with_name("rejects.csv")
    monday.write_text(GOOD + "ham,,2099-12-31\nham,5,2019-12-31\n")
    done = stockctl("ingest", str(monday), "--rejects", str(rejects))
    lines = rejects.read_text().splitlines()[1:]
    assert [line.split(",")[1] for line in lines] == [
        "quantity is missing",
        "best_before has passed: this stock has expired",
    ]
    assert f"{rejects}: has 2 rejected rows" in done.err
    assert "--rejects FILE" not in done.err


@pytest.mark.usefixtures("working")
def test_ctrl_c_while_a_file_is_sent_reports_that_it_may_have_been_sent(
    stockctl: Stockctl, monday: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(DropBucket, "drop", interrupted)
    done = stockctl("ingest", str(monday))
    assert done.code == ExitCode.INTERRUPTED
    assert f"{monday}: interrupted; it may have been sent" in done.err


@pytest.mark.usefixtures("working")
def test_content_that_was_recorded_under_another_name_is_noted(stockctl: Stockctl, monday: Path) -> None:
    """It is another delivery: copies of a file count twice."""
    first = stockctl("ingest", str(monday), "-o", "json")
    assert "counts again" not in first.err
    copy = monday.with_name("copy.csv")
    copy.write_text(GOOD)
    noted = f"{copy} has the content of {first.json[0]['delivery']}, and counts again"
    assert noted in stockctl("ingest", str(copy), "--dry-run").err
    assert noted in stockctl("ingest", str(copy)).err
    assert "counts again" not in stockctl("ingest", str(copy)).err


@pytest.mark.usefixtures("working")
def test_a_copy_that_is_named_with_delivery_is_noted(stockctl: Stockctl, monday: Path) -> None:
    first = stockctl("ingest", str(monday), "-o", "json").json[0]["delivery"]
    noted = f"{monday} has the content of {first}, and counts again"
    words = ["ingest", str(monday), "--delivery", "week 47"]
    assert noted in stockctl(*words, "--dry-run").err
    assert noted in stockctl(*words).err
    assert "counts again" not in stockctl(*words).err


@pytest.mark.parametrize("key", ["week 47.csv", "a supplier's.CSV", "zucchini/week 47.csv"])
def test_a_copy_of_a_delivery_without_a_digest_in_its_key_is_noted(
    stockctl: Stockctl, working: Service, monday: Path, key: str
) -> None:
    """Such as one that a supplier dropped, or that was sent with --delivery."""
    working.drop(key, GOOD)
    assert f"{monday} has the content of {key}, and counts again" in stockctl("ingest", str(monday)).err


@pytest.mark.usefixtures("working")
def test_a_copy_in_the_same_command_is_noted(stockctl: Stockctl, monday: Path) -> None:
    copy = monday.with_name("copy.csv")
    copy.write_text(GOOD)
    words = ["ingest", str(monday), str(copy)]
    assert f"{copy} has the content of {monday}, and counts again" in stockctl(*words, "--dry-run").err
    assert stockctl(*words).err.count("counts again") == 1
    assert "counts again" not in stockctl(*words).err


@pytest.mark.usefixtures("working")
def test_the_same_file_twice_in_one_command_is_no_copy(stockctl: Stockctl, monday: Path) -> None:
    assert "counts again" not in stockctl("ingest", str(monday), str(monday)).err


@pytest.mark.usefixtures("working")
@pytest.mark.parametrize("words", [["copy.csv"], ["monday.csv", "--delivery", "week 47"]])
def test_a_copy_of_a_file_that_was_sent_in_parts_is_noted_once(
    stockctl: Stockctl, monday: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.chdir(monday.parent)
    monkeypatch.setattr("stockctl.cli.sending.PARTS_AT_ONCE", 1)  # moto knows one thread
    monkeypatch.setattr(parts_of, "__defaults__", (1,))
    first = stockctl("ingest", str(monday), "-o", "json").json[0]
    assert len(first["parts"]) == 2
    monday.with_name("copy.csv").write_text(GOOD)
    assert f"{words[0]} has the content of {first['delivery']}, and counts again" in stockctl("ingest", *words).err
    assert "counts again" not in stockctl("ingest", *words).err


@pytest.mark.usefixtures("kitchen")
def test_rejected_rows_wrap_between_words_on_a_terminal(monday: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    monday.write_text(GOOD + "ham,ten,2099-12-31\n")
    environment = Environment(stdin=io.StringIO(), stdout=io.StringIO(), stderr=Keyboard())
    run(["ingest", str(monday), "--dry-run", "--aws", "--stack", STACK], environment)
    lines = environment.stderr.getvalue().splitlines()  # type: ignore[attr-defined]
    assert max(map(len, lines)) <= 50
    assert "is not a whole number from 1 to 1,000,000,000" in " ".join(map(str.strip, lines))


@pytest.mark.usefixtures("working")
def test_a_dry_run_does_not_ask_for_the_corrected_rows_alone(stockctl: Stockctl, monday: Path) -> None:
    """The others were not sent either."""
    monday.write_text(GOOD + "ham,ten,2099-12-31\n")
    rejects = monday.with_name("rejects.csv")
    done = stockctl("ingest", str(monday), "--dry-run", "--rejects", str(rejects))
    assert "has 1 rejected row; the other rows were not sent either" in done.err
    assert "send only the corrected rows" not in stockctl("ingest", str(monday), "--dry-run").err


@pytest.mark.usefixtures("working")
def test_a_file_without_rows_is_no_rejected_row(stockctl: Stockctl, monday: Path) -> None:
    monday.write_text("")
    assert "0 units; 1 rejection" in stockctl("ingest", str(monday), "-o", "table").out


@pytest.mark.usefixtures("working")
def test_a_dry_run_reads_dates_that_the_stack_would_not_read(stockctl: Stockctl, monday: Path) -> None:
    """Without a header, a file whose dates are ambiguous to the stack has no rows for it."""
    monday.write_text("egg,5,12/11/2098\n")
    done = stockctl("ingest", str(monday), "--dry-run", "--date-order", "MDY", "-o", "json")
    assert (done.code, done.json[0]["recorded"][0]["best_before"]) == (ExitCode.DONE, "2098-12-11")
