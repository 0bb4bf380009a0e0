"""`stockctl deploy`: puts the stack into the cloud, or brings it up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from stockctl.cli.completion import complete_parameters
from stockctl.cli.session import Session, with_session
from stockctl.cli.settings import DEFAULT_STACK
from stockctl.cli.stack_events import tell_events
from stockctl.domain.errors import StockctlError, UsageError
from stockctl.terminal.output import Column, Table

if TYPE_CHECKING:
    from stockctl.aws.clients import Clients
    from stockctl.aws.target import Target
    from stockctl.deployment.change_set import ChangeSet, ResourceChange
    from stockctl.deployment.deploy import Preparation


@with_session
def deploy(
    session: Session,
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "--parameter",
            "-p",
            metavar="NAME=VALUE",
            help="A template parameter, as TimeZone=Europe/London. The next deploy remembers it.",
            autocompletion=complete_parameters,
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Show what would change without deploying it.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask before something is replaced or removed.")
    ] = False,
    artifact_bucket: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Bucket for the function code. Remembered; by default one is made for all your stacks."
        ),
    ] = None,
    remember: Annotated[
        bool | None,
        typer.Option(
            "--remember/--no-remember",
            help="Use this stack on AWS from now on where a command names none.",
            show_default=False,
        ),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Deploy nothing; follow a deployment that is going on to its end.")
    ] = False,
) -> None:
    """Deploy the stack, or bring it up to date. With nothing to change it says so.

    Examples:
        stockctl deploy --aws --dry-run
        stockctl deploy --aws -p TimeZone=Europe/London -p AlarmEmail=me@example.com
    """
    from stockctl.aws.clients import Clients
    from stockctl.cli.remember import remember_target
    from stockctl.deployment.deploy import prepare
    from stockctl.deployment.stack import Stack

    parameters = _parameters(parameter or [])
    target = undeployed_target(session)
    clients = Clients.of_target(target)
    stack = Stack(clients, target.stack)
    if follow:
        tell_events(session.environment, stack.name, stack.follow())
        _show_outputs(session, clients, target, "followed")
        return
    preparation = prepare(clients, stack, parameters, artifact_bucket)
    if dry_run:
        preparation.discard()
        _show_plan(session, preparation.plan)
        return
    _agree(session, preparation, yes=yes)
    _execute(session, preparation)
    plan = preparation.plan
    _show_outputs(session, clients, target, "unchanged" if plan.is_empty else "created" if plan.creates else "updated")
    session.environment.tell(_next(target.stack))
    remember_target(session, target, remember, may_ask=not yes)


def _next(stack: str) -> str:
    named = "" if stack == DEFAULT_STACK else f", each with `--stack {stack}`"
    return f"Next: `stockctl ingest FILE`, `stockctl stock`, `stockctl use ham=10`, `stockctl watch`{named}."


def undeployed_target(session: Session) -> Target:
    """Where to deploy to. Unlike other commands this one must not deploy to the embedded cloud just to find it."""
    from stockctl.cli.target import resolve

    target = resolve(session.settings, session.environment, deployed=False)
    session.environment.tell(f"stockctl: {target.describe()}")
    return target


def _agree(session: Session, preparation: Preparation, *, yes: bool) -> None:
    """Asks before something is lost.

    Raises:
        UsageError: there is nobody to ask, and --yes was not given.
        StockctlError: the answer was no. Either way nothing has changed.
    """
    plan = preparation.plan
    if yes or not plan.destructive:
        return
    for change in plan.destructive:
        session.environment.notices().print(_sentence(change), style="bold red", soft_wrap=True)
    try:
        if not session.environment.stdin_is_terminal:
            raise UsageError("this deployment would lose what is named above", "If that is meant, give --yes.")
        if not session.environment.agrees("Deploy all the same?"):
            raise StockctlError("nothing was changed")
    except BaseException:
        preparation.discard()
        raise


def _sentence(change: ResourceChange) -> str:
    from stockctl.deployment.change_set import in_words

    why = f" (because of {change.why})" if change.why else ""
    return f"{change.kind}: {in_words(change.logical_id, change.resource_type)}{why}"


def _execute(session: Session, preparation: Preparation) -> None:
    if preparation.plan.is_empty:
        session.environment.tell(f"stockctl: stack {preparation.stack.name} is up to date: nothing to change")
    tell_events(session.environment, preparation.stack.name, preparation.execute())


def _parameters(given: list[str]) -> dict[str, str]:
    from stockctl.deployment.parameters import check_parameters

    pairs = [text.partition("=") for text in given]
    for name, equals, _ in pairs:
        if not (name and equals):
            raise UsageError(f"{name!r} is not NAME=VALUE", "As in `--parameter TimeZone=Europe/London`.")
    parameters = {name: value for name, _, value in pairs}
    check_parameters(parameters)
    return parameters


def _show_outputs(session: Session, clients: Clients, target: Target, status: str) -> None:
    from stockctl.aws.stack_outputs import outputs_of

    outputs = outputs_of(clients, target)
    document: dict[str, Any] = {"stack": target.stack, "status": status, "outputs": outputs}
    session.output.show(document, Table([Column("output"), Column("value")], sorted(outputs.items())))


def _show_plan(session: Session, plan: ChangeSet) -> None:
    from stockctl.deployment.change_set import in_words

    document = {
        "stack": plan.stack,
        "status": "unchanged" if plan.is_empty else "planned",
        "creates": plan.creates,
        "changes": [
            {
                "action": change.kind,
                "resource": change.logical_id,
                "type": change.resource_type,
                "why": change.why,
                "destructive": change.is_destructive,
            }
            for change in plan.changes
        ],
    }
    rows = [(change.kind, in_words(change.logical_id, change.resource_type), change.why) for change in plan.changes]
    styles = ["bold red" if change.is_destructive else "" for change in plan.changes]
    session.output.show(
        document, Table([Column("change"), Column("resource"), Column("because of")], rows, styles=styles)
    )
    session.environment.tell(_summary(plan))


def _summary(plan: ChangeSet) -> str:
    if plan.is_empty:
        return f"stockctl: stack {plan.stack} is up to date: nothing to change"
    lost = f", {len(plan.destructive)} of them at the loss of something" if plan.destructive else ""
    return f"stockctl: {len(plan.changes)} resources would change{lost}; nothing was changed"
