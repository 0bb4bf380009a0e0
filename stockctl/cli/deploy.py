"""`stockctl deploy`: deploys or updates the stack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from stockctl.cli.completion import complete_parameters
from stockctl.cli.session import Session, with_session
from stockctl.cli.settings import DEFAULT_STACK
from stockctl.cli.stack_events import show_events
from stockctl.deployment.change_set import ChangeSet, ResourceChange
from stockctl.domain.errors import StockctlError, UsageError
from stockctl.terminal.figures import counts
from stockctl.terminal.output import Field, Listing, Nested, OutputFormat

if TYPE_CHECKING:
    from stockctl.aws.clients import Clients
    from stockctl.aws.target import Target
    from stockctl.deployment.deploy import Preparation


@dataclass(frozen=True)
class Deployed:
    """A deployed stack: what the deployment did to it, and its outputs."""

    stack: str
    status: str
    outputs: Mapping[str, str]


DEPLOYED: Sequence[Field[Deployed]] = (
    Field("stack", lambda deployed: deployed.stack, in_table=False, in_tsv=False),
    Field("status", lambda deployed: deployed.status, in_table=False, in_tsv=False),
)
OUTPUTS: Nested[Deployed] = Nested(
    "outputs",
    lambda deployed: sorted(deployed.outputs.items()),
    (Field("output", lambda output: output[0]), Field("value", lambda output: output[1])),
    is_mapping=True,
)
CHANGE: Sequence[Field[ResourceChange]] = (
    Field("action", lambda change: change.kind, "change"),
    Field("resource", lambda change: change.logical_id, shown=lambda change: change.in_words),
    Field("type", lambda change: change.resource_type, in_table=False),
    Field("why", lambda change: change.why, "because of", shown=lambda change: change.why),
    Field("destructive", lambda change: change.is_destructive, in_table=False),
)
PLAN: Sequence[Field[ChangeSet]] = (
    Field("stack", lambda plan: plan.stack),
    Field("status", lambda plan: "unchanged" if plan.is_empty else "planned"),
    Field("creates", lambda plan: plan.creates),
)
CHANGES: Nested[ChangeSet] = Nested("changes", lambda plan: plan.changes, CHANGE)


@with_session
def deploy(
    session: Session,
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "--parameter",
            "-p",
            metavar="NAME=VALUE",
            help="Set a template parameter, such as TimeZone=Europe/London. Later deployments keep it.",
            autocompletion=complete_parameters,
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Show what would change without deploying it.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask before replacing or removing resources.")
    ] = False,
    artifact_bucket: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Bucket for template and code. Later deployments keep it. Default: one per account and region.",
        ),
    ] = None,
    remember: Annotated[
        bool | None,
        typer.Option(
            "--remember/--no-remember",
            help="Whether to make this stack the default for later commands. Default: ask.",
            show_default=False,
        ),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Follow a running deployment to its end; deploy nothing.")
    ] = False,
) -> None:
    """Deploy or update the stack.

    Examples:
        stockctl deploy --aws --dry-run
        stockctl deploy --aws -p TimeZone=Europe/London -p AlarmEmail=me@example.com
    """
    from stockctl.aws.clients import Clients
    from stockctl.cli.remember import remember_target
    from stockctl.deployment.deploy import prepare
    from stockctl.deployment.parameters import changed_parameters
    from stockctl.deployment.stack import Stack, parameters_of

    if follow and (parameter or dry_run or artifact_bucket):
        raise UsageError("--follow deploys nothing and takes no options of a deployment", "Leave the others out.")
    parameters = _parameters(parameter or [])
    target = session.undeployed_target
    clients = Clients.of_target(target)
    stack = Stack(clients, target.stack)
    if follow:
        show_events(session.environment, stack.name, stack.follow())
        _show_outputs(session, clients, target, "followed")
        return
    preparation = prepare(clients, stack, parameters, artifact_bucket)
    for line in preparation.notes():
        session.environment.note(line)
    if dry_run:
        preparation.discard()
        _show_plan(session, preparation.plan)
        for line in changed_parameters(parameters_of(stack.describe()), parameters):
            session.environment.note(f"stockctl: {line}")
        return
    _agree(session, preparation, yes=yes)
    _execute(session, preparation)
    plan = preparation.plan
    _show_outputs(session, clients, target, "unchanged" if plan.is_empty else "created" if plan.creates else "updated")
    session.environment.note(_next(target))
    remember_target(session, target, remember, may_ask=not yes)


def _next(target: Target) -> str:
    """What to do next; how to get to a stack on AWS is reported after it."""
    named = f", each with `--stack {target.stack}`" if target.local and target.stack != DEFAULT_STACK else ""
    return f"Next: `stockctl ingest FILE`, `stockctl stock`, `stockctl use ham=10`, `stockctl watch`{named}."


def _agree(session: Session, preparation: Preparation, *, yes: bool) -> None:
    """Asks before something is lost.

    Raises:
        UsageError: there is nobody to ask, and --yes was not given.
        StockctlError: the answer was no. In both cases nothing has changed.
    """
    plan = preparation.plan
    if yes or not plan.destructive:
        return
    for change in plan.destructive:
        session.environment.notices().print(_sentence(change), style="bold red", soft_wrap=True)
    try:
        if not session.environment.stdin_is_terminal:
            raise UsageError("this deployment would lose the resources listed above", "To go ahead, add --yes.")
        if not session.environment.agrees("Deploy anyway?"):
            raise StockctlError("nothing was deployed", "`stockctl deploy --dry-run` shows what would change.")
    except BaseException:
        preparation.discard()
        raise


def _sentence(change: ResourceChange) -> str:
    why = f" (because of {change.why})" if change.why else ""
    return f"{change.kind}: {change.in_words}{why}"


def _execute(session: Session, preparation: Preparation) -> None:
    if preparation.plan.is_empty:
        session.environment.note(f"stockctl: stack {preparation.stack.name} is up to date: nothing to change")
    show_events(session.environment, preparation.stack.name, preparation.execute())


def _parameters(given: list[str]) -> dict[str, str]:
    from stockctl.deployment.parameters import check_parameters

    pairs = [text.partition("=") for text in given]
    for name, equals, _ in pairs:
        if not (name and equals):
            raise UsageError(f"{name!r} is not NAME=VALUE", "As in `--parameter TimeZone=Europe/London`.")
    parameters: dict[str, str] = {}
    for name, _, value in pairs:
        if parameters.setdefault(name, value) != value:
            raise UsageError(f"--parameter {name} was given twice: {parameters[name]} and {value}", "Give it once.")
    check_parameters(parameters)
    return parameters


def _show_outputs(session: Session, clients: Clients, target: Target, status: str) -> None:
    from stockctl.aws.stack_outputs import outputs_of

    deployed = Deployed(target.stack, status, outputs_of(clients, target))
    session.output.show(Listing(DEPLOYED, [deployed], OUTPUTS, is_document=True))


def _show_plan(session: Session, plan: ChangeSet) -> None:
    if session.output.format is OutputFormat.JSON:
        session.output.show(Listing(PLAN, [plan], CHANGES, is_document=True))
    else:
        lossy = "bold red"
        session.output.show(Listing(CHANGE, plan.changes, style=lambda change: lossy if change.is_destructive else ""))
    session.environment.note(_summary(plan))


def _summary(plan: ChangeSet) -> str:
    if plan.is_empty:
        return f"stockctl: stack {plan.stack} is up to date: nothing to change"
    lost = f", {counts(len(plan.destructive), 'resource')} would lose what it holds" if plan.destructive else ""
    return f"stockctl: {counts(len(plan.changes), 'change')} planned{lost}; nothing was deployed"
