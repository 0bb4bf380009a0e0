"""The three engines that the adapters are tested on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from moto import mock_aws

from tests.engines.clouds import AnyCloud, EngineCloud, ProcessCloud


@pytest.fixture(params=["in process", "moto", "DynamoDB Local"])
def cloud(request: pytest.FixtureRequest) -> Iterator[AnyCloud]:
    """An empty cloud on each engine in turn."""
    if request.param == "in process":
        yield ProcessCloud()
    elif request.param == "moto":
        with mock_aws():
            yield EngineCloud(None)
    else:
        real: EngineCloud = request.getfixturevalue("local_cloud")
        real.clear()
        yield real
