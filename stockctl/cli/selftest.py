"""`stockctl selftest`: proves the service on a stack of its own, measures it, and removes it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stockctl.cli.session import Session, with_session
from stockctl.cli.stack_events import show_removal, show_steps
from stockctl.domain.errors import ExitCode, StockctlError, UsageError
from stockctl.selftest.results import Result, SelfTest
from stockctl.terminal.figures import counts
from stockctl.terminal.output import Field, Listing, Nested
from stockctl.terminal.progress import Progress, Stage, Step

if TYPE_CHECKING:
    from stockctl.aws.clients import Clients
    from stockctl.aws.target import Target
    from stockctl.deployment.resource_event import ResourceEvent
    from stockctl.deployment.stack import Stack
    from stockctl.selftest.stand import Stand

PREFIX = "stockctl-selftest-"


def _state(result: Result) -> str:
    if result.value is not None:
        return "measured"
    return {True: "ok", False: "FAILED", None: "not allowed"}[result.is_ok]


RUN: Sequence[Field[SelfTest]] = tuple(
    Field(name, lambda run, name=name: run.heading()[name], in_table=False, in_tsv=False)  # type: ignore[misc]
    for name in ("stack", "place", "at", "seconds", "ok")
)
RESULTS: Nested[SelfTest] = Nested(
    "results",
    lambda run: run.results,
    (
        Field("what", lambda result: result.what),
        Field("ok", lambda result: result.is_ok, "result", _state),
        Field("value", lambda result: result.value, in_table=False),
        Field("unit", lambda result: result.unit or None, in_table=False),
        Field("found", lambda result: result.found),
    ),
)


@with_session
def selftest(
    session: Session,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the stack and its data.")] = False,
    html: Annotated[Path | None, typer.Option(help="Also write the report to this HTML file.", metavar="FILE")] = None,
) -> None:
    """Prove that the service works: deploy a stack, run checks and measurements, and remove the stack.

    It checks deliveries, uses, shortages, replays, the order of charges, expiry, retries and the level stream, and
    measures latency, throughput and capacity. The stack's name is stockctl-selftest- and six random characters;
    everything is removed at the end, also after Ctrl-C. On AWS it takes several minutes and costs a few cents.

    Exits with 1 if a check fails.

    Examples:
        stockctl selftest
        stockctl selftest --aws --html report.html
    """
    if session.settings.is_option("stack"):
        raise UsageError("selftest runs on a stack of its own", "Omit --stack.")
    if html and not html.parent.is_dir():
        raise UsageError(f"--html: there is no folder {str(html.parent)!r}", "Create it first, or name another.")
    name = PREFIX + secrets.token_hex(3)
    own = Session(session.environment, replace(session.settings, stack=name))
    run = _tested(own, keep=keep)
    if html:
        from stockctl.selftest.page import page

        html.write_text(page(run), encoding="utf-8")
    own.output.show(Listing(RUN, [run], RESULTS, is_document=True))
    session.environment.note(f"stockctl: {_summary(run)}")
    if not run.has_passed:
        raise typer.Exit(ExitCode.FAILED)


def _summary(run: SelfTest) -> str:
    checks = [result for result in run.results if result.value is None]
    failed = f"{counts(len(run.failed), 'check')} failed" if run.failed else "all checks passed"
    return f"{failed} of {len(checks)} in {run.seconds:.0f} s" if run.failed else f"{len(checks)} checks, {failed}"


def _tested(session: Session, *, keep: bool) -> SelfTest:
    from stockctl.client.deployment import Deployment
    from stockctl.selftest.stand import Stand

    target = session.undeployed_target
    clients = session.clients_of(target)
    began = time.time()
    with _removed_at_the_end(session, clients, target, keep=keep):
        _deploy(session, clients, target)
        results = _results(session, Stand(clients, Deployment.of(clients, target)))
    return SelfTest(target.stack, target.describe(), began, time.time() - began, results)


def _deploy(session: Session, clients: Clients, target: Target) -> None:
    from stockctl.deployment.deploy import prepare
    from stockctl.deployment.stack import Stack

    session.environment.note(f"stockctl: deploying stack {target.stack}")
    events = prepare(clients, Stack(clients, target.stack), {}).execute()
    show_steps(session.environment, _of_the_stack(events))


def _of_the_stack(events: Iterator[ResourceEvent]) -> Iterator[ResourceEvent]:
    """The events of the stack as a whole, and failures: the single resources are of no interest here."""
    return (event for event in events if event.failed or event.resource_type == "AWS::CloudFormation::Stack")


def _results(session: Session, stand: Stand) -> list[Result]:
    from stockctl.selftest.run import steps

    results: list[Result] = []
    with Progress(session.environment) as progress:
        for name, run in steps(stand):
            progress.show(Step(name, "running", Stage.BEGUN))
            found = run()
            results += found
            failed = [result.found for result in found if result.is_ok is False]
            stage = Stage.FAILED if failed else Stage.DONE
            progress.show(Step(name, "failed" if failed else "done", stage, reason="; ".join(failed)))
    return results


@contextmanager
def _removed_at_the_end(session: Session, clients: Clients, target: Target, *, keep: bool) -> Iterator[None]:
    """Removes the stack, its data and an artifact bucket that is new, however the block ends."""
    from stockctl.deployment.artifacts import ArtifactBucket

    note, name = session.environment.note, target.stack
    by_hand = f"`stockctl destroy {target.options} --confirm {name} --delete-data`"
    artifacts = ArtifactBucket(clients)
    has_artifacts = artifacts.exists()
    try:
        yield
    finally:
        if keep:
            note(f"stockctl: stack {name} is kept; {by_hand} removes it")
        else:
            try:
                _remove(session, clients, name, artifacts.name if not has_artifacts else None)
            except BaseException:
                note(f"stockctl: stack {name} may not be removed completely; {by_hand} removes the rest")
                raise


def _remove(session: Session, clients: Clients, name: str, artifacts: str | None) -> None:
    from stockctl.deployment.removal import what_holds_data
    from stockctl.deployment.stack import Stack
    from stockctl.deployment.template import Kept

    session.environment.note(f"stockctl: removing stack {name}")
    stack = Stack(clients, name)
    _let_end(stack)
    show_steps(session.environment, _of_the_stack(stack.delete()))
    data = what_holds_data(clients, name)
    buckets = (*data.buckets, artifacts) if artifacts else data.buckets
    show_removal(session.environment, clients, Kept(data.tables, buckets))


def _let_end(stack: Stack) -> None:
    """After Ctrl-C a deployment goes on; a stack is deleted once that has ended, well or not."""
    with suppress(StockctlError):
        for _ in stack.follow():
            pass
