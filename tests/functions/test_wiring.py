"""A Lambda worker has its clients before its first request comes."""

from __future__ import annotations

import importlib

import pytest

from stockctl.functions import (
    get_stock,
    post_return,
    post_transaction,
    post_transactions,
    stock_expired,
    stock_updated,
    wiring,
)
from tests.service import Service

HANDLERS = (get_stock, post_return, post_transaction, post_transactions, stock_expired, stock_updated)


@pytest.mark.parametrize("function", HANDLERS, ids=lambda function: function.__name__.rpartition(".")[2])
@pytest.mark.parametrize("in_lambda", [True, False])
def test_importing_a_handler_makes_its_clients_in_lambda_only(
    service: Service, monkeypatch: pytest.MonkeyPatch, function: object, *, in_lambda: bool
) -> None:
    """Elsewhere, as in these tests, an import needs no AWS settings."""
    assert service
    if in_lambda:
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "any")
    importlib.reload(function)  # type: ignore[arg-type]
    assert wiring.stock_table.cache_info().currsize == int(in_lambda)
