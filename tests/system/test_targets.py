"""Reading never makes a stack, and a local one that is wiped is named first."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.system.conftest import System

READING = [
    ["stock"],
    ["status"],
    ["logs"],
    ["failures"],
    ["watch", "--duration", "1s"],
    ["reconcile", "--check"],
    ["use", "ham=1"],
]


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_a_command_makes_no_stack_of_a_misspelt_name(embedded_cloud: System, words: list[str]) -> None:
    done = embedded_cloud.stockctl(*words, "--stack", "stokctl")
    assert done.returncode == 1
    assert "there is no stack stokctl on the embedded cloud; did you mean stockctl?" in done.stderr
    assert "stokctl" not in stacks(embedded_cloud)


def stacks(system: System) -> list[str]:
    found: list[str] = json.loads(system.stockctl("local", "status", "-o", "json").stdout)["state"]["stacks"]
    return found


def test_credentials_in_the_environment_do_not_lead_to_aws(embedded_cloud: System, tmp_path: Path) -> None:
    variables = embedded_cloud.variables | {
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "eu-west-1",
        "XDG_CONFIG_HOME": str(tmp_path),
    }
    del variables["STOCKCTL_TARGET"]
    done = embedded_cloud.stockctl("stock", env=variables)
    assert done.returncode == 0
    assert "on local (http://127.0.0.1:" in done.stderr


def test_a_script_resets_only_with_yes_and_is_shown_what_would_be_lost(embedded_cloud: System) -> None:
    done = embedded_cloud.stockctl("local", "reset", input="")
    assert done.returncode == 2
    named = re.search(r"reset deletes stacks? (.+) with all (?:its|their) stock", done.stderr)
    assert named is not None
    assert "stockctl" in named[1].split(", ")  # beside those that other tests have made
    assert "--yes" in done.stderr
    assert "stockctl" in stacks(embedded_cloud)
