"""The operator policy, compared with the calls of the commands and of CloudFormation's handlers."""

from __future__ import annotations

import io
import json
import os
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from cfnlint.decode import decode
from cfnlint.schema.manager import ProviderSchemaManager

from stockctl.aws.clients import Clients
from stockctl.cli.main import run
from stockctl.deployment.template import template_path
from stockctl.local.cloud import EmbeddedCloud
from stockctl.terminal.environment import Environment
from tests.system.conftest import variables_for

if TYPE_CHECKING:
    from pathlib import Path

    from botocore.model import OperationModel

POLICY = json.loads((template_path().parent / "operator-policy.json").read_text())
DELETION = json.loads((template_path().parent / "deletion-policy.json").read_text())
DATA_LOSS = {
    "dynamodb:DeleteTable",
    "dynamodb:UpdateTable",
    "s3:DeleteBucket",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
}
LARGEST_POLICY = 6_144
"""Characters of a managed policy, without white space."""

ACTIONS = {  # permissions whose name differs from the operation
    "s3:HeadBucket": ["s3:ListBucket"],
    "s3:HeadObject": ["s3:GetObject"],
    "s3:ListObjectVersions": ["s3:ListBucketVersions"],
    "s3:ListObjectsV2": ["s3:ListBucket"],
    "s3:DeleteObjects": ["s3:DeleteObject", "s3:DeleteObjectVersion"],
    "s3:PutPublicAccessBlock": ["s3:PutBucketPublicAccessBlock"],
    "s3:PutBucketEncryption": ["s3:PutEncryptionConfiguration"],
    "dynamodb:TransactGetItems": ["dynamodb:GetItem"],
    "dynamodb:TransactWriteItems": ["dynamodb:UpdateItem"],
    "lambda:Invoke": ["lambda:InvokeFunction"],
    "sts:GetCallerIdentity": [],  # needs no permission
}
SELDOM = {
    "cloudformation:ContinueUpdateRollback",  # suggested by `deploy` after a failed rollback
    "cloudwatch:GetMetricData",  # `status` on AWS; the embedded cloud has no metrics
    "cloudformation:DescribeEvents",  # errors in a template
    "dynamodb:BatchGetItem",
    "dynamodb:ConditionCheckItem",  # reconciliation of several ingredients and of expired batches
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:GetRecords",  # `failures retry`, of stream records
    "dynamodb:GetShardIterator",
    "execute-api:Invoke",  # sent without boto3
    "kinesis:DescribeStreamSummary",
    "lambda:InvokeFunction",  # `failures retry`
    "lambda:UpdateEventSourceMapping",  # suggested by `status` for a stopped stream
    "s3:PutBucketOwnershipControls",  # part of CreateBucket
    "s3:PutBucketPolicy",  # the artifact bucket's, if TLS is required
    "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessage",
}
UNUSED = [  # handlers may need these, but not for this template
    *("dynamodb:*Import*", "dynamodb:*Replica", "dynamodb:*ContributorInsights", "dynamodb:*StreamingDestination"),
    *(
        "dynamodb:*Item",
        "dynamodb:Query",
        "dynamodb:Scan",
        "dynamodb:PutResourcePolicy",
        "dynamodb:DeleteResourcePolicy",
    ),
    *("ec2:*", "elasticfilesystem:*", "s3files:*", "s3tables:*", "firehose:*"),  # no VPC, no file system, no lake
    *("iam:*GroupPolicy", "iam:*UserPolicy", "iam:AttachRolePolicy", "iam:DetachRolePolicy", "iam:*Boundary"),
    "iam:CreateServiceLinkedRole",
    *("kinesis:*EnhancedMonitoring", "kinesis:Update[MSW]*", "kinesis:PutRecords", "kinesis:UpdateStream*"),
    *("kms:Encrypt", "kms:RevokeGrant"),
    *("lambda:*CodeSigningConfig", "lambda:*Concurrency", "lambda:*Scaling*", "lambda:*Recursion*", "lambda:*Runtime*"),
    *("lambda:PassCapacityProvider", "lambda:PublishVersion"),
    *("logs:*KmsKey", "logs:*Index*", "logs:*DataProtection*", "logs:CreateLogStream", "logs:PutLogEvents"),
    *("logs:PutBearerTokenAuthentication", "logs:PutLogGroupDeletionProtection", "logs:DeleteResourcePolicy"),
    *("s3:*Metadata*", "s3:*Analytics*", "s3:*Cors", "s3:*CORS", "s3:*Metrics*", "s3:*Replication*", "s3:*Website"),
    *("s3:*Accelerate*", "s3:*Abac", "s3:*Acl", "s3:*Logging", "s3:*Inventory*", "s3:*IntelligentTiering*"),
    *("s3:*Object*", "s3:REST*", "s3:getObject", "s3:DeleteBucketEncryption", "s3:DeleteBucketLifecycle"),
    "sns:PutDataProtectionPolicy",
]


def granted(*, by_cloudformation: bool) -> set[str]:
    statements = [each for each in POLICY["Statement"] if each["Sid"].startswith("Provision") is by_cloudformation]
    return {action for statement in statements for action in statement["Action"]}


def is_among(action: str, patterns: set[str] | list[str]) -> bool:
    return any(fnmatchcase(action, pattern) for pattern in patterns)


def test_the_policy_is_not_too_long() -> None:
    assert len(json.dumps(POLICY, separators=(",", ":"))) <= LARGEST_POLICY


def test_operators_delete_no_data_but_through_cloudformation() -> None:
    """CloudFormation retains tables and bucket. Who may use `destroy --delete-data` needs the other policy, too."""
    assert not granted(by_cloudformation=False) & DATA_LOSS
    assert {action for statement in DELETION["Statement"] for action in statement["Action"]} >= DATA_LOSS


def test_operators_call_nothing_but_the_paths_of_the_api() -> None:
    """Each route of the template is covered, and each resource of the policy covers one."""
    (call,) = (each for each in POLICY["Statement"] if each["Sid"] == "Call")
    document, _ = decode(str(template_path()))
    resources = document["Resources"].values()
    routes = [each["Properties"]["RouteKey"] for each in resources if each["Type"] == "AWS::ApiGatewayV2::Route"]
    arns = [f"arn:aws:execute-api:eu-west-1:123456789012:a1b2c3/$default/{route.replace(' ', '')}" for route in routes]
    assert all(is_among(arn, call["Resource"]) for arn in arns)
    assert all(any(fnmatchcase(arn, pattern) for arn in arns) for pattern in call["Resource"])


def test_the_policy_allows_what_cloudformation_handlers_need_and_no_more() -> None:
    """Checked against the schemas of the template's resource types."""
    document, _ = decode(str(template_path()))
    schemas = ProviderSchemaManager()
    needed: set[str] = set()
    for kind in {resource["Type"] for resource in document["Resources"].values()}:
        handlers = schemas.get_resource_schema("us-east-1", kind).schema.get("handlers", {})
        for name in ("create", "read", "update", "delete"):
            needed |= set(handlers.get(name, {}).get("permissions", []))
    allowed = granted(by_cloudformation=True)
    looks = granted(by_cloudformation=False)
    missing = {each for each in needed if not is_among(each, allowed | looks) and not is_among(each, UNUSED)}
    assert missing == set()
    assert [pattern for pattern in sorted(allowed) if not any(fnmatchcase(each, pattern) for each in needed)] == []


@pytest.mark.ci
def test_the_policy_allows_the_calls_that_commands_make_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs the commands and records every boto3 call."""
    made: set[str] = set()
    initialise = Clients.__init__

    def recording(self: Clients, *arguments: Any, **named: Any) -> None:
        initialise(self, *arguments, **named)
        self.session.register("before-call", partial(note, made))

    monkeypatch.setattr(Clients, "__init__", recording)
    variables = variables_for(str(tmp_path / "home"))
    for name in ("STOCKCTL_HOME", "STOCKCTL_LOCAL_PORT", "STOCKCTL_TARGET"):
        monkeypatch.setenv(name, variables[name])
    delivery = tmp_path / "delivery.csv"
    delivery.write_text("ham,10,2099-01-01\n")
    try:
        for words in (
            "deploy --dry-run",
            "deploy -p DateOrder=DMY",
            f"ingest {delivery} --delivery monday",
            "use ham=4 --id order-1",
            "stock --batches",
            "return order-1 ham=1",
            "discard ham=1",
            "count ham=5 --yes",
            "recall monday.csv --dry-run",
            "history ham --charges",
            "show order-1",
            "deliveries",
            "forecast",
            "report",
            "reconcile",
            "threshold ham=5",
            "watch ham --since 5m --duration 2s",
            "status",
            "logs",
            "failures",
            "destroy --confirm stockctl",
            "deploy -p DateOrder=YMD",
            "destroy --confirm stockctl",
            "destroy --confirm stockctl --delete-data",
        ):
            environment = Environment(io.StringIO(), io.StringIO(), io.StringIO(), dict(os.environ) | variables)
            code = run([*words.split(), "--local"], environment)
            assert code in {0, 1}, words
    finally:
        EmbeddedCloud(variables).down()
    needed = {action for call in made for action in ACTIONS.get(call, [call])}
    allowed = granted(by_cloudformation=False)
    allowed |= {action for statement in DELETION["Statement"] for action in statement["Action"]}
    assert needed - allowed == set()
    assert allowed - needed - SELDOM == set()


def note(made: set[str], model: OperationModel, **_: object) -> None:
    made.add(f"{model.service_model.endpoint_prefix.replace('monitoring', 'cloudwatch')}:{model.name}")
