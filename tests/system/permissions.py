"""Removes a permission from a role for a block of a test."""

from __future__ import annotations

import copy
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.system.conftest import System


def iam(system: System) -> Any:
    return system.clients.session.create_client("iam", endpoint_url=system.target.endpoint_url)


def role_name(system: System, role: str, stack: str = "stockctl") -> str:
    """The physical name of a role of the template."""
    found = system.clients.cloudformation.describe_stack_resource(StackName=stack, LogicalResourceId=role)
    return found["StackResourceDetail"]["PhysicalResourceId"]


def statements_of(system: System, role: str) -> list[dict[str, Any]]:
    document = iam(system).get_role_policy(RoleName=role_name(system, role), PolicyName="least")["PolicyDocument"]
    return list(document["Statement"])


@contextmanager
def without(system: System, role: str, action: str, sid: str | None = None) -> Iterator[None]:
    """Removes an action from one statement of a role, or from all, until the block ends."""
    whole = statements_of(system, role)
    less = copy.deepcopy(whole)
    for statement in less:
        if sid in {None, statement["Sid"]}:
            statement["Action"] = [each for each in statement["Action"] if each != action]
    _put(system, role, [statement for statement in less if statement["Action"]])
    try:
        yield
    finally:
        _put(system, role, whole)


def _put(system: System, role: str, statements: list[dict[str, Any]]) -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam(system).put_role_policy(RoleName=role_name(system, role), PolicyName="least", PolicyDocument=document)
