"""How a stack on the embedded cloud is addressed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stockctl.aws.target import Target

if TYPE_CHECKING:
    from stockctl.local.home import Run

REGION = "us-east-1"
ROOT_KEY = "test"
"""Access key and secret of the emulator's root user: no secret, it opens nothing but this machine's emulator."""


def local_target(stack: str, run: Run) -> Target:
    """A stack on the embedded cloud, with the keys of its root user."""
    return Target(
        stack=stack,
        local=True,
        region=REGION,
        endpoint_url=run.endpoint,
        access_key_id=ROOT_KEY,
        secret_access_key=ROOT_KEY,
    )
