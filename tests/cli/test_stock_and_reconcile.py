"""`stockctl stock` and `stockctl reconcile`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from stockctl.domain.errors import ExitCode
from tests.cli.conftest import Stockctl
from tests.service import Service, soon


@pytest.fixture(autouse=True)
def stock_of_ham_and_mushroom(kitchen: Service) -> None:
    kitchen.drop("monday.csv", "ham,100,2099-12-31\nham,30,2098-12-31\nmushroom,50,2099-12-31\n")


def test_levels_are_listed_with_their_totals(stockctl: Stockctl) -> None:
    stockctl("use", "ham=10")
    assert stockctl("stock", "-o", "json").json == [
        {
            "ingredient": "ham",
            "quantity": 120,
            "received": 130,
            "used": 10,
            "expired": 0,
            "next_expiry": "2099-01-01T00:00:00Z",
            "threshold": None,
            "discarded": 0,
            "returned": 0,
        },
        {
            "ingredient": "mushroom",
            "quantity": 50,
            "received": 50,
            "used": 0,
            "expired": 0,
            "next_expiry": "2100-01-01T00:00:00Z",
            "threshold": None,
            "discarded": 0,
            "returned": 0,
        },
    ]


def test_people_see_what_was_discarded_so_that_the_columns_add_up(stockctl: Stockctl) -> None:
    assert "discarded" not in stockctl("stock", "-o", "table").out
    assert stockctl("discard", "ham=7").code == ExitCode.DONE
    shown = stockctl("stock", "-o", "table").out
    assert "discarded" in shown
    assert [line.split()[-1] for line in shown.splitlines() if line.split()[:1] in (["ham"], ["mushroom"])] == [
        "7",
        "0",
    ]


def test_batches_are_listed_the_soonest_to_expire_first(stockctl: Stockctl) -> None:
    done = stockctl("stock", "ham", "--batches", "-o", "json")
    assert [batch["best_before"] for batch in done.json] == ["2098-12-31", "2099-12-31"]
    assert set(done.json[0]) == {
        "ingredient",
        "batch_id",
        "delivery",
        "quantity",
        "received",
        "best_before",
        "expires_at",
    }


def test_low_and_expiring_stock_can_be_asked_for(stockctl: Stockctl) -> None:
    assert [row[0] for row in stockctl("stock", "--low", "60").rows] == ["mushroom"]
    assert stockctl("stock", "--expiring", "3d").rows == []
    assert [row[0] for row in stockctl("stock", "--sort", "quantity").rows] == ["mushroom", "ham"]
    assert stockctl("stock", "--expiring", "3").code == ExitCode.USAGE


def test_expiring_shows_what_is_at_risk_and_not_whole_levels(stockctl: Stockctl, kitchen: Service) -> None:
    kitchen.drop("egg.csv", f"egg,30,{soon(3600)}\negg,7,{soon(40 * 3600)}\negg,500,2099-12-31\n")
    kitchen.post("order", egg=12)  # not charged to a batch yet, but gone
    assert stockctl("stock", "--expiring", "2h").columns("ingredient", "quantity", "at_risk") == [["egg", "525", "18"]]
    assert stockctl("stock", "egg", "--expiring", "2d").columns("at_risk") == [["25"]]
    assert "25 units of 1 ingredient at risk" in stockctl("stock", "--expiring", "2d", "-o", "table").out


def test_what_is_used_up_is_not_at_risk(stockctl: Stockctl, kitchen: Service) -> None:
    kitchen.drop("egg.csv", f"egg,30,{soon(3600)}\negg,500,2099-12-31\n")
    kitchen.post("order", egg=30)
    assert stockctl("stock", "--expiring", "2h").rows == []


def test_expiring_takes_today_and_tomorrow_in_the_kitchens_time_zone(stockctl: Stockctl, kitchen: Service) -> None:
    today = datetime.now(UTC).date()
    rows = [f"{name},5,{today + timedelta(days=days)}" for days, name in enumerate(["a", "b", "c"])]
    kitchen.drop("days.csv", "ingredient,quantity,best_before\n" + "\n".join(rows) + "\n")
    assert stockctl("stock", "--expiring", "today").columns("ingredient") == [["a"]]
    assert stockctl("stock", "--expiring", "Tomorrow").columns("ingredient") == [["a"], ["b"]]
    done = stockctl("stock", "--expiring", "yesterday")
    assert (done.code, "`today` and `tomorrow` work, too" in done.err) == (ExitCode.USAGE, True)


def test_what_is_shown_in_hours_and_the_count_below_the_table_agree(stockctl: Stockctl, kitchen: Service) -> None:
    kitchen.drop("egg.csv", f"egg,5,{soon(47 * 3600 - 900)}\n")
    shown = stockctl("stock", "-o", "table").out
    assert "in 47 h" in shown
    assert "0 with stock expiring within a day" in shown
    kitchen.drop("soon.csv", f"egg,5,{soon(24 * 3600 + 60)}\n")
    shown = stockctl("stock", "-o", "table").out
    assert "in 24 h" in shown
    assert "1 with stock expiring within a day" in shown


def test_a_filter_that_matches_nothing_does_not_claim_that_nothing_is_in_stock(stockctl: Stockctl) -> None:
    done = stockctl("stock", "--low", "1")
    assert "no ingredient matches" in done.err
    assert "ingest" not in done.err


def test_a_best_before_with_a_time_is_shown_to_people_in_local_time_and_to_programs_as_it_was_delivered(
    stockctl: Stockctl, kitchen: Service
) -> None:
    kitchen.drop("now.csv", "egg,5,2099-12-31T18:00:00+00:00\n")
    there = datetime(2099, 12, 31, 18, tzinfo=UTC).astimezone().strftime("%Y-%m-%d %H:%M")
    shown = stockctl("stock", "egg", "--batches", "-o", "table").out
    assert there in shown
    assert "T18:00" not in shown
    assert stockctl("stock", "egg", "--batches").columns("best_before") == [["2099-12-31T18:00:00+00:00"]]


def test_an_unknown_ingredient_is_an_error_with_a_guess(stockctl: Stockctl) -> None:
    done = stockctl("stock", "hamm")
    assert done.code == ExitCode.REFUSED
    assert "no such ingredient: hamm" in done.err
    assert "did you mean ham?" in done.err


def test_tsv_csv_and_json_have_the_same_fields(stockctl: Stockctl) -> None:
    for words in (["stock"], ["stock", "--batches"], ["reconcile", "--check"]):
        names = list(stockctl(*words, "-o", "json").json[0])
        assert stockctl(*words, "-o", "tsv").out.splitlines()[0].split("\t") == names
        assert stockctl(*words, "-o", "csv").out.splitlines()[0].split(",") == names


def test_batches_are_sorted_as_asked(stockctl: Stockctl) -> None:
    def quantities(*words: str) -> list[list[str]]:
        return stockctl("stock", "--batches", *words).columns("quantity")

    assert quantities() == [["30"], ["100"], ["50"]]
    assert quantities("--sort", "quantity") == [["30"], ["50"], ["100"]]
    assert quantities("--sort", "name") == [["30"], ["100"], ["50"]]


def test_low_levels_cannot_be_asked_of_batches(stockctl: Stockctl) -> None:
    done = stockctl("stock", "--batches", "--low", "5")
    assert done.code == ExitCode.USAGE
    assert "--low is about levels" in done.err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--low", "60"], ExitCode.FOUND),
        (["--low", "5"], ExitCode.DONE),
        (["--below-threshold"], ExitCode.DONE),
        (["--batches", "--expiring", "3000d"], ExitCode.DONE),
        ([], ExitCode.USAGE),
    ],
)
def test_exit_code_is_5_if_something_is_found(stockctl: Stockctl, words: list[str], code: ExitCode) -> None:
    assert stockctl("stock", "--exit-code", *words).code == code
    assert stockctl("stock", *words).code == ExitCode.DONE


@pytest.mark.parametrize(
    "words", [["stock"], ["use", "ham=1"], ["threshold", "ham=5"], ["reconcile"], ["use", "caviar=1"]], ids=" ".join
)
def test_a_command_describes_the_stack_once(stockctl: Stockctl, words: list[str]) -> None:
    assert stockctl(*words, "--verbose").err.count("DescribeStacks") == 1


def test_check_finds_drift_changes_nothing_and_ends_with_its_own_code(stockctl: Stockctl) -> None:
    stockctl("use", "ham=40")
    for _ in range(2):
        done = stockctl("reconcile", "--check", "-o", "json")
        assert done.code == ExitCode.FOUND
        assert {row["ingredient"]: row["drift"] for row in done.json} == {"ham": 40, "mushroom": 0}


def test_people_see_only_changed_ingredients_and_programs_all(stockctl: Stockctl) -> None:
    assert "2 ingredients: no drift" in stockctl("reconcile", "-o", "table").err
    stockctl("use", "ham=40")
    shown = stockctl("reconcile", "--check", "-o", "table").out
    assert "ham" in shown
    assert "mushroom" not in shown
    assert [row[0] for row in stockctl("reconcile").rows] == ["ham", "mushroom"]


def test_reconcile_shows_what_moved_and_leaves_no_drift(stockctl: Stockctl) -> None:
    stockctl("use", "ham=40")
    done = stockctl("reconcile", "ham", "-o", "json")
    assert done.json == [{"ingredient": "ham", "drift": 40, "allocated": 40, "written_off": 0}]
    assert stockctl("reconcile", "--check").code == ExitCode.DONE
    assert stockctl("stock", "ham", "--batches", "--all").columns("quantity") == [["0"], ["90"]]


def test_what_never_expires_is_shown_as_such_and_last(stockctl: Stockctl, kitchen: Service) -> None:
    kitchen.drop("dry.csv", "ingredient,quantity,best_before\nsalt,5,never\nnori,1,2099-12-31\n")
    batches = stockctl("stock", "salt", "nori", "--batches", "-o", "json").json
    assert [(batch["best_before"], batch["expires_at"] is None) for batch in batches] == [
        ("2099-12-31", False),
        ("never", True),
    ]
    for words in ([], ["--batches"]):
        lines = stockctl("stock", "salt", "nori", *words, "-o", "table").out.splitlines()
        assert ["never" in line for line in lines if "salt" in line or "nori" in line].count(True) == 1
