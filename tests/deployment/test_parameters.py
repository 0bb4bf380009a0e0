"""What `--parameter` accepts: checked here against the template, before anything is sent."""

from __future__ import annotations

import pytest

from stockctl.deployment.parameters import (
    SET_BY_DEPLOYMENT,
    changed_parameters,
    check_parameters,
    chosen_parameters,
    settable_parameters,
)
from stockctl.deployment.template import template_document
from stockctl.domain.errors import UsageError


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AlarmEmail", ""),
        ("AlarmEmail", "chef@kitchen.example.com"),
        ("AlarmTopic", "arn:aws:sns:eu-west-1:123456789012:alarms"),
        ("ApiAuthorization", "NONE"),
        ("FunctionMemory", "1024"),
        ("LogRetention", "7"),
        ("SupplierPrefix", ""),
        ("SupplierPrefix", "acme/"),
        ("SupplierPrefix", "in/acme/"),
        ("TimeZone", "America/Argentina/Buenos_Aires"),
    ],
)
def test_a_value_that_the_template_takes_is_accepted(name: str, value: str) -> None:
    check_parameters({name: value})


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("AlarmEmail", "foo", "an email address"),
        ("AlarmEmail", "a b@example.com", "an email address"),
        ("AlarmTopic", "alarms", "ARN of an SNS topic"),
        ("ApiAuthorization", "SOMETIMES", "one of AWS_IAM, NONE"),
        ("LevelMetrics", "yes", "one of true, false"),
        ("LogRetention", "8", "one of 1, 3, 5, 7, 14"),
        ("FunctionMemory", "64", "a whole number from 128 to 10240"),
        ("Shards", "two", "a whole number from 1 to 200"),
        ("SupplierPrefix", "acme", "slash at its end"),
        ("SupplierPrefix", "/", "slash at its end"),
        ("SupplierPrefix", "*/", "slash at its end"),
        ("TimeZone", "Europe/", "an IANA time zone"),
        ("TimeZone", "Europe/Lodon", "Did you mean Europe/London"),
        ("TimeZone", "Zzzz/Qqqq", "UTC"),
        ("Shard", "2", "Shards"),
        ("CodeKey", "x", "TimeZone"),
        ("RequireTls", "false", "TimeZone"),
        ("timezone", "UTC", "Did you mean TimeZone?"),
    ],
)
def test_a_value_that_the_template_refuses_is_a_usage_error_that_names_what_is_allowed(
    name: str, value: str, hint: str
) -> None:
    with pytest.raises(UsageError, match=name) as raised:
        check_parameters({name: value})
    assert hint in str(raised.value.hint)


def test_every_default_is_allowed() -> None:
    declared = template_document()["Parameters"]
    check_parameters({name: str(declared[name]["Default"]) for name in settable_parameters()})


def test_chosen_parameters_differ_from_the_defaults_and_can_be_set() -> None:
    deployed = {"TimeZone": "Europe/London", "HistoryDays": "400", "CodeKey": "x", "RequireTls": "false"}
    assert chosen_parameters(deployed) == {"TimeZone": "Europe/London"}


def test_each_parameter_that_changes_is_listed_with_both_values() -> None:
    deployed = {"TimeZone": "Europe/London", "AlarmEmail": "", "Shards": "1"}
    given = {"TimeZone": "UTC", "AlarmEmail": "me@example.com", "Shards": "1"}
    assert list(changed_parameters(deployed, given)) == [
        "parameter TimeZone changes from Europe/London to UTC",
        "parameter AlarmEmail changes from none to me@example.com",
    ]


def test_users_do_not_set_what_the_deployment_sets() -> None:
    assert set(template_document()["Parameters"]) > SET_BY_DEPLOYMENT
    assert not SET_BY_DEPLOYMENT & set(settable_parameters())
