"""What a supplier may do with the policy that the stack makes: drop files under a prefix, read their receipts."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from stockctl.aws.deployment import Deployment
from tests.system.permissions import iam
from tests.system.test_kitchen import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.system.conftest import System


@pytest.fixture(scope="module")
def bucket(embedded_cloud: System) -> Iterator[str]:
    """The drop bucket of a stack with a supplier."""
    on_it = ("--stack", "supplied")
    made = embedded_cloud.stockctl("deploy", *on_it, "-p", "SupplierPrefix=acme/", "--output", "json")
    assert made.returncode == 0, made.stderr
    yield json.loads(made.stdout)["outputs"]["DropBucket"]
    embedded_cloud.stockctl("destroy", *on_it, "--confirm", "supplied", "--delete-data")


@pytest.fixture(scope="module")
def supplier(embedded_cloud: System, bucket: str) -> Any:
    """S3 as a user sees it who has the supplier's policy and no other."""
    users = iam(embedded_cloud)
    policy = embedded_cloud.clients.cloudformation.describe_stack_resource(
        StackName="supplied", LogicalResourceId="SupplierPolicy"
    )["StackResourceDetail"]["PhysicalResourceId"]
    users.create_user(UserName="acme")
    users.attach_user_policy(UserName="acme", PolicyArn=policy)
    key = users.create_access_key(UserName="acme")["AccessKey"]
    assert bucket
    return boto3.client(
        "s3",
        region_name="us-east-1",
        endpoint_url=embedded_cloud.target.endpoint_url,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )


def test_a_supplier_drops_a_delivery_and_reads_its_receipt(supplier: Any, bucket: str) -> None:
    key = f"acme/{uuid.uuid4().hex}.csv"
    supplier.put_object(Bucket=bucket, Key=key, Body=b"ham,10,2099-01-01\n")

    def is_there() -> bool:
        try:
            receipt = supplier.get_object(Bucket=bucket, Key=f"receipts/{key}.json")
        except ClientError:  # 403 on AWS: who may not list is not told what is not there
            return False
        return bool(json.load(receipt["Body"])["status"] == "recorded")

    assert eventually(is_there)


def test_a_supplier_may_do_nothing_else(embedded_cloud: System, supplier: Any, bucket: str) -> None:
    """Not with others' deliveries or receipts, not even with its own once they are dropped."""
    supplier.put_object(Bucket=bucket, Key="acme/mine.txt", Body=b"x")
    for key in ("receipts/other/monday.csv.json", "other/monday.txt"):
        embedded_cloud.clients.s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    refused: list[Callable[[], object]] = [
        lambda: supplier.put_object(Bucket=bucket, Key="other/monday.csv", Body=b"x"),
        lambda: supplier.put_object(Bucket=bucket, Key="receipts/acme/mine.txt.json", Body=b"x"),
        lambda: supplier.get_object(Bucket=bucket, Key="acme/mine.txt"),
        lambda: supplier.get_object(Bucket=bucket, Key="receipts/other/monday.csv.json"),
        lambda: supplier.delete_object(Bucket=bucket, Key="acme/mine.txt"),
        lambda: supplier.list_objects_v2(Bucket=bucket, Prefix="acme/"),
        supplier.list_buckets,
    ]
    assert [answer_to(attempt) for attempt in refused] == ["AccessDenied"] * len(refused)


def answer_to(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "done"


def test_a_stack_without_a_supplier_makes_no_such_policy(embedded_cloud: System) -> None:
    """The parameter is empty by default."""
    resources = embedded_cloud.clients.cloudformation.describe_stack_resources(StackName="stockctl")["StackResources"]
    assert "SupplierPolicy" not in {each["LogicalResourceId"] for each in resources}
    assert Deployment.of(embedded_cloud.clients, embedded_cloud.target) == embedded_cloud.deployment
