"""Shows the findings of a check and sets the exit code."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from stockctl.cli.session import Session
from stockctl.domain.errors import ExitCode
from stockctl.domain.findings import Finding
from stockctl.terminal.output import Field, Listing

STATES = {True: "ok", False: "NOT OK", None: "unknown"}
STYLES = {True: "", False: "bold red", None: "yellow"}

FIELDS: Sequence[Field[Finding]] = (
    Field("what", lambda finding: finding.what, folds=False),
    Field("ok", lambda finding: finding.is_ok, "state", lambda finding: STATES[finding.is_ok], folds=False),
    Field("found", lambda finding: finding.found),
    Field("fix", lambda finding: finding.advice, shown=lambda finding: finding.advice),
)


def show_findings(session: Session, findings: Sequence[Finding]) -> None:
    """Prints one line for each finding, the bad ones in red; exits with code 1 if there are any."""
    session.output.show(Listing(FIELDS, findings, style=lambda finding: STYLES[finding.is_ok]))
    if any(finding.is_ok is False for finding in findings):
        raise typer.Exit(ExitCode.FAILED)
