"""The bucket that function bundles are uploaded to: one an account and region, made by the first deployment."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from stockctl.aws.errors import code_of
from stockctl.domain.errors import StockctlError

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CreateBucketRequestTypeDef

    from stockctl.aws.bundle import Bundle
    from stockctl.aws.clients import Clients

MISSING = {"404", "NoSuchBucket", "NoSuchKey", "NotFound"}


class ArtifactBucket:
    """Versioned, private, encrypted. Every call names the account that must own it, as anyone can take a free name."""

    def __init__(self, clients: Clients) -> None:
        self._s3 = clients.s3
        self._region = clients.s3.meta.region_name
        self._account = clients.sts.get_caller_identity()["Account"]
        self.name = f"stockctl-artifacts-{self._account}-{self._region}"

    def ensure(self) -> None:
        """Makes the bucket where there is none.

        Raises:
            StockctlError: a bucket of that name belongs to somebody else.
        """
        try:
            self._s3.head_bucket(Bucket=self.name, ExpectedBucketOwner=self._account)
        except ClientError as error:
            if code_of(error) not in MISSING:
                raise self._not_ours(error) from error
            self._create()

    def upload(self, bundle: Bundle) -> None:
        """Puts a bundle under its key, unless it is there: the key is made from the content."""
        if not self._holds(bundle.key):
            # S3 compares the checksum: an upload that was cut off never becomes a bundle.
            checksum = base64.b64encode(hashlib.sha256(bundle.content).digest()).decode()
            self._s3.put_object(
                Bucket=self.name,
                Key=bundle.key,
                Body=bundle.content,
                ChecksumSHA256=checksum,
                ExpectedBucketOwner=self._account,
            )

    def _holds(self, key: str) -> bool:
        try:
            self._s3.head_object(Bucket=self.name, Key=key, ExpectedBucketOwner=self._account)
        except ClientError as error:
            if code_of(error) not in MISSING:
                raise
            return False
        return True

    def _create(self) -> None:
        request: CreateBucketRequestTypeDef = {"Bucket": self.name, "ObjectOwnership": "BucketOwnerEnforced"}
        if self._region != "us-east-1":  # the one region that S3 refuses to have named
            request["CreateBucketConfiguration"] = {"LocationConstraint": self._region}  # type: ignore[typeddict-item]
        self._s3.create_bucket(**request)
        self._protect()

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

    def _not_ours(self, error: ClientError) -> StockctlError:
        if code_of(error) in {"403", "AccessDenied", "Forbidden"}:
            return StockctlError(
                f"the artifact bucket {self.name} cannot be used",
                "Either s3:ListBucket on it is missing, or the bucket belongs to another account.",
            )
        return StockctlError(str(error))
