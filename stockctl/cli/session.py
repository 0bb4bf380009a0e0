"""The options every command shares, and what a command is given in their place: a Session."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Concatenate, ParamSpec

import typer

from stockctl.cli.settings import Settings
from stockctl.terminal.environment import Environment
from stockctl.terminal.output import Output, OutputFormat

if TYPE_CHECKING:
    from stockctl.aws.clients import Clients
    from stockctl.aws.target import Target
    from stockctl.client.deployment import Deployment

P = ParamSpec("P")


@dataclass
class Session:
    """One run of one command: its environment, its settings, and the cloud they lead to."""

    environment: Environment
    settings: Settings

    @cached_property
    def output(self) -> Output:
        """Where the command's result goes."""
        return Output(self.environment, self.settings.output)

    @cached_property
    def target(self) -> Target:
        """The cloud and stack; a local one is started, and deployed to, when needed. Says which on stderr."""
        from stockctl.cli.target import resolve

        target = resolve(self.settings, self.environment)
        self.environment.tell(f"stockctl: {target.describe()}")
        return target

    @cached_property
    def clients(self) -> Clients:
        """boto3 clients for the target."""
        from stockctl.aws.clients import Clients

        clients = Clients.of_target(self.target)
        if self.environment.verbose:
            from stockctl.aws.tracing import trace_calls

            trace_calls(clients.session, self.environment.trace)
        return clients

    @cached_property
    def deployment(self) -> Deployment:
        """The parts of the target's stack, by name; its outputs are read once."""
        from stockctl.client.deployment import Deployment

        return Deployment.of(self.clients, self.target)


_PANEL = "Where and how"
_SHARED: dict[str, Any] = {
    "stack": Annotated[
        str, typer.Option(help="Name of the stack.", envvar="STOCKCTL_STACK", rich_help_panel=_PANEL, metavar="NAME")
    ],
    "profile": Annotated[str | None, typer.Option(help="AWS profile to use.", rich_help_panel=_PANEL, metavar="NAME")],
    "region": Annotated[str | None, typer.Option(help="AWS region to use.", rich_help_panel=_PANEL, metavar="NAME")],
    "endpoint_url": Annotated[
        str | None, typer.Option(help="Talk to this endpoint instead of AWS's.", rich_help_panel=_PANEL, metavar="URL")
    ],
    "local": Annotated[
        bool | None,
        typer.Option(
            "--local/--aws",
            help="The embedded cloud on this machine, or AWS. Default: $STOCKCTL_TARGET, "
            "else AWS where credentials resolve, else local.",
            rich_help_panel=_PANEL,
            show_default=False,
        ),
    ],
    "output": Annotated[
        OutputFormat | None,
        typer.Option("--output", "-o", help="Table on a terminal, TSV when piped.", rich_help_panel=_PANEL),
    ],
    "quiet": Annotated[
        bool, typer.Option("--quiet", "-q", help="Say nothing but results and errors.", rich_help_panel=_PANEL)
    ],
    "verbose": Annotated[
        bool, typer.Option("--verbose", "-v", help="Tell of every AWS call, its time and id.", rich_help_panel=_PANEL)
    ],
    "debug": Annotated[
        bool, typer.Option("--debug", help="The same, and the whole story of an error.", rich_help_panel=_PANEL)
    ],
}


def with_session(command: Callable[Concatenate[Session, P], None]) -> Callable[..., None]:
    """Gives a command the shared options, and hands it a Session made of them as its first argument."""

    @functools.wraps(command)
    def run(context: typer.Context, *args: P.args, **kwargs: P.kwargs) -> None:
        shared: dict[str, Any] = {name: kwargs.pop(name) for name in _SHARED}
        settings = Settings(**shared)
        environment = context.obj if isinstance(context.obj, Environment) else Environment()
        environment.quiet = settings.quiet
        environment.verbose = settings.verbose or settings.debug
        environment.debug = settings.debug
        command(Session(environment, settings), *args, **kwargs)

    own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
    common = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=getattr(Settings, name), annotation=annotation)
        for name, annotation in _SHARED.items()
    ]
    context = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    own = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
    run.__signature__ = inspect.Signature([context, *own, *common])  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in [context, *own, *common]}
    del run.__wrapped__  # Typer reads the signature above, not the command's own
    return run
