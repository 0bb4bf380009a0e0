"""What is read of a stack before anything is asked of its parts."""

from __future__ import annotations

import pytest

from stockctl.aws.stack_outputs import outputs_of
from stockctl.aws.target import Target
from stockctl.domain.errors import StockctlError
from tests.service import Service


def test_a_stack_that_is_not_there_has_no_outputs_but_a_hint(service: Service) -> None:
    """The way out is a command."""
    with pytest.raises(StockctlError) as raised:
        outputs_of(service.clients, Target("kitchen", region="eu-west-1"))
    assert "eu-west-1" in raised.value.message
    assert "stockctl deploy" in str(raised.value.hint)
    assert "--region" in str(raised.value.hint)
