"""A stack's parameters, kept with its data: what a best-before date means must not change when the stack is deployed
again.

They are tags of the stock table, which outlives its stack. Tags cannot hold every text: an email address is not kept.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TaggingRestrictions.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from stockctl.aws.errors import unless_refused
from stockctl.deployment.parameters import settable_parameters
from stockctl.deployment.template import Location, kept

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb.type_defs import TagTypeDef

    from stockctl.aws.clients import Clients

PREFIX = "stockctl:"
TAG = re.compile(r"[\w +=.:/-]{1,256}")


def keep_parameters(clients: Clients, stack: str, parameters: Mapping[str, str]) -> dict[str, str]:
    """Keeps the parameters, instead of those kept earlier. Returns the ones that could not be kept."""
    arn = _stock_table(clients, stack)
    if arn is None:
        return dict(parameters)
    fitting = {name: value for name, value in parameters.items() if TAG.fullmatch(value)}
    if outdated := [f"{PREFIX}{name}" for name in _tags(clients, arn) if name not in fitting]:
        clients.dynamodb.untag_resource(ResourceArn=arn, TagKeys=outdated)
    if fitting:
        tags: list[TagTypeDef] = [{"Key": f"{PREFIX}{name}", "Value": value} for name, value in fitting.items()]
        clients.dynamodb.tag_resource(ResourceArn=arn, Tags=tags)
    return {name: value for name, value in parameters.items() if name not in fitting}


def kept_parameters(clients: Clients, stack: str) -> dict[str, str]:
    """The parameters that were kept with the data of a deleted stack; none if there is no data."""
    arn, settable = _stock_table(clients, stack), settable_parameters()
    return {name: value for name, value in _tags(clients, arn).items() if name in settable} if arn else {}


def _stock_table(clients: Clients, stack: str) -> str | None:
    """The ARN of the stock table; None if there is no table."""
    name = kept(Location(stack, account="", region="")).tables[0]
    found = unless_refused(lambda: clients.dynamodb.describe_table(TableName=name), {"ResourceNotFoundException"})
    return found["Table"]["TableArn"] if found else None


def _tags(clients: Clients, arn: str) -> dict[str, str]:
    # At most 50 tags are on a table, fewer than a page holds.
    tags = clients.dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"]
    return {tag["Key"].removeprefix(PREFIX): tag["Value"] for tag in tags if tag["Key"].startswith(PREFIX)}
