"""The resources of a deployed stack, by name."""

from __future__ import annotations

import dataclasses
from dataclasses import MISSING, dataclass
from typing import TYPE_CHECKING

from stockctl.domain.best_before import DateOrder, DateReading
from stockctl.domain.errors import StockctlError
from stockctl.domain.instants import time_zone

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

    from stockctl.aws.clients import Clients
    from stockctl.aws.target import Target


@dataclass(frozen=True)
class Deployment:
    """The outputs of a stack. Queues are URLs; `api_url` is the base of `/stock` and `/transactions`."""

    stock_table: str
    transaction_table: str
    drop_bucket: str
    level_stream: str
    api_id: str
    api_url: str
    receive_failure_queue: str
    stream_failure_queue: str
    stock_received_function: str
    stock_expired_function: str
    stock_updated_function: str
    post_transaction_function: str
    post_transactions_function: str
    get_stock_function: str
    time_zone: str
    date_order: str = "YMD"
    """Stacks of earlier versions have no output of that name, and read no dates with slashes."""
    history_table: str = ""
    history_days: str = "0"
    """Stacks of earlier versions have no history."""
    post_return_function: str = ""
    """Nor do they take returns."""

    @property
    def date_reading(self) -> DateReading:
        """How the stack reads dates."""
        return DateReading(time_zone(self.time_zone), DateOrder(self.date_order))

    @property
    def functions(self) -> dict[str, str]:
        """The functions: name in the template to name in Lambda."""
        found = {name: getattr(self, field) for name, field in self._function_fields().items()}
        return {name: function for name, function in found.items() if function}

    @classmethod
    def function_names(cls) -> list[str]:
        """The names that the template gives the functions."""
        return list(cls._function_fields())

    @classmethod
    def _function_fields(cls) -> dict[str, str]:
        suffix = "_function"
        fields = [field for field in cls.__dataclass_fields__ if field.endswith(suffix)]
        return {"".join(part.capitalize() for part in field.removesuffix(suffix).split("_")): field for field in fields}

    @classmethod
    def of(cls, clients: Clients, target: Target, stack: StackTypeDef | None = None) -> Deployment:
        """The outputs of the target's stack. `stack` is its description, where the caller has read it already.

        Raises:
            StockctlError: the stack is not there, or lacks an output.
        """
        from stockctl.aws.stack_outputs import outputs_of  # loads botocore, which completion does without

        outputs = outputs_of(clients, target, stack)
        fields = {_field(key): value for key, value in outputs.items()}
        missing = [each.name for each in dataclasses.fields(cls) if each.default is MISSING and each.name not in fields]
        if missing:
            raise StockctlError(
                f"stack {target.stack} has no {', '.join(missing)}: it is not, or not yet, one of stockctl's",
                "Run `stockctl deploy`.",
            )
        return cls(**{name: value for name, value in fields.items() if name in cls.__dataclass_fields__})


def _field(output: str) -> str:
    """`StockTable` becomes `stock_table`."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in output).lstrip("_")
