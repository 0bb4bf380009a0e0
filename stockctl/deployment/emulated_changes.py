"""Corrects the changes that the emulator's CloudFormation reports differently from AWS.

- It compares templates without evaluating their conditions: it lists resources that are never created, and not those
  that a changed condition creates or removes.
- A change of a resource type that it does not know may replace the resource.
- It updates every resource of a stack, and reports it, whether the resource changed or not; a new one, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from stockctl.deployment.change_set import HOLDING, ChangeSet, Kind, ResourceChange
from stockctl.deployment.resource_event import ResourceEvent
from stockctl.deployment.template import template_document

REPLACING = {
    "AWS::ApiGatewayV2::Api": {"ProtocolType"},
    "AWS::Kinesis::Stream": {"Name"},
    "AWS::S3::Bucket": {"BucketName"},
}
"""Properties whose change replaces a resource of a type that holds something and that the emulator does not know."""

Values = Mapping[str, str]
"""Parameters and their values."""


def corrected_changes(
    changes: tuple[ResourceChange, ...], before: Values | None, after: Values
) -> tuple[ResourceChange, ...]:
    """`changes` as AWS would report them if parameters change from `before` (None: no stack yet) to `after`."""
    known = tuple(replace(each, kind=Kind.MODIFY) if _is_only_a_guess(each) else each for each in changes)
    return _with_conditions(known, before, after)


def _is_only_a_guess(change: ResourceChange) -> bool:
    if change.kind is not Kind.MAY_REPLACE or change.resource_type not in HOLDING:
        return change.kind is Kind.MAY_REPLACE
    replacing = REPLACING.get(change.resource_type)
    return replacing is not None and replacing.isdisjoint(change.why.split(", "))


def corrected_events(events: Iterable[ResourceEvent], plan: ChangeSet) -> Iterator[ResourceEvent]:
    """The events of resources that the plan changes, of the stack itself, and of failures."""
    added = {change.logical_id for change in plan.changes if change.kind is Kind.ADD}
    touched = {plan.stack, *(change.logical_id for change in plan.changes)}
    for event in events:
        if event.failed or event.logical_id in touched:
            is_new = event.logical_id in added
            yield replace(event, status=event.status.replace("UPDATE_", "CREATE_")) if is_new else event


def _with_conditions(
    changes: tuple[ResourceChange, ...], before: Values | None, after: Values
) -> tuple[ResourceChange, ...]:
    conditional = {name: each for name, each in template_document()["Resources"].items() if "Condition" in each}
    listed = {change.logical_id: change for change in changes}
    for name, resource in conditional.items():
        existed = before is not None and _holds(resource, before)
        exists = _holds(resource, after)
        if existed == exists:
            if not exists:
                listed.pop(name, None)
        else:
            kind = Kind.ADD if exists else Kind.REMOVE
            listed[name] = ResourceChange(kind, name, resource["Type"], why=f"condition {resource['Condition']}")
    return tuple(listed[name] for name in sorted(listed))


def _holds(condition: Mapping[str, Any], values: Values) -> bool:
    match condition:
        case {"Condition": str(name)}:
            return _holds(template_document()["Conditions"][name], values)
        case {"Fn::Equals": [left, right]}:
            return bool(values[left["Ref"]] == right)
        case {"Fn::Not": [inner]}:
            return not _holds(inner, values)
        case {"Fn::And": inner}:
            return all(_holds(each, values) for each in inner)
    raise ValueError(f"unknown condition: {condition}")
