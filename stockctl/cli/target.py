"""Decides which cloud a command talks to.

`--local`/`--aws`, else STOCKCTL_TARGET, else AWS where credentials resolve, else the embedded cloud.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
import botocore.session
from botocore.exceptions import BotoCoreError

from stockctl.aws.target import Target
from stockctl.domain.errors import CredentialsError, UsageError

if TYPE_CHECKING:
    from botocore.credentials import CredentialResolver

    from stockctl.cli.settings import Settings
    from stockctl.terminal.environment import Environment


def resolve(settings: Settings, environment: Environment, *, deployed: bool = True) -> Target:
    """The target of one command. A local one is started first where it is not running, and deployed to if `deployed`.

    Raises:
        UsageError: STOCKCTL_TARGET is neither `local` nor `aws`, or the endpoint is no URL.
        CredentialsError: AWS was asked for and no credentials or region resolve.
    """
    if _is_local(settings, environment):
        return _local(settings, environment, deployed=deployed)
    return _aws(settings, environment)


def existing(settings: Settings, environment: Environment) -> Target | None:
    """The same target, without starting or deploying anything: None for an embedded cloud that does not run."""
    if not _is_local(settings, environment):
        return _aws(settings, environment)
    from stockctl.local.cloud import EmbeddedCloud

    run = EmbeddedCloud(environment.variables).running()
    return run.target(settings.stack) if run else None


def _is_local(settings: Settings, environment: Environment) -> bool:
    if settings.local is not None:
        return settings.local
    if settings.endpoint_url:
        return False
    named = environment.variables.get("STOCKCTL_TARGET", "").strip().lower()
    if named not in {"", "local", "aws"}:
        raise UsageError(
            f"STOCKCTL_TARGET is {named!r}, which is no target", "Set it to `local` or `aws`, or unset it."
        )
    if named:
        return named == "local"
    return settings.profile is None and not _aws_credentials_resolve()


def _aws_credentials_resolve() -> bool:
    """Whether this user has credentials. The role of a machine is not looked for: that asks the network, which takes
    its time where there is none, and `--aws` finds it all the same."""
    session = botocore.session.Session()
    try:
        providers: CredentialResolver = session.get_component("credential_provider")
        providers.remove("iam-role")
        return providers.load_credentials() is not None
    except BotoCoreError:  # a profile that is named but broken is meant for AWS: let it be reported there
        return True


def _aws(settings: Settings, environment: Environment) -> Target:
    url = settings.endpoint_url
    if url and not url.startswith(("http://", "https://")):
        raise UsageError(f"--endpoint-url is {url!r}, which is no URL", "Write it like http://127.0.0.1:4566.")
    # AWS's own command line goes by AWS_REGION first; boto3 knows AWS_DEFAULT_REGION alone.
    region = settings.region or environment.variables.get("AWS_REGION")
    session = boto3.session.Session(profile_name=settings.profile, region_name=region)
    if session.get_credentials() is None:
        raise CredentialsError(
            "no AWS credentials were found",
            "Run `aws configure sso` or set AWS_PROFILE; or use --local for the embedded cloud.",
        )
    if session.region_name is None:
        raise CredentialsError("no AWS region is set", "Give --region, or set AWS_REGION.")
    return Target(
        stack=settings.stack, region=session.region_name, profile=settings.profile, endpoint_url=settings.endpoint_url
    )


def _local(settings: Settings, environment: Environment, *, deployed: bool) -> Target:
    from stockctl.cli.rollout import ensure_running, ensure_started

    return (ensure_running if deployed else ensure_started)(settings.stack, environment)
