"""The shared options of all commands, and the Session they become."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Concatenate, ParamSpec

import typer

from stockctl.cli.completion import complete_kitchens, complete_stacks, remember_stack
from stockctl.cli.settings import DEFAULT_STACK, Settings
from stockctl.domain.errors import Refused, UsageError
from stockctl.terminal.environment import Environment
from stockctl.terminal.output import Output, OutputFormat

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

    from stockctl.aws.clients import Clients
    from stockctl.aws.target import Target
    from stockctl.client.api import StockApi
    from stockctl.client.deployment import Deployment
    from stockctl.operations.drop_bucket import DropBucket
    from stockctl.operations.history_table import HistoryTable
    from stockctl.operations.stock_table import StockTable
    from stockctl.operations.use import Tables

P = ParamSpec("P")


@dataclass
class Session:
    """One run of one command: environment, settings and target; and what its stack has, looked up once."""

    environment: Environment
    settings: Settings
    on_demand: str | None = None
    """The stack that this command makes on the embedded cloud where it is missing; reading commands make none."""
    fault: UsageError | None = None
    """What is wrong with the configuration, for a command that checks it; the settings are without it then."""
    _made: dict[Target, Clients] = field(default_factory=dict)

    @cached_property
    def output(self) -> Output:
        """The output for the command's result."""
        return Output(self.environment, self.settings.output)

    @cached_property
    def target(self) -> Target:
        """The cloud and stack, started when needed; reported on stderr."""
        return self._resolved[0]

    @cached_property
    def undeployed_target(self) -> Target:
        """The same for a command that needs no stack there: the embedded cloud is started, but not deployed to."""
        from stockctl.cli.target import undeployed

        return self._reported(undeployed(self.settings, self.environment))

    @cached_property
    def _resolved(self) -> tuple[Target, StackTypeDef | None]:
        from stockctl.cli.target import resolve

        target, stack = resolve(self.settings, self.environment, self.clients_of, on_demand=self.on_demand)
        return self._reported(target), stack

    def _reported(self, target: Target) -> Target:
        self.environment.note(f"stockctl: {target.describe()}")
        return target

    @cached_property
    def clients(self) -> Clients:
        """AWS clients for the target."""
        return self.clients_of(self.target)

    def clients_of(self, target: Target) -> Clients:
        """AWS clients for a target: always the same ones, because making them takes longer than a call."""
        from stockctl.aws.clients import Clients

        if target not in self._made:
            self._made[target] = Clients.of_target(target)
            if self.environment.verbose:
                from stockctl.aws.tracing import trace_calls

                trace_calls(self._made[target].session, self.environment.trace)
        return self._made[target]

    @cached_property
    def deployment(self) -> Deployment:
        """The resources of the target's stack; its outputs are read once."""
        from stockctl.client.deployment import Deployment

        deployment = Deployment.of(self.clients, *self._resolved)
        remember_stack(self.target.stack)
        return deployment

    @cached_property
    def stock_table(self) -> StockTable:
        """The stock table of the stack."""
        from stockctl.operations.stock_table import StockTable

        return StockTable(self.clients.dynamodb, self.deployment.stock_table)

    @cached_property
    def tables(self) -> Tables:
        """Where operations of this machine happen."""
        from stockctl.operations.use import Tables

        stock, transactions = self.stock_table, self.deployment.transaction_table
        return Tables(stock, transactions, lambda: self.environment.now().timestamp(), stock.patience)

    @property
    def records_history(self) -> bool:
        """Whether the stack records history."""
        return bool(self.deployment.history_table and int(self.deployment.history_days))

    @cached_property
    def history_table(self) -> HistoryTable:
        """The history of the stack.

        Raises:
            Refused: it has none, or it is turned off.
        """
        from stockctl.operations.history_table import HistoryTable

        if not self.records_history:
            raise Refused(
                f"stack {self.settings.stack} records no history",
                "`stockctl deploy --parameter HistoryDays=400` turns it on.",
            )
        name, days = self.deployment.history_table, int(self.deployment.history_days)
        return HistoryTable(self.clients.dynamodb, name, days, self.stock_table.patience)

    @cached_property
    def drop_bucket(self) -> DropBucket:
        """The drop bucket of the stack."""
        from stockctl.operations.drop_bucket import DropBucket

        return DropBucket(self.clients.s3, self.deployment.drop_bucket)

    @cached_property
    def api(self) -> StockApi:
        """The HTTP API of the stack."""
        from stockctl.client.api import StockApi

        return StockApi(self.clients.session, self.deployment.api_url, log=self.environment.trace)


_shared = functools.partial(typer.Option, rich_help_panel="Shared options")
_SHARED: dict[str, Any] = {
    "stack": Annotated[
        str | None,
        _shared(
            help=f"Name of the stack. [$STOCKCTL_STACK] [default: {DEFAULT_STACK}]",
            autocompletion=complete_stacks,
            metavar="NAME",
        ),
    ],
    "kitchen": Annotated[
        str | None,
        _shared(
            help="Use this kitchen's target and stack, from stockctl.toml. [$STOCKCTL_KITCHEN]",
            autocompletion=complete_kitchens,
            metavar="NAME",
        ),
    ],
    "local": Annotated[
        bool | None,
        _shared(
            "--local/--aws",
            help="The embedded cloud on this machine, or AWS. [$STOCKCTL_TARGET] [default: --local]",
            show_default=False,
        ),
    ],
    "profile": Annotated[str | None, _shared(help="AWS profile to use; implies --aws.", metavar="NAME")],
    "region": Annotated[str | None, _shared(help="AWS region to use; implies --aws.", metavar="NAME")],
    "endpoint_url": Annotated[
        str | None, _shared(help="Send requests to this endpoint instead of AWS; implies --aws.", metavar="URL")
    ],
    "output": Annotated[
        OutputFormat | None, _shared("--output", "-o", help="Default: table on a terminal, TSV when piped.")
    ],
    "quiet": Annotated[bool, _shared("--quiet", "-q", help="Print only results and errors.")],
    "verbose": Annotated[bool, _shared("--verbose", "-v", help="Log every AWS call with its duration and request id.")],
    "debug": Annotated[bool, _shared("--debug", help="Like --verbose, with full tracebacks.")],
}
_SWITCHES = {"quiet", "verbose", "debug"}


def with_session(
    command: Callable[Concatenate[Session, P], None],
    on_demand: str | None = None,
    shared: Mapping[str, Any] = _SHARED,
    *,
    checks: bool = False,
) -> Callable[..., None]:
    """Adds the shared options to a command, and calls it with a Session made from them as its first argument."""

    @functools.wraps(command)
    def run(context: typer.Context, *args: P.args, **kwargs: P.kwargs) -> None:
        given = {name: kwargs.pop(name, None) for name in _SHARED}
        environment = context.obj if isinstance(context.obj, Environment) else Environment()
        settings, fault = _effective_settings(given, environment, checks=checks)
        environment.quiet = settings.quiet
        environment.verbose = settings.verbose or settings.debug
        environment.debug = settings.debug
        command(Session(environment, settings, on_demand, fault), *args, **kwargs)

    own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
    common = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=False if name in _SWITCHES else None, annotation=kind
        )
        for name, kind in shared.items()
    ]
    context = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    own = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
    run.__signature__ = inspect.Signature([context, *own, *common])  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in [context, *own, *common]}
    del run.__wrapped__  # Typer reads the signature above, not the command's own
    return run


def with_writing_session(command: Callable[Concatenate[Session, P], None]) -> Callable[..., None]:
    """The same for a command that writes: on the embedded cloud it makes the default stack where that is missing."""
    return with_session(command, on_demand=DEFAULT_STACK)


def with_checking_session(command: Callable[Concatenate[Session, P], None]) -> Callable[..., None]:
    """The same for a command that checks the configuration: a fault in it is in the session instead of raised."""
    return with_session(command, checks=True)


def with_local_session(command: Callable[Concatenate[Session, P], None]) -> Callable[..., None]:
    """The same for a command that acts on the embedded cloud itself: without the options that choose a target."""
    return with_session(command, shared={name: _SHARED[name] for name in ("output", *sorted(_SWITCHES))})


def _effective_settings(
    given: dict[str, Any], environment: Environment, *, checks: bool
) -> tuple[Settings, UsageError | None]:
    from stockctl.cli.configuration import Configuration, read_configuration
    from stockctl.cli.precedence import effective_settings

    environment.debug = bool(given["debug"])  # a fault in the configuration can be traced, too
    try:
        return effective_settings(given, environment.variables, read_configuration()), None
    except UsageError as error:
        if not checks:
            raise
        return effective_settings(given, environment.variables, Configuration()), error
