"""The one class of expected error, and the exit codes it ends the program with.

StockctlError
├── UsageError            usage error: nothing was done                        2
├── Refused               refused; nothing was changed                         3
├── CredentialsError      no credentials, or a permission is missing           4
├── Busy                  contention or throttling outlasted the deadline      1
└── OutcomeUnknown        no response: it may have happened                    1
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """How `stockctl` ended, for scripts."""

    meaning: str
    """What it means, as help and README put it."""

    def __new__(cls, number: int, meaning: str) -> ExitCode:
        code = int.__new__(cls, number)
        code._value_, code.meaning = number, meaning
        return code

    DONE = 0, "done"
    FAILED = 1, "failed"
    USAGE = 2, "usage error"
    REFUSED = 3, "refused; nothing was changed"
    CREDENTIALS = 4, "no credentials, or a permission is missing"
    FOUND = 5, "a check found something: --check, --exit-code, --fail-on"
    PARTIAL = 6, "partly done: some files, rows or orders were refused, the others accepted"
    INTERRUPTED = 130, "interrupted by Ctrl-C"


class StockctlError(Exception):
    """Something a user can act on: what is wrong, what to do about it, and how the program ends."""

    exit_code = ExitCode.FAILED

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(StockctlError):
    """A usage error; nothing was done."""

    exit_code = ExitCode.USAGE


class Refused(StockctlError):
    """Refused; nothing was changed."""

    exit_code = ExitCode.REFUSED


class CredentialsError(StockctlError):
    """There are no usable credentials, or they lack a permission."""

    exit_code = ExitCode.CREDENTIALS


class Busy(StockctlError):
    """Contention or throttling outlasted the deadline; trying again is safe."""


class OutcomeUnknown(StockctlError):
    """No response: it may have happened. Trying again with the same id is safe."""
