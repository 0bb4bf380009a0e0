"""The one class of expected error, and the exit codes it ends the program with.

StockctlError
├── UsageError            the words of the command line are wrong              2
├── Refused               the service said no: shortage, every row rejected    3
├── CredentialsError      no credentials, or they may not do this              4
└── Busy                  contention or throttling outlasted the deadline      1
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What a script can tell from how `stockctl` ended."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    REFUSED = 3
    CREDENTIALS = 4
    DRIFT = 5
    PARTIAL = 6
    INTERRUPTED = 130

    @property
    def meaning(self) -> str:
        """What it says, in the words of help and README."""
        return _MEANINGS[self]


_MEANINGS = {
    ExitCode.DONE: "done",
    ExitCode.FAILED: "failed",
    ExitCode.USAGE: "the words of the command line are wrong",
    ExitCode.REFUSED: "refused: a shortage, nothing of a file to record, or other stock in the way",
    ExitCode.CREDENTIALS: "no credentials, or they may not do this",
    ExitCode.DRIFT: "drift was found",
    ExitCode.PARTIAL: "some rows of a file were rejected, the others recorded",
    ExitCode.INTERRUPTED: "ended by Ctrl-C",
}


class StockctlError(Exception):
    """Something a user can act on: what is wrong, what to do about it, and how the program ends."""

    exit_code = ExitCode.FAILED

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(StockctlError):
    """The words of the command line are wrong; nothing was done."""

    exit_code = ExitCode.USAGE


class Refused(StockctlError):
    """The service understood and said no; nothing changed."""

    exit_code = ExitCode.REFUSED


class CredentialsError(StockctlError):
    """There are no usable credentials, or they lack a permission."""

    exit_code = ExitCode.CREDENTIALS


class Busy(StockctlError):
    """Contention or throttling outlasted the deadline; trying again is safe."""
