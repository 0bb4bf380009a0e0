"""The health of a deployed stack: every part is inspected once, by reading only.

On AWS, CloudWatch's metrics are read. The embedded cloud has hardly any: there, calls and errors are counted in the
functions' logs, throttles count as 0, and everything else without a metric is reported as not measured.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from stockctl.aws.errors import EXPECTED, explained
from stockctl.client.deployment import Deployment
from stockctl.client.function_logs import FunctionLogs
from stockctl.domain.findings import Finding
from stockctl.domain.stock import Level, Roster
from stockctl.operations.stock_table import StockTable

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef

    from stockctl.aws.clients import Clients

RECENT = timedelta(minutes=15)
"""Errors and throttles within this time count."""

LATE = timedelta(minutes=5)
"""A stream function may be this far behind, as in the alarms."""

MOST_INGREDIENTS = 200
"""Ingredients that are checked for drift: each costs a read of all its batches."""

SETTLING_SECONDS = 3.0
"""Usage is charged within this time: an ingredient that still drifts, and has had no charge, is a fault."""

UNMEASURED = "not measured here"


class Health:
    """Checks one stack. Tests pass their own `sleep`."""

    def __init__(
        self, clients: Clients, stack: str, deployment: Deployment, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._clients = clients
        self._name = stack
        self._deployment = deployment
        self._sleep = sleep
        self._has_metrics = not clients.endpoint_url

    def findings(self) -> Iterator[Finding]:
        """All findings, from functions to stock. Something that cannot be inspected is a finding, too."""
        deployment = self._deployment
        for name, function in deployment.functions.items():
            yield from looked_at(name, partial(self._function, name, function))
        for name in ("StockExpired", "StockUpdated"):
            yield from looked_at(f"{name} stream", partial(self._streams, name))
        yield from looked_at("ReceiveFailureQueue", partial(self._queue, deployment.receive_failure_queue))
        yield from looked_at("StreamFailureQueue", partial(self._queue, deployment.stream_failure_queue))
        yield from looked_at("alarms", self._alarms)
        yield from looked_at("drift", self._drift)
        yield from looked_at("units", self._units)

    def _function(self, name: str, function: str) -> Iterator[Finding]:
        state = self._clients.lambda_.get_function_configuration(FunctionName=function)
        if state.get("State") == "Pending":
            yield Finding(name, None, state.get("StateReason", "pending"))
            return
        if state.get("State") not in {"Active", "Inactive"} or state.get("LastUpdateStatus") == "Failed":
            yield Finding(name, False, f"{state.get('State')}: {state.get('StateReason', '')}", "stockctl deploy")
            return
        calls, errors, throttles = self._measured(function) if self._has_metrics else self._logged(function)
        throttled = f", {counted(throttles, 'throttle')}" if throttles else ""
        found = f"{counted(calls, 'call')}, {counted(errors, 'error')}{throttled} in {_minutes(RECENT)}"
        yield Finding(name, not (errors or throttles), found, f"stockctl logs {name}")

    def _measured(self, function: str) -> tuple[int, int, int]:
        """Calls, errors and throttles. A function without calls has no values, which count as 0."""
        calls, errors, throttles = (
            round(sum(self._values("Sum", metric, function))) for metric in ("Invocations", "Errors", "Throttles")
        )
        return calls, errors, throttles

    def _logged(self, function: str) -> tuple[int, int, int]:
        start = (datetime.now(UTC) - RECENT).timestamp()
        lines = FunctionLogs(self._clients, {function: function}).since(start)
        return sum(line.ends_a_call for line in lines), sum(line.is_error for line in lines), 0

    def _streams(self, name: str) -> Iterator[Finding]:
        function = self._deployment.functions[name]
        mappings = self._clients.lambda_.list_event_source_mappings(FunctionName=function)["EventSourceMappings"]
        what = f"{name} stream"
        if not mappings:
            yield Finding(what, False, "no mapping", "stockctl deploy")
        for mapping in mappings:
            state = mapping["State"]
            resume = f"aws lambda update-event-source-mapping --uuid {mapping['UUID']} --enabled"
            if state not in {"Enabled", "Enabling", "Creating", "Updating"}:
                yield Finding(what, False, state, resume)
                continue
            # The last result is shown but not judged: a bad one stays until the next change arrives.
            last = f"last: {mapping.get('LastProcessingResult', 'unknown')}"
            if self._has_metrics:
                late = max(self._values("Maximum", "IteratorAge", function)[:5], default=0.0) / 1000
                is_ok = late <= LATE.total_seconds()
                yield Finding(what, is_ok, f"{state}, {late:,.0f} s behind, {last}", f"stockctl logs {name}")
            else:
                yield Finding(what, None, f"{state}, delay {UNMEASURED}, {last}")

    def _queue(self, url: str) -> Iterator[Finding]:
        attributes = self._clients.sqs.get_queue_attributes(
            QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        )["Attributes"]
        waiting = sum(int(count) for count in attributes.values())
        name = "ReceiveFailureQueue" if url == self._deployment.receive_failure_queue else "StreamFailureQueue"
        yield Finding(name, waiting == 0, counted(waiting, "failure"), "stockctl failures")

    def _alarms(self) -> Iterator[Finding]:
        prefix = f"{self._name}-"
        pages = self._clients.cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=prefix)
        alarms = [
            alarm
            for page in pages
            for alarm in page["MetricAlarms"]
            if "-" not in alarm["AlarmName"].removeprefix(prefix)  # those of a stack whose name starts with ours
        ]
        ringing = [alarm for alarm in alarms if alarm["StateValue"] == "ALARM"]
        for alarm in ringing:
            yield Finding(alarm["AlarmName"], False, alarm.get("StateReason", ""), alarm.get("AlarmDescription", ""))
        unmeasured = sum(alarm["StateValue"] == "INSUFFICIENT_DATA" for alarm in alarms)
        if alarms and unmeasured == len(alarms):
            yield Finding("alarms", None, f"{len(alarms)}, {UNMEASURED}")
        elif not ringing:
            without_data = f", {unmeasured} without data" if unmeasured else ""
            yield Finding("alarms", True, f"{len(alarms)}, none in alarm{without_data}")

    def _drift(self) -> Iterator[Finding]:
        table = StockTable(self._clients.dynamodb, self._deployment.stock_table)
        names = sorted(table.ingredients())
        looked_at = names[:MOST_INGREDIENTS]
        if drifting := _drifting(table, looked_at):
            self._sleep(SETTLING_SECONDS)
            later = _drifting(table, drifting)
            # While uses arrive, some are always pending: no fault as long as others are charged.
            drifting = {name: roster for name, roster in later.items() if roster == drifting[name]}
        of_all = f"{len(looked_at):,} of {len(names):,}" if len(names) > len(looked_at) else f"{len(names):,}"
        if drifting:
            yield Finding("drift", False, f"{len(drifting):,} of {of_all} ingredients", "stockctl reconcile")
        else:
            yield Finding("drift", True, f"none, {of_all} ingredients")

    def _units(self) -> Iterator[Finding]:
        """Where all units came from, and where they are; I1 of stockctl/README.md holds for each ingredient."""
        try:
            levels = StockTable(self._clients.dynamodb, self._deployment.stock_table).levels()
        except (ValueError, KeyError):  # a row was changed by hand; the drift names it
            yield Finding("units", False, "a level cannot be read", "stockctl reconcile --check")
            return
        wrong = [level.ingredient for level in levels if not level.adds_up]
        if wrong:
            found = f"{len(wrong):,} of {len(levels):,} ingredients do not add up: {', '.join(wrong[:3])}"
            yield Finding("units", False, found, f"stockctl history {shlex.quote(wrong[0])}")
        else:
            sides = (("received", "returned"), ("on hand", "used", "expired", "discarded"))
            yield Finding(
                "units", True, " = ".join(" + ".join(_total(levels, name) for name in side) for side in sides)
            )

    def _values(self, statistic: str, metric: str, function: str) -> list[float]:
        """The values of a metric in recent minutes, newest first; none for minutes without calls."""
        query: MetricDataQueryTypeDef = {
            "Id": "wanted",
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/Lambda",
                    "MetricName": metric,
                    "Dimensions": [{"Name": "FunctionName", "Value": function}],
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
    """What was found; if AWS does not answer or refuses, that is the finding."""
    try:
        yield from look()
    except EXPECTED as error:
        known = explained(error)
        yield Finding(what, False, known.message, known.hint or "")


def _total(levels: Iterable[Level], name: str) -> str:
    """All units of one counter, or on hand, in words."""
    return f"{sum(getattr(level, name.replace('on hand', 'quantity')) for level in levels):,} {name}"


def _drifting(table: StockTable, ingredients: Iterable[str]) -> dict[str, Roster | None]:
    """The ingredients with drift, and their rosters; None for one that cannot be read."""
    found: dict[str, Roster | None] = {}
    for ingredient in ingredients:
        try:
            holding = table.read(ingredient)
        except (ValueError, KeyError):  # a row was changed by hand
            found[ingredient] = None
        else:
            if holding is not None and holding.drift:
                found[ingredient] = holding.roster
    return found


def counted(number: int, noun: str) -> str:
    """`1 call`, `2 calls`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _minutes(span: timedelta) -> str:
    return f"{span.total_seconds() / 60:.0f} min"
