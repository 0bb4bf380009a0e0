"""What a function computes before its first answer: in its import, which Lambda gives a full vCPU, and in the call.

Processor time of a fresh process on the embedded cloud; Lambda gives the first call 0.29 of a vCPU at 512 MB.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from statistics import median
from typing import TYPE_CHECKING, Any

from stockctl.operations.rows import level_key
from stockctl.operations.stock_table import StockTable
from tests.benchmarks.conftest import deliver

if TYPE_CHECKING:
    from tests.benchmarks.report import Report
    from tests.system.conftest import System

ROUNDS = 7
SHARE_AT_512_MB = 512 / 1769
"""A function has a whole vCPU at 1,769 MB: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html"""
PROGRAM = """
import importlib, json, sys, time
began = time.process_time()
handler = importlib.import_module(f"stockctl.functions.{sys.argv[1]}").handler
imported = time.process_time()
handler(json.loads(sys.argv[2]), None)
print(json.dumps([imported - began, time.process_time() - imported]), file=sys.stderr)
"""
INGREDIENT = "cold ham"


def test_the_first_request_does_not_wait_for_clients(embedded_cloud: System, report: Report) -> None:
    """Prepared during import, as in Lambda, beside made when first asked for; the two take turns."""
    rows = []
    for name, event in events(embedded_cloud).items():
        lazy, prepared = measured(embedded_cloud, name, event)
        ratio = prepared[1] / lazy[1]
        waits = [1_000 * (start + call / SHARE_AT_512_MB) for start, call in (lazy, prepared)]
        rows.append([name, *(1_000 * seconds for seconds in (*lazy, *prepared)), ratio, *waits])
        assert ratio < 0.8
    columns = ["import", "first call", "import, prepared", "first call, prepared", "ratio of first calls"]
    report.table("Cold start", ["ms of CPU", *columns, "at 512 MB", "at 512 MB, prepared"], rows)


def events(system: System) -> dict[str, dict[str, Any]]:
    """An event for each function, of which it has something to do."""
    dynamodb, table = system.clients.dynamodb, system.deployment.stock_table
    deliver(StockTable(dynamodb, table), INGREDIENT, 1, 1_000_000)
    key = level_key(INGREDIENT)
    row = dynamodb.get_item(TableName=table, Key=key)["Item"]
    changed = {"Records": [{"eventName": "MODIFY", "dynamodb": {"Keys": key, "NewImage": row}}]}
    use = {"transactionId": "cold", "items": [{"typeId": INGREDIENT, "quantity": 1}]}
    bucket = system.deployment.drop_bucket
    system.clients.s3.put_object(Bucket=bucket, Key="cold.txt", Body=f"{INGREDIENT},1,2099-01-01".encode())
    for words in (("use", f"{INGREDIENT}=1", "--id", "cold"), ("return", "cold", "--id", "cold return")):
        assert system.stockctl(*words).returncode == 0  # what is measured is their repeats
    dropped = {"s3": {"bucket": {"name": bucket}, "object": {"key": "cold.txt"}}}
    return {
        "get_stock": {"pathParameters": {"typeId": INGREDIENT}},
        "post_transaction": {"body": json.dumps(use)},
        "post_transactions": {"body": json.dumps({"transactions": [use]})},
        "post_return": {"body": json.dumps({"returnId": "cold return", "transactionId": "cold"})},
        "stock_received": {"Records": [dropped]},
        "stock_updated": changed,
        "stock_expired": changed,
    }


def measured(system: System, name: str, event: dict[str, Any]) -> list[list[float]]:
    """Medians, in seconds, of import and first call: without and with preparation."""
    taken: list[list[list[float]]] = [[], []]
    for _ in range(ROUNDS):
        for position, inside in enumerate(({}, {"AWS_LAMBDA_FUNCTION_NAME": name})):
            taken[position].append(started(environment_of(system) | inside, name, event))
    return [[median(column) for column in zip(*runs, strict=True)] for runs in taken]


def environment_of(system: System) -> dict[str, str]:
    deployment, target = system.deployment, system.target
    credentials = system.clients.session.get_credentials()
    assert credentials is not None
    return {
        "PATH": os.environ["PATH"],
        "AWS_ENDPOINT_URL": str(target.endpoint_url),
        "AWS_DEFAULT_REGION": str(target.region),
        "AWS_ACCESS_KEY_ID": credentials.access_key,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
        "STOCK_TABLE": deployment.stock_table,
        "TRANSACTION_TABLE": deployment.transaction_table,
        "LEVEL_STREAM": deployment.level_stream,
        "HISTORY_TABLE": deployment.history_table,
        "HISTORY_DAYS": deployment.history_days,
    }


def started(environment: dict[str, str], name: str, event: dict[str, Any]) -> list[float]:
    command = [sys.executable, "-c", PROGRAM, name, json.dumps(event)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    taken: list[float] = json.loads(ended.stderr.splitlines()[-1])
    return taken
