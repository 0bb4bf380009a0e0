"""TAB completion and `stockctl doctor`: both start nothing."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from stockctl.domain.errors import ExitCode
from tests.cli.conftest import Stockctl
from tests.service import STACK, Service


def completions(words: str, home: Path) -> list[str]:
    """What a shell would offer for this command line."""
    line = f"stockctl {words}"
    variables = os.environ | {
        "_STOCKCTL_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(line.split(" ")) - 1),
        "STOCKCTL_HOME": str(home),
    }
    code = (
        "import sys; sys.argv = ['stockctl']\n"
        "from stockctl.cli.main import main\n"
        "try:\n    main()\n"
        "finally:\n"
        "    heavy = {'boto3', 'botocore', 'plotext', 'ministack'} & set(sys.modules)\n"
        "    if heavy: print('LOADED', heavy)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=False)
    return done.stdout.split()


def test_tab_offers_the_ingredients_that_a_command_has_listed(
    stockctl: Stockctl, kitchen: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOCKCTL_HOME", str(tmp_path))
    kitchen.drop("monday.csv", "ham,100,2099-12-31\nhazelnut,1,2099-01-01\nmushroom,50,2099-12-31\n")
    stockctl("stock")
    assert completions(f"stock --stack {STACK} ha", tmp_path) == ["ham", "hazelnut"]


def test_tab_offers_recent_ids_and_deliveries(
    stockctl: Stockctl, kitchen: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOCKCTL_HOME", str(tmp_path))
    kitchen.drop("monday.csv", "ham,100,2040-12-31\n")
    stockctl("deliveries")
    stockctl("count", "ham=99", "--yes", "--id", "monthly")
    assert completions(f"show --stack {STACK} mon", tmp_path) == ["monthly", "monday.csv"]
    assert completions(f"ingest x.csv --stack {STACK} --corrects mon", tmp_path) == ["monday.csv"]


def test_tab_completes_commands_and_unknown_names_to_nothing(tmp_path: Path) -> None:
    assert "stock" in completions("sto", tmp_path)
    assert completions("stock ha", tmp_path) == []


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("logs Get", "GetStock"),
        ("deploy -p Time", "TimeZone="),
        ("stock --stack stock", "stockctl-simulation"),
        ("failures re", "retry"),
    ],
)
def test_tab_offers_what_a_word_can_be_without_loading_boto3(words: str, offered: str, tmp_path: Path) -> None:
    found = completions(words, tmp_path)
    assert offered in found
    assert "LOADED" not in found


def test_a_doctor_finds_a_healthy_stack_healthy_but_for_its_version(stockctl: Stockctl) -> None:
    done = stockctl("doctor", "-o", "json")
    found = {item["what"]: item for item in done.json}
    assert found["credentials"]["ok"]
    assert found["clock"]["ok"]
    assert re.fullmatch(r"in step|\d+ s off", found["clock"]["found"])
    assert not found["stack"]["ok"]  # the one on moto is not made of our template
    assert "stockctl deploy" in found["stack"]["fix"]
    assert done.code == ExitCode.FAILED


def test_doctor_reports_what_is_missing_and_starts_nothing(stockctl: Stockctl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    done = stockctl("doctor")
    assert done.code == ExitCode.FAILED
    assert ["credentials", "false"] in [row[:2] for row in done.rows]
    assert "aws configure sso" in done.out


def test_doctor_reports_the_output_format_in_a_pipe(stockctl: Stockctl) -> None:
    assert "results are TSV" in stockctl("doctor").out
    said = stockctl("doctor", "-o", "csv").out
    assert "output is set to csv" in said
    assert "TSV" not in said


def test_doctor_reports_a_broken_configuration_file_and_checks_the_rest(
    stockctl: Stockctl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("stockctl.toml").write_text("kitchen = \n", encoding="utf-8")
    done = stockctl("doctor", "-o", "json")
    found = {item["what"]: item for item in done.json}
    assert done.code == ExitCode.FAILED
    assert not found["configuration file"]["ok"]
    assert "stockctl.toml is not valid TOML" in found["configuration file"]["found"]
    assert found["credentials"]["ok"]
    assert stockctl("stock").code == ExitCode.USAGE


@pytest.mark.parametrize("place", ["--local", "--aws"])
def test_doctor_works_where_the_embedded_cloud_cannot_run(place: str, tmp_path: Path) -> None:
    """Windows has no fcntl."""
    code = (
        "import sys; sys.modules['fcntl'] = None\n"
        "import importlib.util; find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *rest: None if name == 'fcntl' else find(name, *rest)\n"
        f"sys.argv = ['stockctl', 'doctor', '{place}', '-o', 'json']\n"
        "from stockctl.cli.main import main; main()"
    )
    variables = {name: value for name, value in os.environ.items() if not name.startswith("AWS_ACCESS")}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert "Traceback" not in done.stderr
    found = {item["what"]: item for item in json.loads(done.stdout)}
    assert found["embedded cloud"]["ok"] is (place == "--aws")
    assert found["python"]["ok"]
    assert "WSL" in done.stdout or place == "--aws"
    assert "terminal" in found
