"""Change sets as plans: real losses are told from apparent ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stockctl.deployment.change_set import ChangeSet, Kind, changes_from

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import ChangeTypeDef


def change(action: str, name: str, kind: str = "AWS::X::Y", **more: Any) -> ChangeTypeDef:
    return {"ResourceChange": {"Action": action, "LogicalResourceId": name, "ResourceType": kind, **more}}  # type: ignore[typeddict-item]


def detail(name: str, recreation: str, evaluation: str = "Static", cause: str = "") -> dict[str, Any]:
    target = {"Attribute": "Properties", "Name": name, "RequiresRecreation": recreation}
    return {"Target": target, "Evaluation": evaluation, **({"CausingEntity": cause} if cause else {})}


def kinds(*changes: ChangeTypeDef) -> dict[str, Kind]:
    return {each.logical_id: each.kind for each in changes_from(changes)}


def test_every_action_has_its_word() -> None:
    assert kinds(
        change("Add", "A"),
        change("Import", "B"),
        change("Remove", "C"),
        change("Modify", "D", Replacement="False"),
        change("Modify", "E", Replacement="True"),
        change("Modify", "F", Replacement="Conditional", Details=[detail("Name", "Conditionally")]),
    ) == dict(
        zip("ABCDEF", (Kind.ADD, Kind.IMPORT, Kind.REMOVE, Kind.MODIFY, Kind.REPLACE, Kind.MAY_REPLACE), strict=True)
    )


def test_what_refers_to_a_resource_that_stays_is_not_replaced() -> None:
    """CloudFormation says that it may be, of a bucket that notifies a function whose code is new, as an example."""
    notifies = [
        detail("NotificationConfiguration", "Conditionally", "Dynamic", "Function.Arn"),
        detail("LifecycleConfiguration", "Never"),
    ]
    bucket = change("Modify", "Bucket", "AWS::S3::Bucket", Replacement="Conditional", Details=notifies)
    assert kinds(change("Modify", "Function", Replacement="False"), bucket)["Bucket"] is Kind.MODIFY
    assert kinds(change("Modify", "Function", Replacement="True"), bucket)["Bucket"] is Kind.MAY_REPLACE


def test_a_resource_that_only_refers_to_an_unchanged_value_is_not_listed() -> None:
    """Its value is known only when the deployment runs, and is then the same."""
    function = change("Modify", "Function", Replacement="False", Details=[detail("Environment", "Never")])
    arn = change("Modify", "Bucket", Details=[detail("Notification", "Conditionally", "Dynamic", "Function.Arn")])
    name = change("Modify", "Alarm", Details=[detail("Dimensions", "Never", "Dynamic", "Function")])
    # A stream's ARN is another one after the table's stream settings changed.
    stream = change("Modify", "Mapping", Details=[detail("EventSourceArn", "Always", "Dynamic", "Table.StreamArn")])
    assert kinds(function, arn, name, stream) == {"Function": Kind.MODIFY, "Mapping": Kind.MODIFY}


def test_replacement_spreads_from_one_resource_to_the_next() -> None:
    """The third refers to the second, which refers to the first."""
    one = change("Modify", "One", Replacement="True")
    two = change("Modify", "Two", Replacement="Conditional", Details=[detail("A", "Always", "Dynamic", "One.Arn")])
    three = change("Modify", "Three", Replacement="Conditional", Details=[detail("A", "Always", "Dynamic", "Two.Arn")])
    assert kinds(three, two, one) == {"Three": Kind.MAY_REPLACE, "Two": Kind.MAY_REPLACE, "One": Kind.REPLACE}


def test_only_the_loss_of_what_holds_something_is_destructive() -> None:
    """A function is made anew without loss, a table is not."""
    changes = changes_from(
        [
            change("Remove", "Table", "AWS::DynamoDB::Table"),
            change("Modify", "Queue", "AWS::SQS::Queue", Replacement="True"),
            change("Modify", "Bucket", "AWS::S3::Bucket", Replacement="False"),
            change("Remove", "Function", "AWS::Lambda::Function"),
        ]
    )
    plan = ChangeSet("kitchen", creates=False, change_set="x", changes=changes)
    assert [each.logical_id for each in plan.destructive] == ["Table", "Queue"]
    assert [each.logical_id for each in changes if each.touches_data] == ["Table"]
