"""boto3 clients, made once per process and service, with short timeouts and no surprises."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_apigatewayv2 import ApiGatewayV2Client
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodbstreams import DynamoDBStreamsClient
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sts import STSClient

    from stockctl.aws.target import Target

CONFIG = Config(
    connect_timeout=3,
    read_timeout=20,
    retries={"mode": "standard", "total_max_attempts": 4},
    tcp_keepalive=True,
    max_pool_connections=32,
)

FUNCTION_CONFIG = CONFIG.merge(
    Config(
        connect_timeout=1,
        read_timeout=4,
        retries={"mode": "standard", "total_max_attempts": 3},
        # Checking the shape of requests takes a third of a batch's computing time; types and tests have checked it.
        parameter_validation=False,
    )
)
"""Short enough for a function to answer within its timeout, even where no call of its last attempt is answered."""


class Clients:
    """The AWS services of one account and region; each client is made when first asked for."""

    def __init__(
        self, session: boto3.session.Session, endpoint_url: str | None = None, config: Config = CONFIG
    ) -> None:
        self.session = session
        self.endpoint_url = endpoint_url
        self._own_config = config

    @classmethod
    def of_function(cls) -> Clients:
        """Inside a Lambda worker: region, credentials and endpoint come from its environment."""
        return cls(boto3.session.Session(), os.environ.get("AWS_ENDPOINT_URL"), FUNCTION_CONFIG)

    @classmethod
    def of_target(cls, target: Target) -> Clients:
        """For a command: whatever the target names, else the usual AWS chain."""
        session = boto3.session.Session(
            botocore_session=_unaffected() if target.local else None,
            profile_name=target.profile,
            region_name=target.region,
            aws_access_key_id=target.access_key_id,
            aws_secret_access_key=target.secret_access_key,
        )
        return cls(session, target.endpoint_url)

    @cached_property
    def _config(self) -> Config:
        if not self.endpoint_url:
            return self._own_config
        # An endpoint that is a plain address, as the embedded cloud's is, cannot carry a bucket in its host name.
        config = self._own_config.merge(Config(s3={"addressing_style": "path"}))
        # A proxy would look for this machine's loopback on itself.
        on_loopback = urlsplit(self.endpoint_url).hostname in {"127.0.0.1", "localhost", "::1"}
        return config.merge(Config(proxies={})) if on_loopback else config

    @cached_property
    def apigatewayv2(self) -> ApiGatewayV2Client:
        return self.session.client("apigatewayv2", endpoint_url=self.endpoint_url, config=self._config)

    @cached_property
    def cloudformation(self) -> CloudFormationClient:
        return self.session.client("cloudformation", endpoint_url=self.endpoint_url, config=self._config)

    @cached_property
    def cloudwatch(self) -> CloudWatchClient:
        return self.session.client("cloudwatch", endpoint_url=self.endpoint_url, config=self._config)

    @cached_property
    def dynamodb(self) -> DynamoDBClient:
        return self.session.client("dynamodb", endpoint_url=self.endpoint_url, config=self._config)

    @cached_property
    def dynamodbstreams(self) -> DynamoDBStreamsClient:
        return self.session.client("dynamodbstreams", endpoint_url=self.endpoint_url, config=self._config)

    @cached_property
    def kinesis(self) -> KinesisClient:
        return self.session.client("kinesis", endpoint_url=self.endpoint_url, config=self._config)

    @cached_property
    def lambda_(self) -> LambdaClient:
        return self.session.client("lambda", endpoint_url=self.endpoint_url, config=self._config)

    @cached_property
    def patient_lambda(self) -> LambdaClient:
        """For calls that wait as long as a function may take, and are made once."""
        config = self._config.merge(Config(read_timeout=910, retries={"total_max_attempts": 1}))
        return self.session.client("lambda", endpoint_url=self.endpoint_url, config=config)

    @cached_property
    def logs(self) -> CloudWatchLogsClient:
        return self.session.client("logs", endpoint_url=self.endpoint_url, config=self._config)

    @cached_property
    def s3(self) -> S3Client:
        return self.session.client("s3", endpoint_url=self.endpoint_url, config=self._config)

    @cached_property
    def sqs(self) -> SQSClient:
        return self.session.client("sqs", endpoint_url=self.endpoint_url, config=self._config)

    @cached_property
    def sts(self) -> STSClient:
        return self.session.client("sts", endpoint_url=self.endpoint_url, config=self._config)


def _unaffected() -> botocore.session.Session:
    """A session for the embedded cloud, which no AWS profile or configuration file of the user's concerns."""
    nowhere = (None, None, os.devnull, None)
    return botocore.session.Session(
        session_vars={"profile": (None, None, None, None), "config_file": nowhere, "credentials_file": nowhere}
    )
