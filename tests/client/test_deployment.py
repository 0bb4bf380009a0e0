"""A stack's outputs, also those of earlier versions, which lack some."""

from __future__ import annotations

from typing import Any

import pytest

from stockctl.aws.clients import Clients, aws_session
from stockctl.aws.target import Target
from stockctl.client.deployment import Deployment
from stockctl.domain.errors import StockctlError

OLD = (
    *("StockTable", "TransactionTable", "DropBucket", "LevelStream", "ApiId", "ApiUrl", "ReceiveFailureQueue"),
    *("StreamFailureQueue", "StockReceivedFunction", "StockExpiredFunction", "StockUpdatedFunction"),
    *("PostTransactionFunction", "PostTransactionsFunction", "GetStockFunction", "TimeZone"),
)
"""What the first version put out."""
TARGET = Target("kitchen", region="eu-west-1")


def deployment(**outputs: str) -> Deployment:
    listed = [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()]
    stack: Any = {"StackStatus": "CREATE_COMPLETE", "Outputs": listed}
    return Deployment.of(Clients(aws_session()), TARGET, stack)


def test_a_stack_of_an_earlier_version_has_defaults() -> None:
    found = deployment(**{name: name for name in OLD})
    assert (found.date_order, found.history_table, found.history_days) == ("YMD", "", "0")
    assert (found.stock_table, found.time_zone) == ("StockTable", "TimeZone")


def test_newer_outputs_count_and_unknown_ones_do_not() -> None:
    found = deployment(**{name: name for name in OLD}, DateOrder="DMY", HistoryDays="30", Unheard="x")
    assert (found.date_order, found.history_days) == ("DMY", "30")


def test_functions_are_known_by_the_names_of_the_template() -> None:
    functions = deployment(**{name: f"kitchen-{name}" for name in OLD}).functions
    assert functions["StockReceived"] == "kitchen-StockReceivedFunction"
    assert set(functions) <= set(Deployment.function_names())


def test_a_stack_that_lacks_an_output_is_named_with_a_way_out() -> None:
    with pytest.raises(StockctlError, match=r"kitchen has no drop_bucket") as raised:
        deployment(**{name: name for name in OLD if name != "DropBucket"})
    assert raised.value.hint == "Run `stockctl deploy`."
