"""What a deployment would change, as plain data, read from a CloudFormation change set and shown before it runs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mypy_boto3_cloudformation.type_defs import ChangeTypeDef, ResourceChangeTypeDef

DATA = {"AWS::DynamoDB::Table", "AWS::S3::Bucket"}
"""Resource types that hold stock, transactions and deliveries."""

HOLDING = DATA | {
    "AWS::Kinesis::Stream",
    "AWS::SQS::Queue",
    "AWS::ApiGatewayV2::Api",  # its URL is known to callers
}
"""Types whose replacement or removal loses something."""


class Kind(StrEnum):
    """What happens to a resource. `IMPORT` re-attaches an existing one to the stack, unchanged."""

    ADD = "add"
    IMPORT = "import"
    MODIFY = "modify"
    MAY_REPLACE = "may replace"
    REPLACE = "replace"
    REMOVE = "remove"


@dataclass(frozen=True)
class ResourceChange:
    """The change of one resource."""

    kind: Kind
    logical_id: str
    resource_type: str
    why: str = ""

    @property
    def in_words(self) -> str:
        """The resource as people call it: `table StockTable`."""
        return in_words(self.logical_id, self.resource_type)

    @property
    def is_destructive(self) -> bool:
        """Whether something is lost."""
        return self.kind in {Kind.MAY_REPLACE, Kind.REPLACE, Kind.REMOVE} and self.resource_type in HOLDING

    @property
    def touches_data(self) -> bool:
        """Whether stock, transactions or deliveries are lost."""
        return self.is_destructive and self.resource_type in DATA


@dataclass(frozen=True)
class ChangeSet:
    """What a deployment would do. `change_set` is ready to be executed; None if there is nothing to change.

    There may be a change set without changes of resources: an output can change alone.
    """

    stack: str
    creates: bool
    change_set: str | None = None
    changes: tuple[ResourceChange, ...] = ()

    @property
    def is_empty(self) -> bool:
        return self.change_set is None

    @property
    def destructive(self) -> tuple[ResourceChange, ...]:
        """The changes that somebody should confirm first."""
        return tuple(change for change in self.changes if change.is_destructive)


def changes_from(changes: Iterable[ChangeTypeDef]) -> tuple[ResourceChange, ...]:
    """The changes of a change set, without those that only pass on an unchanged reference.

    CloudFormation lists everything that refers to a changing resource, as modified and maybe replaced. But the ARN and
    the reference of a resource change only if it is replaced itself.
    """
    resources = [change["ResourceChange"] for change in changes]
    replaced = {resource["LogicalResourceId"] for resource in resources if resource.get("Replacement") == "True"}
    waiting = [resource for resource in resources if resource.get("Replacement") == "Conditional"]
    while found := {each["LogicalResourceId"] for each in waiting if _may_be_replaced(each, replaced)} - replaced:
        replaced |= found
    return tuple(_change_from(each, replaced) for each in resources if not _only_passes_on(each, replaced))


def _only_passes_on(resource: ResourceChangeTypeDef, replaced: set[str]) -> bool:
    details = resource.get("Details", [])
    causes = [each.get("CausingEntity", "").partition(".") for each in details if each.get("Evaluation") == "Dynamic"]
    stays = [name for name, _, attribute in causes if name and name not in replaced and attribute in {"", "Arn"}]
    return resource["Action"] == "Modify" and bool(details) and len(stays) == len(details)


def _may_be_replaced(resource: ResourceChangeTypeDef, replaced: set[str]) -> bool:
    risky = [
        each for each in resource.get("Details", []) if each.get("Target", {}).get("RequiresRecreation") != "Never"
    ]
    causes = [each.get("CausingEntity", "").split(".")[0] for each in risky if each.get("Evaluation") == "Dynamic"]
    return not risky or len(causes) < len(risky) or not replaced.isdisjoint(causes)


def _change_from(resource: ResourceChangeTypeDef, replaced: set[str]) -> ResourceChange:
    properties = {detail.get("Target", {}).get("Name", "") for detail in resource.get("Details", [])}
    return ResourceChange(
        kind=_kind(resource, replaced),
        logical_id=resource["LogicalResourceId"],
        resource_type=resource["ResourceType"],
        why=", ".join(sorted(properties - {""})),
    )


def _kind(resource: ResourceChangeTypeDef, replaced: set[str]) -> Kind:
    if resource["Action"] != "Modify":
        # Dynamic: a nested stack decides while it runs; this template has none.
        return {"Add": Kind.ADD, "Import": Kind.IMPORT, "Remove": Kind.REMOVE}.get(resource["Action"], Kind.MODIFY)
    if resource["LogicalResourceId"] not in replaced:
        return Kind.MODIFY
    return Kind.REPLACE if resource.get("Replacement") == "True" else Kind.MAY_REPLACE


NOUNS = {
    "AWS::ApiGatewayV2::Api": "HTTP API",
    "AWS::ApiGatewayV2::Integration": "API integration",
    "AWS::ApiGatewayV2::Route": "API route",
    "AWS::ApiGatewayV2::Stage": "API stage",
    "AWS::CloudFormation::Stack": "stack",
    "AWS::CloudWatch::Alarm": "alarm",
    "AWS::CloudWatch::Dashboard": "dashboard",
    "AWS::DynamoDB::Table": "table",
    "AWS::Events::Rule": "schedule",
    "AWS::IAM::ManagedPolicy": "policy",
    "AWS::IAM::Role": "role",
    "AWS::KMS::Key": "key",
    "AWS::Kinesis::Stream": "stream",
    "AWS::Lambda::EventInvokeConfig": "retry settings",
    "AWS::Lambda::EventSourceMapping": "stream mapping",
    "AWS::Lambda::Function": "function",
    "AWS::Lambda::Permission": "permission",
    "AWS::Logs::LogGroup": "log group",
    "AWS::S3::Bucket": "bucket",
    "AWS::S3::BucketPolicy": "bucket policy",
    "AWS::SNS::Subscription": "subscription",
    "AWS::SNS::Topic": "topic",
    "AWS::SQS::Queue": "queue",
    "AWS::SQS::QueuePolicy": "queue policy",
}


def in_words(logical_id: str, resource_type: str) -> str:
    """A resource for people: `table StockTable`."""
    return f"{NOUNS.get(resource_type, resource_type)} {logical_id}"
