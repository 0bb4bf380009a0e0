"""How a deployed stack is: every part looked at once, by reading alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from stockctl.aws.errors import translated
from stockctl.client.deployment import Deployment
from stockctl.domain.errors import StockctlError
from stockctl.domain.findings import Finding
from stockctl.domain.stock import Roster
from stockctl.operations.stock_table import StockTable

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
"""Uses are allocated within this time: one that drifts, and has had nothing allocated for longer, is a fault."""


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
        """Everything, from its functions to its stock. What cannot be looked at is a finding, too."""
        deployment = self._deployment
        for name, function in deployment.functions.items():
            yield from looked_at(name, partial(self._function, name, function))
        for name in ("StockExpired", "StockUpdated"):
            yield from looked_at(f"{name} stream", partial(self._streams, name))
        yield from looked_at("ReceiveFailureQueue", partial(self._queue, deployment.receive_failure_queue))
        yield from looked_at("StreamFailureQueue", partial(self._queue, deployment.stream_failure_queue))
        yield from looked_at("alarms", self._alarms)
        yield from looked_at("drift", self._drift)

    def _function(self, name: str, function: str) -> Iterator[Finding]:
        state = self._clients.lambda_.get_function_configuration(FunctionName=function)
        calls, errors, throttles = (
            self._total("AWS/Lambda", metric, "FunctionName", function)
            for metric in ("Invocations", "Errors", "Throttles")
        )
        throttled = f", {throttles:,.0f} throttles" if throttles else ""
        said = f"{calls:,.0f} calls, {errors:,.0f} errors{throttled} in {_minutes(RECENT)}"
        if state.get("State") not in {"Active", "Inactive"} or state.get("LastUpdateStatus") == "Failed":
            yield Finding(name, False, f"{state.get('State')}: {state.get('StateReason', '')}", "stockctl deploy")
        else:
            yield Finding(name, not (errors or throttles), said, f"stockctl logs {name}")

    def _streams(self, name: str) -> Iterator[Finding]:
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
                # The last result is told and not judged: it stays a bad one until the next change comes along.
                said = f"{state}, {late:,.0f} s behind, last: {mapping.get('LastProcessingResult', 'unknown')}"
                yield Finding(what, late < LATE.total_seconds(), said, f"stockctl logs {name}")

    def _queue(self, url: str) -> Iterator[Finding]:
        attributes = self._clients.sqs.get_queue_attributes(
            QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        )["Attributes"]
        waiting = sum(int(count) for count in attributes.values())
        name = "ReceiveFailureQueue" if url == self._deployment.receive_failure_queue else "StreamFailureQueue"
        yield Finding(
            name, waiting == 0, f"{waiting:,} {'failure' if waiting == 1 else 'failures'}", "stockctl failures"
        )

    def _alarms(self) -> Iterator[Finding]:
        prefix = f"{self._name}-"
        pages = self._clients.cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=prefix)
        alarms = [
            alarm
            for page in pages
            for alarm in page["MetricAlarms"]
            if "-" not in alarm["AlarmName"].removeprefix(prefix)  # those of a stack whose name begins as ours does
        ]
        ringing = [alarm for alarm in alarms if alarm["StateValue"] == "ALARM"]
        for alarm in ringing:
            yield Finding(alarm["AlarmName"], False, alarm.get("StateReason", ""), alarm.get("AlarmDescription", ""))
        if not ringing:
            yield Finding("alarms", True, f"{len(alarms)}, none in alarm")

    def _drift(self) -> Iterator[Finding]:
        table = StockTable(self._clients.dynamodb, self._deployment.stock_table)
        names = sorted(table.ingredients())
        looked_at = names[:MOST_INGREDIENTS]
        if drifting := _drifting(table, looked_at):
            self._sleep(SETTLING_SECONDS)
            later = _drifting(table, drifting)
            # Where uses go on, some wait at any time: what matters is that others were allocated meanwhile.
            drifting = {name: roster for name, roster in later.items() if roster == drifting[name]}
        of_all = f"{len(looked_at):,} of {len(names):,}" if len(names) > len(looked_at) else f"{len(names):,}"
        if drifting:
            yield Finding("drift", False, f"{len(drifting):,} of {of_all} ingredients", "stockctl reconcile")
        else:
            yield Finding("drift", True, f"none, {of_all} ingredients")

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


def looked_at(what: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """What was found; where AWS does not answer, or refuses, that is what was found."""
    try:
        yield from look()
    except (StockctlError, ClientError, BotoCoreError) as error:
        known = error if isinstance(error, StockctlError) else translated(error)
        yield Finding(what, False, known.message if known else str(error), (known.hint if known else None) or "")


def _drifting(table: StockTable, ingredients: Iterable[str]) -> dict[str, Roster | None]:
    """The ingredients whose batches and level differ, with their rosters; one that cannot be read has none."""
    found: dict[str, Roster | None] = {}
    for ingredient in ingredients:
        try:
            holding = table.read(ingredient)
        except (ValueError, KeyError):  # somebody has written to the table by hand
            found[ingredient] = None
        else:
            if holding is not None and holding.drift:
                found[ingredient] = holding.roster
    return found


def _minutes(span: timedelta) -> str:
    return f"{span.total_seconds() / 60:.0f} min"
