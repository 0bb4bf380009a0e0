"""Translates botocore's errors: what failed, and what to do about it.

A `ClientError` is a refusal by AWS; a `BotoCoreError` happens before that (no credentials, an expired SSO session, no
network). Where a connection ends in the middle of an answer, botocore lets urllib3's own error through. Users get a
message, a hint and an exit code for all of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import TypeVar

from botocore import exceptions as botocore_errors
from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from stockctl.domain.errors import Busy, CredentialsError, StockctlError, UsageError

Answer = TypeVar("Answer")

CONDITION_FAILED = {"ConditionalCheckFailedException"}
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
_UNKNOWN = {
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
    "AuthFailure",
    "IncompleteSignature",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
}
_DENIED = {
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "AuthorizationError",
    "NotAuthorized",
    "403",
}
_CLOCK = {"RequestTimeTooSkewed"}
_THROTTLED = {
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "TooManyRequestsException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "LimitExceededException",
    "SlowDown",
    "PriorRequestNotComplete",
    "KMSThrottlingException",
}
_CUT_OFF = {"BadDigest", "IncompleteBody", "RequestTimeout", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch"}
_UNAVAILABLE = {"InternalServerError", "InternalFailure", "InternalError", "ServiceUnavailable", "503", "500"}
_ABSENT = {"ResourceNotFoundException", "NoSuchBucket", "NotFoundException", "QueueDoesNotExist"}
_ACTION = re.compile(r"not authorized to perform:? (\S+)")

EXPECTED = (StockctlError, ClientError, BotoCoreError, HTTPError)
"""What a call may raise that uses AWS."""
LOG_IN_AGAIN = "Log in again: `aws sso login`, or renew the keys your profile uses."


def code_of(error: ClientError) -> str:
    """The error code of a failed AWS call, such as `ResourceNotFoundException`."""
    return str(error.response.get("Error", {}).get("Code", ""))


def unless_refused(call: Callable[[], Answer], codes: Collection[str]) -> Answer | None:
    """The answer of an AWS call; None if AWS refused it with one of these error codes."""
    try:
        return call()
    except ClientError as error:
        if code_of(error) in codes:
            return None
        raise


def translated(error: Exception) -> StockctlError | None:
    """The error for the user; None if it is not one of those that are expected."""
    return explained(error) if isinstance(error, EXPECTED) else None


def explained(error: StockctlError | ClientError | BotoCoreError | HTTPError) -> StockctlError:
    """The same for an error that is."""
    match error:
        case StockctlError():
            return error
        case ClientError():
            return _answered(error)
        case BotoCoreError():
            return _never_answered(error)
    return _broken(error)


def _answered(error: ClientError) -> StockctlError:  # noqa: PLR0911 - one return a case reads as the table it is
    code, message = code_of(error), str(error.response.get("Error", {}).get("Message", ""))
    what = f"{error.operation_name}: {message or code}"
    if code in _EXPIRED:
        return CredentialsError(f"the AWS credentials have expired ({what})", LOG_IN_AGAIN)
    if code in _CLOCK:
        return CredentialsError("this machine's clock is off, so AWS rejects its signatures", "Correct the clock.")
    if code in _UNKNOWN:
        return CredentialsError(
            f"AWS does not accept these credentials ({what})",
            "Check the profile: `aws sts get-caller-identity` shows who you are.",
        )
    if code in _DENIED:
        return _denied(error, what)
    if code in _THROTTLED:
        return Busy(f"AWS is throttling {error.operation_name}", "Try again in a moment.")
    if code in _CUT_OFF:
        return StockctlError(f"an upload was cut off ({what})", "Run the command again.")
    if code in _UNAVAILABLE:
        return StockctlError(f"AWS could not answer ({what})", "Try again in a moment.")
    if code in _ABSENT:
        return StockctlError(what, "Part of the stack is missing: run `stockctl deploy`.")
    return StockctlError(what)


def _denied(error: ClientError, what: str) -> CredentialsError:
    named = _ACTION.search(what)
    action = named.group(1) if named else error.operation_name
    return CredentialsError(
        f"these credentials lack the permission {action} ({what})",
        f"Ask for a policy that allows {action}; infra/README.md lists the permissions an operator needs.",
    )


def _never_answered(error: BotoCoreError) -> StockctlError:  # noqa: C901, PLR0911 - as above
    match error:
        case (
            botocore_errors.SSOError()
            | botocore_errors.LoginError()
            | botocore_errors.TokenRetrievalError()
            | botocore_errors.NoAuthTokenError()
            | botocore_errors.CredentialRetrievalError()
            | botocore_errors.UnknownCredentialError()
            | botocore_errors.UnknownTokenProviderError()
            | botocore_errors.RefreshWithMFAUnsupportedError()
        ):
            return CredentialsError(f"the AWS credentials could not be renewed: {error}", LOG_IN_AGAIN)
        case botocore_errors.NoCredentialsError() | botocore_errors.PartialCredentialsError():
            hint = "Run `aws configure sso` or set AWS_PROFILE; or use --local for the embedded cloud."
            return CredentialsError(f"no usable AWS credentials: {error}", hint)
        case botocore_errors.NoRegionError():
            return CredentialsError("no AWS region is set", "Give --region, or set AWS_REGION.")
        case botocore_errors.ProfileNotFound():
            profile = error.kwargs.get("profile", "")
            return UsageError(f"there is no AWS profile {profile!r}", "`aws configure list-profiles` lists them.")
        case (
            botocore_errors.InvalidRegionError()
            | botocore_errors.UnknownRegionError()
            | botocore_errors.ServiceNotInRegionError()
        ):
            return UsageError(str(error), "Choose another --region; `aws ec2 describe-regions` lists them.")
        case botocore_errors.ConfigParseError() | botocore_errors.InvalidConfigError():
            return UsageError(f"the AWS configuration cannot be used: {error}", "`aws configure` writes a new one.")
        case botocore_errors.ParamValidationError():
            return UsageError(f"AWS rejected the request: {error}")
        case botocore_errors.WaiterError():
            return StockctlError(f"AWS did not finish in time: {error}", "Check again later: `stockctl status`.")
        case botocore_errors.EndpointConnectionError() | botocore_errors.ConnectTimeoutError():
            return StockctlError(f"no connection: {error}", "Check the network, --region and --endpoint-url.")
        case (
            botocore_errors.HTTPClientError()
            | botocore_errors.ChecksumError()
            | botocore_errors.IncompleteReadError()
            | botocore_errors.FlexibleChecksumError()
        ):
            return _broken(error)
    return StockctlError(str(error))


def _broken(error: Exception) -> StockctlError:
    return StockctlError(f"the connection broke: {error}", "Try again; everything stockctl does is repeatable.")
