"""The one place where botocore's errors become ours: what failed, and what to do about it.

A `ClientError` is an answer of AWS's that says no; a `BotoCoreError` never got that far (no credentials, an expired SSO
session, no network). Both reach the user as a message, a hint and an exit code.
"""

from __future__ import annotations

import re

from botocore import exceptions as botocore_errors
from botocore.exceptions import BotoCoreError, ClientError

from stockctl.domain.errors import Busy, CredentialsError, StockctlError, UsageError

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

LOG_IN_AGAIN = "Log in again: `aws sso login`, or renew the keys your profile uses."


def code_of(error: ClientError) -> str:
    """The error code of a failed AWS call, as `ResourceNotFoundException`."""
    return str(error.response.get("Error", {}).get("Code", ""))


def translated(error: Exception) -> StockctlError | None:
    """What a user can act on, for an error of boto3's; None where the error is not one of those."""
    if isinstance(error, ClientError):
        return _answered(error)
    if isinstance(error, BotoCoreError):
        return _never_answered(error)
    return None


def _answered(error: ClientError) -> StockctlError:  # noqa: PLR0911 - one return a case reads as the table it is
    code, message = code_of(error), str(error.response.get("Error", {}).get("Message", ""))
    what = f"{error.operation_name}: {message or code}"
    if code in _EXPIRED:
        return CredentialsError(f"the AWS credentials have expired ({what})", LOG_IN_AGAIN)
    if code in _CLOCK:
        return CredentialsError("this machine's clock is off, so AWS refuses its signatures", "Set the clock right.")
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
        return StockctlError(f"an upload was cut off ({what})", "Nothing of it was kept: run the command again.")
    if code in _UNAVAILABLE:
        return StockctlError(f"AWS could not answer just now ({what})", "Try again in a moment.")
    if code in _ABSENT:
        return StockctlError(what, "Something of the stack is missing: run `stockctl deploy`.")
    return StockctlError(what)


def _denied(error: ClientError, what: str) -> CredentialsError:
    named = _ACTION.search(what)
    action = named.group(1) if named else error.operation_name
    return CredentialsError(
        f"these credentials may not do {action} ({what})",
        f"Ask for a policy that allows {action}; the README lists what an operator needs.",
    )


def _never_answered(error: BotoCoreError) -> StockctlError:
    return _about_credentials(error) or _about_settings(error) or _about_the_way(error) or StockctlError(str(error))


def _about_credentials(error: BotoCoreError) -> StockctlError | None:
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
    return None


def _about_settings(error: BotoCoreError) -> StockctlError | None:
    match error:
        case botocore_errors.ProfileNotFound():
            profile = error.kwargs.get("profile", "")
            return UsageError(f"there is no AWS profile {profile!r}", "`aws configure list-profiles` lists them.")
        case (
            botocore_errors.InvalidRegionError()
            | botocore_errors.UnknownRegionError()
            | botocore_errors.ServiceNotInRegionError()
        ):
            return UsageError(str(error), "Give another --region; `aws ec2 describe-regions` lists those there are.")
        case botocore_errors.ConfigParseError() | botocore_errors.InvalidConfigError():
            return UsageError(f"the AWS configuration cannot be used: {error}", "`aws configure` writes it anew.")
        case botocore_errors.ParamValidationError():
            return UsageError(f"AWS would not take this: {error}")
    return None


def _about_the_way(error: BotoCoreError) -> StockctlError | None:
    match error:
        case botocore_errors.WaiterError():
            return StockctlError(f"AWS has not finished in time: {error}", "Look again in a while: `stockctl status`.")
        case botocore_errors.EndpointConnectionError() | botocore_errors.ConnectTimeoutError():
            return StockctlError(f"nothing answers: {error}", "Check the network, --region and --endpoint-url.")
        case (
            botocore_errors.HTTPClientError()
            | botocore_errors.ChecksumError()
            | botocore_errors.IncompleteReadError()
            | botocore_errors.FlexibleChecksumError()
        ):
            return StockctlError(f"the connection broke: {error}", "Try again; everything stockctl does is repeatable.")
    return None
