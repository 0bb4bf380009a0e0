"""The bucket for the template and the function code, as the first deployment to an account and region creates it."""

from __future__ import annotations

import json

from moto import mock_aws

from stockctl.aws.clients import Clients, aws_session
from stockctl.deployment.artifacts import Artifact, ArtifactBucket


@mock_aws
def test_the_artifact_bucket_is_versioned_private_encrypted_and_reached_by_tls_alone() -> None:
    clients = Clients(aws_session())
    artifacts = ArtifactBucket(clients)
    assert_protected(clients, artifacts)


@mock_aws
def test_an_artifact_bucket_whose_making_was_cut_off_is_protected_by_the_next_deployment() -> None:
    clients = Clients(aws_session())
    artifacts = ArtifactBucket(clients)
    clients.s3.create_bucket(
        Bucket=artifacts.name,
        CreateBucketConfiguration={"LocationConstraint": artifacts.region},  # type: ignore[typeddict-item]
    )
    assert_protected(clients, artifacts)


@mock_aws
def test_cloudformation_is_given_the_template_by_an_address_it_accepts() -> None:
    """In the path style, of the bucket's own region: CloudFormation reads it as the caller."""
    clients = Clients(aws_session())
    artifacts = ArtifactBucket(clients)
    template = Artifact.of("templates", b"Resources: {}", "yaml")
    assert artifacts.url(template) == f"https://s3.eu-west-1.amazonaws.com/{artifacts.name}/{template.key}"


def assert_protected(clients: Clients, artifacts: ArtifactBucket) -> None:
    artifacts.ensure()
    s3, name = clients.s3, artifacts.name
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    assert all(s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"].values())
    assert s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    (statement,) = json.loads(s3.get_bucket_policy(Bucket=name)["Policy"])["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
