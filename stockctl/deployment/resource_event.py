"""An event of a CloudFormation stack: what happened to one resource, and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stockctl.deployment.change_set import in_words

if TYPE_CHECKING:
    from datetime import datetime

    from mypy_boto3_cloudformation.type_defs import StackEventTypeDef

VERBS = {
    "CREATE_IN_PROGRESS": "creating",
    "CREATE_COMPLETE": "created",
    "CREATE_FAILED": "could not create",
    "UPDATE_IN_PROGRESS": "updating",
    "UPDATE_COMPLETE": "updated",
    "UPDATE_FAILED": "could not update",
    "DELETE_IN_PROGRESS": "deleting",
    "DELETE_COMPLETE": "deleted",
    "DELETE_FAILED": "could not delete",
    "DELETE_SKIPPED": "kept",
    "IMPORT_IN_PROGRESS": "importing",
    "IMPORT_COMPLETE": "imported",
    "ROLLBACK_IN_PROGRESS": "rolling back",
    "ROLLBACK_COMPLETE": "rolled back",
    "UPDATE_ROLLBACK_IN_PROGRESS": "rolling back",
    "UPDATE_ROLLBACK_COMPLETE": "rolled back",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": "cleaning up",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": "cleaning up",
}


@dataclass(frozen=True)
class ResourceEvent:
    """Something that happened to one resource, `elapsed` seconds after the start."""

    logical_id: str
    resource_type: str
    status: str
    reason: str | None
    elapsed: float

    @classmethod
    def of(cls, event: StackEventTypeDef, started: datetime) -> ResourceEvent:
        """An event as CloudFormation reports it; `started` is when the deployment began."""
        return cls(
            logical_id=event.get("LogicalResourceId", ""),
            resource_type=event.get("ResourceType", ""),
            status=event.get("ResourceStatus", ""),
            reason=event.get("ResourceStatusReason"),
            elapsed=(event["Timestamp"] - started).total_seconds(),
        )

    @property
    def failed(self) -> bool:
        # CloudFormation cancels the others after one has failed: they are not the cause.
        return self.status.endswith("_FAILED") and "cancelled" not in (self.reason or "").lower()

    @property
    def is_kept(self) -> bool:
        """Whether the stack is deleted without it."""
        return self.status == "DELETE_SKIPPED"

    @property
    def is_over(self) -> bool:
        return not self.status.endswith("_IN_PROGRESS")

    @property
    def what(self) -> str:
        """The resource as people call it: `table StockTable`."""
        return in_words(self.logical_id, self.resource_type)

    @property
    def doing(self) -> str:
        """What happens to it in words: `creating`, `created`."""
        return VERBS.get(self.status, self.status.lower().replace("_", " "))
