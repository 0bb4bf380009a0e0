"""The one place where botocore's errors become ours."""

from __future__ import annotations

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
)

from stockctl.domain.errors import StockctlError


def code_of(error: ClientError) -> str:
    """The error code of a failed AWS call, as `ResourceNotFoundException`."""
    return str(error.response.get("Error", {}).get("Code", ""))


def translated(error: Exception) -> StockctlError | None:
    """What a user can act on, for an error of boto3's; None where the error is not one of those."""
    if isinstance(error, (ClientError, BotoCoreError)):
        return StockctlError(str(error))
    return None
