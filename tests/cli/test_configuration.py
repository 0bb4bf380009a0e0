"""Which cloud and stack a command uses: options, environment, the configuration file, and where each was set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stockctl.cli.configuration import Configuration, read_configuration, remember_kitchen, user_file
from stockctl.cli.precedence import effective_settings
from stockctl.cli.settings import Settings
from stockctl.domain.errors import ExitCode, StockctlError, UsageError
from tests.cli.test_main import plain

KITCHENS = """
kitchen = "london"
output = "json"

[kitchens.london]
target = "aws"
profile = "kitchens"
region = "eu-west-2"
stack = "kitchen-london"

[kitchens.trial]
target = "local"
stack = "trial"
"""


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A configuration directory and a working directory of the test's own."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


def write_user_file(text: str) -> Path:
    path = user_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def settings(variables: dict[str, str] | None = None, **options: Any) -> Settings:
    return effective_settings(options, variables or {}, read_configuration())


AWS_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "eu-west-1"}


@pytest.mark.parametrize("variables", [{}, AWS_CREDENTIALS, {"AWS_PROFILE": "work"}], ids=["none", "keys", "profile"])
def test_credentials_do_not_change_the_target(variables: dict[str, str]) -> None:
    assert settings(variables).local


@pytest.mark.parametrize(
    "options", [{"local": False}, {"profile": "work"}, {"region": "eu-west-1"}, {"endpoint_url": "http://127.0.0.1:9"}]
)
def test_each_aws_option_selects_aws(options: dict[str, Any]) -> None:
    assert not settings(**options).local


def test_a_variable_selects_aws_and_an_option_overrides_it() -> None:
    assert not settings({"STOCKCTL_TARGET": "aws"}).local
    assert settings({"STOCKCTL_TARGET": "aws"}, local=True).local
    assert not settings({"STOCKCTL_TARGET": "local"}, region="eu-west-1").local


@pytest.mark.parametrize("line", ['target = "aws"', 'profile = "work"', 'region = "eu-west-1"'])
def test_an_aws_setting_in_the_file_selects_aws(line: str) -> None:
    write_user_file(line)
    assert not settings().local
    assert settings({"STOCKCTL_TARGET": "local"}).local


def test_options_override_environment_files_and_defaults() -> None:
    assert settings().stack == "stockctl"
    write_user_file('stack = "from-file"')
    assert settings().stack == "from-file"
    variables = {"STOCKCTL_STACK": "from-environment"}
    assert settings(variables).stack == "from-environment"
    assert settings(variables, stack="from-option").stack == "from-option"


def test_the_file_in_the_working_directory_overrides_the_users() -> None:
    write_user_file('stack = "users"\noutput = "json"')
    Path("stockctl.toml").write_text('stack = "nearest"')
    found = settings()
    assert (found.stack, found.output) == ("nearest", "json")


def test_a_kitchen_is_chosen_by_option_by_variable_or_by_the_file() -> None:
    write_user_file(KITCHENS)
    london = settings()
    assert (london.local, london.profile, london.region) == (False, "kitchens", "eu-west-2")
    assert (london.stack, london.output) == ("kitchen-london", "json")
    for trial in (settings(kitchen="trial"), settings({"STOCKCTL_KITCHEN": "trial"})):
        assert (trial.local, trial.stack) == (True, "trial")


def test_another_target_leaves_the_place_in_the_file_aside() -> None:
    """The stack, profile and region of a kitchen on AWS say nothing about the embedded cloud."""
    write_user_file(KITCHENS)
    here = settings(local=True)
    assert (here.stack, here.profile, here.region) == ("stockctl", None, None)
    assert here.output == "json"


def test_a_profile_in_the_environment_goes_before_the_files_and_is_left_to_boto3() -> None:
    write_user_file(KITCHENS)
    found = settings({"AWS_PROFILE": "other"})
    assert found.profile is None
    assert found.sources["profile"].value == "other"


FAULTS = [
    ('regoin = "x"', "there is no setting 'regoin'", "Did you mean region?"),
    ('[kitchens.london]\nstak = "x"', "there is no setting 'stak'", "Did you mean stack?"),
    ('[kitchens.a]\nkitchen = "b"', "there is no setting 'kitchen'", "The settings are target, stack"),
    ('target = "moon"', "target is 'moon'", 'Set it to "local" or "aws".'),
    ('output = "xml"', "output is 'xml'", "json"),
    ("stack = 5", "stack is 5", "Set it to text in quotes."),
    ('quiet = "yes"', "quiet is 'yes'", "Set it to true or false."),
    ('kitchens = "london"', "kitchens is not a table", "[kitchens.NAME]"),
    ("stack = ", "not valid TOML", "Correct it"),
    ('kitchen = "pairs"\n[kitchens.paris]', "there is no kitchen 'pairs'", "Did you mean paris?"),
    ('kitchen = "rome"', "there is no kitchen 'rome'", "[kitchens.rome]"),
]


@pytest.mark.parametrize(("text", "message", "hint"), FAULTS, ids=[message for _, message, _ in FAULTS])
def test_a_fault_in_the_file_is_a_usage_error_with_a_suggestion(text: str, message: str, hint: str) -> None:
    path = write_user_file(text)
    done = plain("local", "status")
    assert done.code == ExitCode.USAGE
    error, suggestion = done.err.splitlines()
    assert message in error
    assert hint in suggestion
    assert str(path) in done.err or "kitchen" in text


def test_doctor_prints_where_each_setting_was_set() -> None:
    path = write_user_file(KITCHENS)
    done = plain("doctor", "--region", "eu-west-3", "-o", "json", STOCKCTL_STACK="trial")
    found = {item["what"]: item["found"] for item in done.json}
    assert found["configuration file"] == str(path)
    assert found["setting region"] == "eu-west-3 (--region)"
    assert found["setting stack"] == "trial ($STOCKCTL_STACK)"
    assert found["setting profile"] == f"kitchens (kitchen london in {path})"
    assert found["setting target"] == "aws (--region)"
    assert found["setting output"] == "json (--output)"


PLACE = {"target": "aws", "profile": "work", "region": "eu-west-1", "stack": "prod"}


def test_a_remembered_stack_becomes_the_default() -> None:
    assert remember_kitchen(PLACE) == "prod"
    found = settings()
    assert (found.local, found.profile, found.region, found.stack) == (False, "work", "eu-west-1", "prod")


def test_all_else_in_the_file_stays_as_it_was() -> None:
    path = write_user_file(f"# mine\n{KITCHENS}# the end\n")
    assert remember_kitchen(PLACE) == "prod"
    text = path.read_text(encoding="utf-8")
    assert text.startswith('# mine\n\nkitchen = "prod"\noutput = "json"\n')
    assert KITCHENS.split("\n\n", 1)[1] in text
    assert "# the end" in text


def test_the_same_stack_keeps_its_kitchen_and_another_gets_a_new_name() -> None:
    remember_kitchen(PLACE)
    assert remember_kitchen(PLACE) == "prod"
    assert remember_kitchen({**PLACE, "region": "us-east-1"}) == "prod-us-east-1"
    assert remember_kitchen({**PLACE, "region": "us-east-1", "profile": "p"}) == "prod-us-east-1-2"
    assert len(read_configuration().kitchens) == 3
    assert settings().profile == "p"


def test_a_file_that_cannot_be_edited_safely_is_left_alone() -> None:
    text = 'stack = """\nkitchen = "x"\n"""\n'
    path = write_user_file(text)
    with pytest.raises(StockctlError, match="cannot be edited safely"):
        remember_kitchen(PLACE)
    assert path.read_text(encoding="utf-8") == text


def test_an_undefined_kitchen_is_an_error() -> None:
    with pytest.raises(UsageError, match="there is no kitchen 'x'"):
        Configuration().layer("x")


def test_an_unknown_kitchen_is_to_be_defined_in_the_nearest_file() -> None:
    write_user_file(KITCHENS)
    Path("stockctl.toml").write_text('kitchen = "gone"\n', encoding="utf-8")
    with pytest.raises(UsageError, match="gone") as raised:
        settings()
    assert str(Path("stockctl.toml").absolute()) in str(raised.value.hint)


def test_a_kitchen_in_other_letter_case_is_suggested() -> None:
    write_user_file(KITCHENS)
    with pytest.raises(UsageError) as raised:
        settings(kitchen="LONDON")
    assert raised.value.hint == "Did you mean london?"
