"""The bucket that the template and the function code are uploaded to: one per account and region.

The first deployment creates it.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from stockctl.aws.errors import code_of, unless_refused
from stockctl.domain.errors import StockctlError

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CreateBucketRequestTypeDef

    from stockctl.aws.clients import Clients

MISSING = {"404", "NoSuchBucket", "NoSuchKey", "NotFound"}


@dataclass(frozen=True)
class Artifact:
    """A file that CloudFormation or Lambda reads, under a key made from its content."""

    content: bytes
    key: str

    @classmethod
    def of(cls, folder: str, content: bytes, suffix: str) -> Artifact:
        """The artifact of this content: the same content has the same key."""
        return cls(content, f"{folder}/{hashlib.sha256(content).hexdigest()[:40]}.{suffix}")


class ArtifactBucket:
    """A versioned, private, encrypted bucket that accepts TLS only.

    Every call names the account that must own it, because anyone can take a free name.

    A bucket chosen by the caller is used as it is, and may belong to another account.
    """

    def __init__(self, clients: Clients, name: str | None = None) -> None:
        self._s3 = clients.s3
        self.region = clients.s3.meta.region_name
        self.account = clients.sts.get_caller_identity()["Account"]
        own = f"stockctl-artifacts-{self.account}-{self.region}"
        self.name = name or own
        self._is_own = self.name == own
        self._owner: dict[str, Any] = {"ExpectedBucketOwner": self.account} if self._is_own else {}

    def exists(self) -> bool:
        """Whether there is a bucket of this name, and it may be used."""
        try:
            return unless_refused(lambda: self._s3.head_bucket(Bucket=self.name, **self._owner), MISSING) is not None
        except ClientError as error:
            if code_of(error) not in {"403", "AccessDenied", "Forbidden"}:
                raise
            hint = "Either s3:ListBucket on it is missing, or the bucket belongs to another account."
            raise StockctlError(f"the artifact bucket {self.name} cannot be used", hint) from error

    def ensure(self) -> None:
        """Creates the bucket if it is missing. Our own is protected again: an earlier run may have been interrupted.

        Raises:
            StockctlError: the bucket cannot be used, or the caller chose one that does not exist.
        """
        if not self.exists():
            if not self._is_own:
                raise StockctlError(
                    f"there is no bucket {self.name}", "Create it, or omit --artifact-bucket to have one created."
                )
            self._create()
        if self._is_own:
            self._protect()

    def upload(self, artifact: Artifact) -> None:
        """Uploads an artifact unless it is there already: the key is made from the content."""
        if not self._holds(artifact.key):
            # S3 compares the checksum: an interrupted upload never becomes an object.
            checksum = base64.b64encode(hashlib.sha256(artifact.content).digest()).decode()
            self._s3.put_object(
                Bucket=self.name, Key=artifact.key, Body=artifact.content, ChecksumSHA256=checksum, **self._owner
            )

    def url(self, artifact: Artifact) -> str:
        """The path-style URL of an uploaded artifact; it works on the embedded cloud too."""
        return f"{self._s3.meta.endpoint_url}/{self.name}/{artifact.key}"

    def _holds(self, key: str) -> bool:
        found = unless_refused(lambda: self._s3.head_object(Bucket=self.name, Key=key, **self._owner), MISSING)
        return found is not None

    def _create(self) -> None:
        request: CreateBucketRequestTypeDef = {"Bucket": self.name, "ObjectOwnership": "BucketOwnerEnforced"}
        if self.region != "us-east-1":  # the one region that S3 refuses to have named
            request["CreateBucketConfiguration"] = {"LocationConstraint": self.region}  # type: ignore[typeddict-item]
        self._s3.create_bucket(**request)

    def _protect(self) -> None:
        self._s3.put_public_access_block(
            Bucket=self.name,
            PublicAccessBlockConfiguration={
                "BlockPublicAcls": True,
                "BlockPublicPolicy": True,
                "IgnorePublicAcls": True,
                "RestrictPublicBuckets": True,
            },
        )
        self._s3.put_bucket_versioning(Bucket=self.name, VersioningConfiguration={"Status": "Enabled"})
        self._s3.put_bucket_encryption(
            Bucket=self.name,
            ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            },
        )

        if self._s3.meta.endpoint_url.startswith("https:"):  # an emulator without TLS would lock everybody out
            self._s3.put_bucket_policy(Bucket=self.name, Policy=json.dumps(self._tls_only()))

    def _tls_only(self) -> dict[str, Any]:
        bucket = f"arn:{self._s3.meta.partition}:s3:::{self.name}"
        return {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "TlsOnly",
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:*",
                    "Resource": [bucket, f"{bucket}/*"],
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                }
            ],
        }
