"""`stockctl doctor`: checks this machine and its settings, and says how to fix what is wrong."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from stockctl.cli.findings import show_findings
from stockctl.cli.session import Session, with_checking_session
from stockctl.domain.findings import Finding

if TYPE_CHECKING:
    from stockctl.aws.clients import Clients
    from stockctl.aws.target import Target

T = TypeVar("T")

CLOCK_TOLERANCE_SECONDS = 240
"""AWS rejects signatures that are off by five minutes."""
CLOCK_RESOLUTION_SECONDS = 2
"""Responses have their time in whole seconds, and take some time to arrive."""


@with_checking_session
def doctor(session: Session) -> None:
    """Check this machine and the selected target; show how to fix what is wrong.

    Checks Python, extras, settings, credentials, region, stack, clock and terminal. Starts and deploys nothing. Exits
    with 1 if something is wrong.

    Examples:
        stockctl doctor
        stockctl doctor --aws --output json
    """
    findings = [_python(), _embedded_cloud(session), *_settings(session), *_cloud(session), _terminal(session)]
    show_findings(session, findings)


def _python() -> Finding:
    return Finding("python", sys.version_info >= (3, 11), platform.python_version(), "Install Python 3.11 or later.")


def _embedded_cloud(session: Session) -> Finding:
    if importlib.util.find_spec("fcntl") is None:  # a fault only where the embedded cloud is wanted
        needs = "needs Linux or macOS"
        return Finding("embedded cloud", not session.settings.local, needs, "On Windows, use it in WSL; or use --aws.")
    from stockctl.local.cloud import EmbeddedCloud

    if importlib.util.find_spec("ministack") is None:
        return Finding("embedded cloud", False, "not installed", "Run `pip install 'stockctl[local]'`.")
    cloud = EmbeddedCloud(session.environment.variables)
    run = cloud.running()
    if problems := cloud.home.problems():
        return Finding("embedded cloud", False, "; ".join(problems), f"Its state is in {cloud.home.root}.")
    found = (
        f"running at {run.endpoint}; other AWS tools: `stockctl local env`" if run else "installed; starts when needed"
    )
    return Finding("embedded cloud", True, found)


def _settings(session: Session) -> list[Finding]:
    """Each setting in effect and its source: option, variable, file or default."""
    from stockctl.cli.configuration import read_configuration, user_file

    sources = sorted(session.settings.sources.items())
    settings = [Finding(f"setting {name}", True, f"{it.value} ({it.source})") for name, it in sources]
    if session.fault:
        return [Finding("configuration file", False, session.fault.message, session.fault.hint or ""), *settings]
    files = ", ".join(map(str, read_configuration().files)) or f"none; it would be {user_file()}"
    return [Finding("configuration file", True, files), *settings]


def _cloud(session: Session) -> list[Finding]:
    """Credentials, region, stack and clock of the target, without starting anything."""
    from stockctl.cli.target import existing

    target = _tried("credentials", lambda: existing(session.settings, session.environment))
    if isinstance(target, Finding):
        return [target]
    if target is None:
        return [Finding("target", True, "the embedded cloud, which is not running yet")]
    from stockctl.aws.clients import Clients

    clients = Clients.of_target(target)
    who = _tried("credentials", lambda: clients.sts.get_caller_identity()["Arn"])
    if isinstance(who, Finding):
        return [Finding("target", True, target.describe()), who]
    return [
        Finding("target", True, target.describe()),
        Finding("credentials", True, who),
        Finding("region", True, str(target.region)),
        _stack(clients, target),
        _clock(session, clients),
    ]


def _tried(what: str, look: Callable[[], T]) -> T | Finding:
    from stockctl.aws.errors import EXPECTED, explained

    try:
        return look()
    except EXPECTED as error:
        known = explained(error)
        return Finding(what, False, known.message, known.hint or "")


def _stack(clients: Clients, target: Target) -> Finding:
    from stockctl.client.deployment import Deployment
    from stockctl.deployment.deploy import current
    from stockctl.deployment.stack import Stack

    deployment = _tried("stack", lambda: Deployment.of(clients, target))
    if isinstance(deployment, Finding):
        return deployment
    if not current(Stack(clients, target.stack)):
        return Finding("stack", False, f"{target.stack} was deployed by another version", "Run `stockctl deploy`.")
    return Finding("stack", True, f"{target.stack} is deployed and up to date")


def _clock(session: Session, clients: Clients) -> Finding:
    """This machine's clock, compared with the service's."""
    from email.utils import parsedate_to_datetime

    answer = clients.sts.get_caller_identity()["ResponseMetadata"]["HTTPHeaders"].get("date")
    if answer is None:
        return Finding("clock", True, "not checked: the response has no date")
    off = abs((session.environment.now() - parsedate_to_datetime(answer)).total_seconds())
    fix = "Correct the clock: AWS rejects signatures that are five minutes off."
    found = "in step" if off < CLOCK_RESOLUTION_SECONDS else f"{off:.0f} s off"
    return Finding("clock", off < CLOCK_TOLERANCE_SECONDS, found, fix)


def _terminal(session: Session) -> Finding:
    environment = session.environment
    if not environment.stdout_is_terminal:
        asked = session.settings.output
        results = "results are TSV, `watch` prints JSON lines" if asked is None else f"output is set to {asked.value}"
        return Finding("terminal", True, f"not a terminal: {results}")
    size = shutil.get_terminal_size()
    found = f"{size.columns}×{size.lines}, {environment.stdout.encoding}, TERM={environment.variables.get('TERM', '')}"
    is_ok = size.columns >= 60 and size.lines >= 15 and environment.draws_screens
    return Finding("terminal", is_ok, found, "`watch` needs 60×15 and a terminal that can move its cursor.")
