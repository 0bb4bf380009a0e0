"""Who is the emulator's root user: only the holder of this home's root key, and a signature proves it.

The emulator takes an empty key, `test` and every account id for root, and checks no signature of root's. Here it knows
no root by itself. Our key is one credential more, which it checks as those of any user.
"""

from __future__ import annotations

import importlib
from functools import wraps
from typing import Any

from stockctl.local.emulator import Function, Replacement
from stockctl.local.home import RootKey

EVALUATOR = "ministack.core.iam_evaluator"


class RootUser:
    """Replaces the emulator's root user: only requests signed with `key` are root's."""

    def __init__(self, key: RootKey) -> None:
        self._key = key

    def replacements(self) -> tuple[Replacement, ...]:
        """What to replace in the emulator. Without any one of these, strangers would be root."""
        resolve = ("access_key_id", "account_id", "session_token")
        return (
            Replacement(EVALUATOR, "is_root_access_key", ("access_key_id",), lambda _: lambda access_key_id: False),  # noqa: ARG005
            Replacement(EVALUATOR, "resolve_credential", resolve, self._resolving),
        )

    def _resolving(self, original: Function) -> Function:
        @wraps(original)
        def resolve(access_key_id: str, account_id: str | None = None, *token: Any) -> Any:  # noqa: ANN401
            if access_key_id == self._key.access_key_id:
                return self._credential()
            return original(access_key_id, account_id, *token)

        return resolve

    def _credential(self) -> Any:  # noqa: ANN401 - the emulator's credential
        account = importlib.import_module("ministack.core.responses").get_account_id()
        return importlib.import_module(EVALUATOR).ResolvedCredential(
            access_key_id=self._key.access_key_id,
            secret_access_key=self._key.secret_access_key,
            account_id=account,
            principal_arn=f"arn:aws:iam::{account}:root",
            principal_id=account,
            principal_type="Root",
        )


def is_known(access_key_id: str) -> bool:
    """Whether the emulator has a credential with this key: root's, a user's, or a function's."""
    evaluator = importlib.import_module(EVALUATOR)
    scope = importlib.import_module("ministack.core.responses")
    try:
        account = evaluator.find_iam_access_key_account(access_key_id) or scope._account_from_sts_session(access_key_id)
    except evaluator.AmbiguousAccessKeyError:
        return False
    found = evaluator.resolve_credential(access_key_id, account)
    return not isinstance(found, evaluator.CredentialResolutionError)
