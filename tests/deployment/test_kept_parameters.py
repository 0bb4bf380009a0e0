"""Parameters that outlive their stack with its data."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from moto import mock_aws

from stockctl.aws.clients import Clients, aws_session
from stockctl.deployment.kept_parameters import keep_parameters, kept_parameters
from tests.service import make_tables


@pytest.fixture
def clients() -> Iterator[Clients]:
    with mock_aws():
        clients = Clients(aws_session())
        make_tables(clients)
        yield clients


def test_kept_parameters_are_read_back(clients: Clients) -> None:
    chosen = {"TimeZone": "Europe/Berlin", "DateOrder": "DMY"}
    assert keep_parameters(clients, "kitchen", chosen) == {}
    assert kept_parameters(clients, "kitchen") == chosen


def test_a_value_that_no_tag_can_hold_is_returned(clients: Clients) -> None:
    chosen = {"TimeZone": "Europe/Berlin", "AlarmEmail": "chef@example.com"}
    assert keep_parameters(clients, "kitchen", chosen) == {"AlarmEmail": "chef@example.com"}
    assert kept_parameters(clients, "kitchen") == {"TimeZone": "Europe/Berlin"}


def test_parameters_that_are_back_at_their_defaults_are_forgotten(clients: Clients) -> None:
    """Else the stack would get the time zone that it had before the last one."""
    keep_parameters(clients, "kitchen", {"TimeZone": "Europe/Berlin", "DateOrder": "DMY"})
    keep_parameters(clients, "kitchen", {"DateOrder": "MDY"})
    assert kept_parameters(clients, "kitchen") == {"DateOrder": "MDY"}


def test_tags_of_others_are_left_alone(clients: Clients) -> None:
    arn = clients.dynamodb.describe_table(TableName="kitchen-stock")["Table"]["TableArn"]
    clients.dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": "team", "Value": "menu"}])
    keep_parameters(clients, "kitchen", {"DateOrder": "MDY"})
    keep_parameters(clients, "kitchen", {})
    assert clients.dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "menu"}]
    assert kept_parameters(clients, "kitchen") == {}


def test_a_parameter_that_the_template_no_longer_has_is_left_out(clients: Clients) -> None:
    keep_parameters(clients, "kitchen", {"Gone": "1"})
    assert kept_parameters(clients, "kitchen") == {}


def test_without_data_nothing_is_kept(clients: Clients) -> None:
    assert kept_parameters(clients, "elsewhere") == {}
    assert keep_parameters(clients, "elsewhere", {"DateOrder": "MDY"}) == {"DateOrder": "MDY"}
