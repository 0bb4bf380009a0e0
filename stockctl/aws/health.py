"""How a deployed stack is: every part looked at once, by reading alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from stockctl.aws.deployment import Deployment, is_current
from stockctl.aws.stack import Stack
from stockctl.aws.stock_table import StockTable
from stockctl.domain.findings import Finding

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef

    from stockctl.aws.clients import Clients

RECENT = timedelta(minutes=15)
"""How far back errors and throttles count."""

LATE = timedelta(minutes=5)
"""How far behind a stream function may be, as the alarms have it."""

MOST_INGREDIENTS = 200
"""Ingredients whose drift is looked at: each costs a read of all its batches."""

SETTLING_SECONDS = 3.0
"""Uses that were just made are allocated within this time; drift that lasts longer is a fault."""


class Health:
    """The findings of one stack. `sleep` is passed in so that tests need not wait."""

    def __init__(
        self, clients: Clients, stack: str, deployment: Deployment, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._clients = clients
        self._name = stack
        self._deployment = deployment
        self._sleep = sleep

    def findings(self) -> Iterator[Finding]:
        """Everything, from the stack as a whole to its stock."""
        yield self._stack()
        yield from (self._function(name, function) for name, function in self._deployment.functions.items())
        yield from self._streams()
        yield self._queue("ReceiveFailureQueue", self._deployment.receive_failure_queue)
        yield self._queue("StreamFailureQueue", self._deployment.stream_failure_queue)
        yield from self._alarms()
        yield self._drift()

    def _stack(self) -> Finding:
        stack = Stack(self._clients, self._name)
        described = stack.describe()
        status = described["StackStatus"] if described else "gone"
        if status.endswith("_IN_PROGRESS"):
            return Finding("stack", False, status, "stockctl deploy --follow")
        if status not in {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"} or not is_current(stack):
            found = status if "ROLLBACK" in status else f"{status}, by another version of stockctl"
            return Finding("stack", False, found, "stockctl deploy")
        return Finding("stack", True, f"{status}, up to date")

    def _function(self, name: str, function: str) -> Finding:
        state = self._clients.lambda_.get_function_configuration(FunctionName=function)
        calls, errors, throttles = (
            self._total("AWS/Lambda", metric, "FunctionName", function)
            for metric in ("Invocations", "Errors", "Throttles")
        )
        said = f"{calls:,.0f} calls, {errors:,.0f} errors, {throttles:,.0f} throttles in {_minutes(RECENT)}"
        if state.get("State") not in {"Active", "Inactive"} or state.get("LastUpdateStatus") == "Failed":
            return Finding(name, False, f"{state.get('State')}: {state.get('StateReason', '')}", "stockctl deploy")
        return Finding(name, not (errors or throttles), said, f"stockctl logs {name}")

    def _streams(self) -> Iterator[Finding]:
        for name in ("StockExpired", "StockUpdated"):
            function = self._deployment.functions[name]
            mappings = self._clients.lambda_.list_event_source_mappings(FunctionName=function)["EventSourceMappings"]
            what = f"{name} stream"
            if not mappings:
                yield Finding(what, False, "no mapping", "stockctl deploy")
            for mapping in mappings:
                state = mapping["State"]
                resume = f"aws lambda update-event-source-mapping --uuid {mapping['UUID']} --enabled"
                late = self._most("AWS/Lambda", "IteratorAge", "FunctionName", function) / 1000
                if state not in {"Enabled", "Enabling", "Creating", "Updating"}:
                    yield Finding(what, False, state, resume)
                else:
                    is_ok = late < LATE.total_seconds()
                    yield Finding(what, is_ok, f"{state}, {late:,.0f} s behind", f"stockctl logs {name}")

    def _queue(self, name: str, url: str) -> Finding:
        attributes = self._clients.sqs.get_queue_attributes(
            QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        )["Attributes"]
        waiting = sum(int(count) for count in attributes.values())
        return Finding(name, waiting == 0, f"{waiting:,} failures", "stockctl failures")

    def _alarms(self) -> Iterator[Finding]:
        pages = self._clients.cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"{self._name}-")
        alarms = [alarm for page in pages for alarm in page["MetricAlarms"]]
        ringing = [alarm for alarm in alarms if alarm["StateValue"] == "ALARM"]
        for alarm in ringing:
            yield Finding(alarm["AlarmName"], False, alarm.get("StateReason", ""), alarm.get("AlarmDescription", ""))
        if not ringing:
            yield Finding("alarms", True, f"{len(alarms)}, none in alarm")

    def _drift(self) -> Finding:
        table = StockTable(self._clients.dynamodb, self._deployment.stock_table)
        names = sorted(table.ingredients())
        looked_at = names[:MOST_INGREDIENTS]
        if drifting := [name for name in looked_at if _drifts(table, name)]:
            self._sleep(SETTLING_SECONDS)
            drifting = [name for name in drifting if _drifts(table, name)]
        of_all = f"{len(looked_at):,} of {len(names):,}" if len(names) > len(looked_at) else f"{len(names):,}"
        if drifting:
            return Finding("drift", False, f"{len(drifting):,} of {of_all} ingredients", "stockctl reconcile")
        return Finding("drift", True, f"none, {of_all} ingredients")

    def _total(self, namespace: str, metric: str, dimension: str, value: str) -> float:
        return sum(self._values("Sum", namespace, metric, dimension, value))

    def _most(self, namespace: str, metric: str, dimension: str, value: str) -> float:
        return max(self._values("Maximum", namespace, metric, dimension, value)[:5], default=0.0)

    def _values(self, statistic: str, namespace: str, metric: str, dimension: str, value: str) -> list[float]:
        """The values of the recent minutes, the newest first."""
        query: MetricDataQueryTypeDef = {
            "Id": "wanted",
            "MetricStat": {
                "Metric": {
                    "Namespace": namespace,
                    "MetricName": metric,
                    "Dimensions": [{"Name": dimension, "Value": value}],
                },
                "Period": 60,
                "Stat": statistic,
            },
        }
        now = datetime.now(UTC)
        answer = self._clients.cloudwatch.get_metric_data(
            MetricDataQueries=[query], StartTime=now - RECENT, EndTime=now, ScanBy="TimestampDescending"
        )
        return [float(number) for result in answer["MetricDataResults"] for number in result["Values"]]


def _drifts(table: StockTable, ingredient: str) -> bool:
    holding = table.read(ingredient)
    return holding is not None and holding.drift != 0


def _minutes(span: timedelta) -> str:
    return f"{span.total_seconds() / 60:.0f} min"
