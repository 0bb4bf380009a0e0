"""How long a command takes on a running embedded cloud, beside a bare boto3 script that makes the same calls."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.benchmarks.report import Report
    from tests.system.conftest import System

ROUNDS = 9
CONNECT = """
import boto3, json, os, sys, time, urllib.request
session = boto3.session.Session()
endpoint = os.environ["ENDPOINT"]
stack = session.client("cloudformation", endpoint_url=endpoint).describe_stacks(StackName="stockctl")["Stacks"][0]
outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
"""
STOCK = """
client = session.client("dynamodb", endpoint_url=endpoint)
table, is_level = outputs["StockTable"], {":level": {"S": "level"}}
query = {"KeyConditionExpression": "row_type = :level", "ExpressionAttributeValues": is_level}
found = client.query(TableName=table, IndexName="LevelIndex", **query)["Items"]
keys = [{name: item[name] for name in ("ingredient", "batch_id")} for item in found]
for item in client.batch_get_item(RequestItems={table: {"Keys": keys}})["Responses"][table]:
    print(item["ingredient"]["S"], item["quantity"]["N"])
"""
USE = """
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

def call(method, path, body=None):
    url = f"{endpoint}/_aws/execute-api/{outputs['ApiId']}/{path}"
    request = AWSRequest(method, url, {"Content-Type": "application/json"}, body)
    SigV4Auth(session.get_credentials(), "execute-api", session.region_name).add_auth(request)
    sent = urllib.request.Request(url, body and body.encode(), dict(request.headers), method=method)
    print(urllib.request.urlopen(sent).read())

call("POST", "transactions", json.dumps({"transactionId": sys.argv[1], "items": [{"typeId": "ham", "quantity": 1}]}))
call("GET", "stock?typeId=ham")
"""
INGEST = """
client, bucket = session.client("s3", endpoint_url=endpoint), outputs["DropBucket"]
dynamodb, table = session.client("dynamodb", endpoint_url=endpoint), outputs["StockTable"]

def receipt():
    try:
        return client.get_object(Bucket=bucket, Key=f"receipts/{sys.argv[1]}.csv.json")["Body"].read()
    except client.exceptions.NoSuchKey:
        return None

receipt()
client.list_objects_v2(Bucket=bucket, Prefix=f"receipts/{sys.argv[1]}")
query = {"KeyConditionExpression": "row_type = :level", "ExpressionAttributeValues": {":level": {"S": "level"}}}
dynamodb.query(TableName=table, IndexName="LevelIndex", **query)
client.list_objects_v2(Bucket=bucket)
keys = [{"ingredient": {"S": "ham"}, "batch_id": {"S": "all"}}]
dynamodb.batch_get_item(RequestItems={table: {"Keys": keys}})
receipt()
client.put_object(Bucket=bucket, Key=sys.argv[1] + ".csv", Body=open(sys.argv[2], "rb").read())
while not (found := receipt()):
    time.sleep(0.05)
print(found)
"""


class Taken(NamedTuple):
    """Seconds of one run: by the clock, and of the processor, the emulator's not counted."""

    wall: float
    cpu: float


def test_a_command_takes_little_more_than_a_bare_script(embedded_cloud: System, report: Report, tmp_path: Path) -> None:
    """Pair by pair, each pair one after the other."""
    drop(embedded_cloud, tmp_path / "first.csv", 100_000)
    commands: dict[str, tuple[str, Callable[[int], list[str]]]] = {
        "stock": (STOCK, lambda _: ["stock"]),
        "use": (USE, lambda number: ["use", "ham=1", "--id", f"ours {number}"]),
        "ingest": (INGEST, lambda number: ["ingest", str(delivery(tmp_path / f"{number}.csv", 1 + number))]),
    }
    rows = []
    for name, (script, words) in commands.items():
        pairs = [
            (bare(embedded_cloud, script, tmp_path, number), ours(embedded_cloud, words(number)))
            for number in range(ROUNDS)
        ]
        middle = [1_000 * median(each[side].wall for each in pairs) for side in (0, 1)]
        ratio = median(mine.wall / theirs.wall for theirs, mine in pairs)
        assert ratio < 2
        rows.append([f"`stockctl {name}`", *middle, ratio, median(mine.cpu / theirs.cpu for theirs, mine in pairs)])
    report.table("Commands", ["", "bare script, ms", "stockctl, ms", "ratio", "ratio of CPU time"], rows)


def bare(system: System, script: str, folder: Path, number: int) -> Taken:
    file = delivery(folder / "bare.csv", 1_000 + number)
    return run(system, [sys.executable, "-c", CONNECT + script, f"bare {number}", str(file)])


def ours(system: System, words: list[str]) -> Taken:
    return run(system, system.command(*words))


def run(system: System, command: list[str]) -> Taken:
    credentials, target = system.clients.session.get_credentials(), system.target
    assert credentials is not None
    keys = {
        "AWS_ACCESS_KEY_ID": credentials.access_key,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
        "AWS_DEFAULT_REGION": str(target.region),
        "ENDPOINT": str(target.endpoint_url),
        "PATH": os.environ["PATH"],
    }
    began, before = time.perf_counter(), _of_children()
    subprocess.run(command, env=system.variables | keys, check=True, capture_output=True)
    return Taken(time.perf_counter() - began, _of_children() - before)


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def delivery(path: Path, units: int) -> Path:
    path.write_text(f"ham,{units},2030-01-01\n")
    return path


def drop(system: System, path: Path, units: int) -> None:
    subprocess.run(system.command("ingest", str(delivery(path, units))), env=system.variables, check=True)
