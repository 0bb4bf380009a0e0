"""The policy for suppliers: drop deliveries under the prefix, read their receipts, and nothing else."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from botocore.exceptions import ClientError

from stockctl.aws.clients import Clients
from stockctl.client.supplier import deliver
from stockctl.domain.receipt import DeliveryStatus
from stockctl.operations.drop_bucket import DropBucket

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from tests.system.conftest import System

STACK = "supplied"


class Supplier(NamedTuple):
    """A user with the policy, and a bucket with deliveries of this and another supplier."""

    s3: S3Client
    bucket: str


@pytest.fixture(scope="module")
def supplier(embedded_cloud: System) -> Iterator[Supplier]:
    on_it = ("--stack", STACK, "--output", "json")
    made = embedded_cloud.stockctl("deploy", *on_it, "--parameter", "SupplierPrefix=acme/")
    assert made.returncode == 0, made.stderr
    outputs = json.loads(made.stdout)["outputs"]
    clients, bucket = embedded_cloud.clients, outputs["DropBucket"]
    iam: Any = clients.session.create_client("iam", endpoint_url=clients.endpoint_url)
    iam.create_user(UserName="acme")
    iam.attach_user_policy(UserName="acme", PolicyArn=outputs["SupplierPolicy"])
    key = iam.create_access_key(UserName="acme")["AccessKey"]
    for name in ("acme/own.csv", "other/theirs.csv"):
        clients.s3.put_object(Bucket=bucket, Key=name, Body=b"ham,1,2099-12-31")
    wait_for(DropBucket(clients.s3, bucket), "other/theirs.csv")
    target = replace(embedded_cloud.target, access_key_id=key["AccessKeyId"], secret_access_key=key["SecretAccessKey"])
    yield Supplier(Clients.of_target(target).s3, bucket)
    iam.delete_access_key(UserName="acme", AccessKeyId=key["AccessKeyId"])
    iam.detach_user_policy(UserName="acme", PolicyArn=outputs["SupplierPolicy"])
    iam.delete_user(UserName="acme")
    embedded_cloud.stockctl("destroy", *on_it, "--confirm", STACK, "--delete-data")


def wait_for(bucket: DropBucket, delivery: str) -> None:
    deadline = time.monotonic() + 30
    while bucket.receipt(delivery) is None and time.monotonic() < deadline:
        time.sleep(0.1)
    assert bucket.receipt(delivery)


def test_a_supplier_drops_a_file_and_reads_its_receipt(supplier: Supplier) -> None:
    """The policy alone is enough, from checking for an earlier receipt to reading the new one."""
    delivered = deliver(DropBucket(supplier.s3, supplier.bucket), "acme/today.csv", b"ham,2,2099-12-31")
    assert delivered.status == DeliveryStatus.RECORDED
    assert [row["quantity"] for row in delivered.findings["recorded"]] == [2]


FORBIDDEN: dict[str, Callable[[S3Client, str], Any]] = {
    "drop a file elsewhere": lambda s3, bucket: s3.put_object(Bucket=bucket, Key="other/x.csv", Body=b""),
    "drop a file at the top": lambda s3, bucket: s3.put_object(Bucket=bucket, Key="x.csv", Body=b""),
    "overwrite a receipt": lambda s3, bucket: s3.put_object(Bucket=bucket, Key="receipts/acme/own.csv.json", Body=b""),
    "read another's receipt": lambda s3, bucket: s3.get_object(Bucket=bucket, Key="receipts/other/theirs.csv.json"),
    "read a delivery": lambda s3, bucket: s3.get_object(Bucket=bucket, Key="acme/own.csv"),
    "delete a delivery": lambda s3, bucket: s3.delete_object(Bucket=bucket, Key="acme/own.csv"),
    "delete a receipt": lambda s3, bucket: s3.delete_object(Bucket=bucket, Key="receipts/acme/own.csv.json"),
    "list the bucket": lambda s3, bucket: s3.list_objects_v2(Bucket=bucket),
    "list its own folder": lambda s3, bucket: s3.list_objects_v2(Bucket=bucket, Prefix="acme/"),
    "list versions": lambda s3, bucket: s3.list_object_versions(Bucket=bucket, Prefix="acme/"),
    "publish a delivery": lambda s3, bucket: s3.put_object_acl(Bucket=bucket, Key="acme/own.csv", ACL="public-read"),
    "change the bucket's policy": lambda s3, bucket: s3.put_bucket_policy(Bucket=bucket, Policy="{}"),
}


@pytest.mark.parametrize("act", FORBIDDEN.values(), ids=FORBIDDEN)
def test_a_supplier_may_do_nothing_else(supplier: Supplier, act: Callable[[S3Client, str], Any]) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        act(supplier.s3, supplier.bucket)


def test_a_stack_without_a_supplier_has_no_supplier_policy(embedded_cloud: System) -> None:
    """The parameter is empty by default."""
    resources = embedded_cloud.clients.cloudformation.describe_stack_resources(StackName="stockctl")["StackResources"]
    assert "SupplierPolicy" not in {each["LogicalResourceId"] for each in resources}
