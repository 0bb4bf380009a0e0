"""The cloud and stack that a command's settings lead to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stockctl.aws.target import Target
from stockctl.domain.errors import CredentialsError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_cloudformation.type_defs import StackTypeDef

    from stockctl.aws.clients import Clients
    from stockctl.cli.settings import Settings
    from stockctl.terminal.environment import Environment


def resolve(
    settings: Settings,
    environment: Environment,
    clients_of: Callable[[Target], Clients],
    *,
    on_demand: str | None = None,
) -> tuple[Target, StackTypeDef | None]:
    """The target of one command, and the description of its stack where it was read on the way.

    The embedded cloud is started where it is not running. A local stack of another version is brought up to date, and
    the stack named `on_demand` is made where it is missing.

    Raises:
        UsageError: the endpoint is not a URL.
        CredentialsError: the target is AWS, and no credentials or region resolve.
    """
    if not settings.local:
        return _aws(settings), None
    from stockctl.cli.rollout import ensure_running

    return ensure_running(settings.stack, environment, clients_of, create=settings.stack == on_demand)


def undeployed(settings: Settings, environment: Environment) -> Target:
    """The target of a command that needs no stack. Starts the embedded cloud, deploys nothing."""
    if not settings.local:
        return _aws(settings)
    from stockctl.cli.rollout import start

    return start(environment, anywhere=True).run.target(settings.stack)


def existing(settings: Settings, environment: Environment) -> Target | None:
    """The same target, without starting or deploying anything: None for an embedded cloud that does not run."""
    if not settings.local:
        return _aws(settings)
    from stockctl.local.cloud import EmbeddedCloud

    run = EmbeddedCloud(environment.variables).running()
    return run.target(settings.stack) if run else None


def _aws(settings: Settings) -> Target:
    from stockctl.aws.clients import aws_session

    url = settings.endpoint_url
    if url and not url.startswith(("http://", "https://")):
        raise UsageError(f"the endpoint {url!r} is not a URL", "Write it like http://127.0.0.1:4566.")
    session = aws_session(settings.profile, settings.region)
    if session.get_credentials() is None:
        raise CredentialsError(
            "no AWS credentials were found",
            "Run `aws configure sso` or set AWS_PROFILE; or use --local for the embedded cloud.",
        )
    region = session.get_config_variable("region")
    if region is None:
        raise CredentialsError("no AWS region is set", "Give --region, or set AWS_REGION.")
    return Target(stack=settings.stack, region=region, profile=settings.profile, endpoint_url=url)
