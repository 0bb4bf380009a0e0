"""Description and outputs of a deployed stack."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from stockctl.aws.errors import code_of
from stockctl.domain.errors import StockctlError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

    from stockctl.aws.clients import Clients
    from stockctl.aws.target import Target


def described(cloudformation: CloudFormationClient, stack: str) -> StackTypeDef | None:
    """The stack as CloudFormation describes it; None if it does not exist."""
    try:
        return cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if code_of(error) == "ValidationError" and "does not exist" in str(error):
            return None
        raise


def outputs_of(clients: Clients, target: Target, stack: StackTypeDef | None = None) -> dict[str, str]:
    """The outputs of the target's stack, with an `ApiUrl` that can be called from here.

    `stack` is its description, where the caller has read it already.

    Raises:
        StockctlError: there is no stack of this name.
    """
    stack = stack or described(clients.cloudformation, target.stack)
    if stack is None or stack["StackStatus"] == "REVIEW_IN_PROGRESS":
        raise _absent(clients.cloudformation, target)
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
    if target.endpoint_url and "ApiId" in outputs:
        # The emulator's host names do not resolve everywhere, so its path form is used.
        outputs["ApiUrl"] = f"{target.endpoint_url}/_aws/execute-api/{outputs['ApiId']}"
    return outputs


def _absent(cloudformation: CloudFormationClient, target: Target) -> StockctlError:
    where = "on the embedded cloud" if target.local else f"in {target.region or cloudformation.meta.region_name}"
    meant = get_close_matches(target.stack, _names(cloudformation), n=1)
    hint = f"`stockctl deploy {target.options}` creates it."
    return StockctlError(
        f"there is no stack {target.stack} {where}" + "".join(f"; did you mean {name}?" for name in meant), hint
    )


def _names(cloudformation: CloudFormationClient) -> list[str]:
    """The stacks there are; none where these credentials may not list them."""
    try:
        pages = cloudformation.get_paginator("describe_stacks").paginate()
        return [stack["StackName"] for page in pages for stack in page["Stacks"]]
    except ClientError:
        return []
