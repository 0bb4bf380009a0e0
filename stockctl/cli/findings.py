"""Shows what an inspection found, and ends with an exit code that says whether all is well."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from stockctl.cli.session import Session
from stockctl.domain.errors import ExitCode
from stockctl.domain.findings import Finding
from stockctl.terminal.output import Column, Table


def show_findings(session: Session, findings: Sequence[Finding]) -> None:
    """Prints one line for each, the bad ones in red; ends the program with code 1 where there are any."""
    columns = [Column("what", folds=False), Column("state", field="ok", folds=False), Column("found"), Column("mend")]
    rows = [[item.what, "ok" if item.is_ok else "NOT OK", item.found, item.advice] for item in findings]
    plain = [[item.what, str(item.is_ok).lower(), item.found, item.advice] for item in findings]
    styles = ["" if item.is_ok else "bold red" for item in findings]
    session.output.show([item.document() for item in findings], Table(columns, rows, plain, styles=styles))
    if not all(item.is_ok for item in findings):
        raise typer.Exit(ExitCode.FAILED)
