"""AWS clients, made once per process and service, with short timeouts and no surprises.

They are botocore's own. boto3 adds nothing that is used here, and importing it takes as long again, most of that for
S3's transfer manager: half of a function's cold start.
"""

from __future__ import annotations

import os
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.loaders import Loader
from botocore.session import Session

if TYPE_CHECKING:
    from botocore.client import BaseClient
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


def _service(name: str) -> Any:  # noqa: ANN401 - the client of that service
    """A client, made when first asked for."""
    return cached_property(lambda clients: clients._client(name))


class Clients:
    """The AWS services of one account and region; each client is made when first asked for."""

    cloudformation: CloudFormationClient = _service("cloudformation")
    cloudwatch: CloudWatchClient = _service("cloudwatch")
    dynamodb: DynamoDBClient = _service("dynamodb")
    dynamodbstreams: DynamoDBStreamsClient = _service("dynamodbstreams")
    kinesis: KinesisClient = _service("kinesis")
    lambda_: LambdaClient = _service("lambda")
    logs: CloudWatchLogsClient = _service("logs")
    s3: S3Client = _service("s3")
    sqs: SQSClient = _service("sqs")
    sts: STSClient = _service("sts")

    def __init__(self, session: Session, endpoint_url: str | None = None, config: Config = CONFIG) -> None:
        self.session = session
        self.endpoint_url = endpoint_url
        self._own_config = config

    @classmethod
    def of_function(cls) -> Clients:
        """Inside a Lambda worker: region, credentials and endpoint come from its environment."""
        return cls(_quick(Session()), os.environ.get("AWS_ENDPOINT_URL"), FUNCTION_CONFIG)

    @classmethod
    def of_target(cls, target: Target) -> Clients:
        """For a command: whatever the target names, else the usual AWS chain."""
        session = _unaffected(target.region) if target.local else aws_session(target.profile, target.region)
        if target.access_key_id and target.secret_access_key:
            session.set_credentials(target.access_key_id, target.secret_access_key)
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

    def _client(self, service: str, config: Config | None = None) -> BaseClient:
        return self.session.create_client(service, endpoint_url=self.endpoint_url, config=config or self._config)

    @cached_property
    def patient_lambda(self) -> LambdaClient:
        """For calls that wait as long as a function may take, and are made once."""
        config = self._config.merge(Config(read_timeout=910, retries={"total_max_attempts": 1}))
        return cast("LambdaClient", self._client("lambda", config))


def aws_session(profile: str | None = None, region: str | None = None) -> Session:
    """A session of the usual AWS chain: environment, configuration files, the machine's role."""
    session = _quick(Session())
    for name, value in (("profile", profile), ("region", region)):
        if value is not None:
            session.set_config_variable(name, value)
    return session


def _unaffected(region: str | None) -> Session:
    """A session for the embedded cloud, which no AWS profile or configuration file of the user's concerns."""
    nowhere = (None, None, os.devnull, None)
    session = Session(
        session_vars={"profile": (None, None, None, None), "config_file": nowhere, "credentials_file": nowhere}
    )
    session.set_config_variable("region", region)
    return _quick(session)


def _quick(session: Session) -> Session:
    """The session, with a loader of service descriptions that all sessions share."""
    session.register_component("data_loader", _loader())
    return session


@cache
def _loader() -> Loader:
    return _QuickLoader()


class _QuickLoader(Loader):
    """Takes every folder for a service. botocore's own opens each: 10 ms for each kind of description that it loads."""

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002
        """The names of services; some may have no description of this type."""
        paths = [Path(path) for path in self.search_paths]
        return [folder.name for path in paths if path.is_dir() for folder in path.iterdir()]
