"""What every test can rely on: no test sees a real account, a user's configuration or a user's files."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from botocore import session
from botocore.loaders import create_loader
from moto import mock_aws
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.engines import dynamodb_local as engine
from tests.engines.clouds import EngineCloud
from tests.service import Service


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="also run the fault tests that take hours")


def pytest_configure() -> None:
    """Shares one loader of AWS's service descriptions among all sessions: parsing them anew takes 0.3 s a test."""
    setattr(session, create_loader.__name__, cache(create_loader))


def pytest_collection_finish() -> None:
    """Exempts what is imported by now from garbage collection, which would walk through it over and over."""
    gc.freeze()


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Two workers a core, because tests of the system mostly wait.

    None for a single file, which is done before workers would be ready, and for benchmarks, which need the machine
    to themselves.
    """
    is_one_file = len(config.args) == 1 and ".py" in config.args[0]
    return 0 if is_one_file or _asks_for_benchmarks(config) else 2 * (os.cpu_count() or 1)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    return ByEngine(config, log)


class ByEngine(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """One worker runs all tests on DynamoDB Local, or a file's on the embedded cloud; any takes any other test."""

    def _split_scope(self, nodeid: str) -> str:
        file = Path(nodeid.partition("::")[0])
        return {"engines": str(file.parent), "system": str(file)}.get(file.parent.name, nodeid)


ENGINES = {"engines", "system"}
"""The folders of tests that start an engine."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = set() if config.getoption("--long") else {"long"} if os.environ.get("CI") == "true" else {"long", "ci"}
    unwanted = [item for item in items if any(item.get_closest_marker(name) for name in left_out)]
    config.hook.pytest_deselected(items=unwanted)
    # The long tests of the engines go first: a short one at the end keeps no worker waiting for another.
    items[:] = sorted(
        (item for item in items if item not in unwanted), key=lambda item: item.path.parent.name not in ENGINES
    )
    for item in items:
        if _starts_an_engine(item):
            item.add_marker(pytest.mark.system)
        if not (_is_on_moto(item) or item.get_closest_marker("system")):
            item.add_marker(pytest.mark.quick)


def _starts_an_engine(item: pytest.Item) -> bool:
    is_on_engine = "DynamoDB Local" in item.name or "local_cloud" in getattr(item, "fixturenames", ())
    return is_on_engine or item.path.parent.name == "system"


def _is_on_moto(item: pytest.Item) -> bool:
    is_mocked = hasattr(getattr(item, "module", None), "mock_aws")
    return is_mocked or "moto" in item.name or "service" in getattr(item, "fixturenames", ())


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Benchmarks are run by name: `pytest tests/benchmarks`."""
    return True if collection_path.name == "benchmarks" and not _asks_for_benchmarks(config) else None


def _asks_for_benchmarks(config: pytest.Config) -> bool:
    return any("benchmarks" in argument for argument in config.args)


@pytest.fixture(autouse=True)
def no_real_account(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Dummy credentials, no profiles, no machine role, and a state directory of its own."""
    nowhere = tmp_path_factory.getbasetemp() / "no-such-file"
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("STOCKCTL_TARGET", "STOCKCTL_STACK", "STOCKCTL_KITCHEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(nowhere))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(nowhere))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(nowhere))
    monkeypatch.setenv("STOCKCTL_HOME", str(tmp_path_factory.getbasetemp() / "stockctl-home"))


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """The service's tables, bucket and stream on moto, and its functions in this process."""
    with mock_aws():
        yield Service.made(monkeypatch)


@pytest.fixture(scope="session")
def dynamodb_local() -> Iterator[str]:
    """The endpoint of AWS's own engine, started once. Where it cannot run, its tests are skipped, but not in CI."""
    try:
        with engine.running() as endpoint:
            yield endpoint
    except engine.Unavailable as reason:
        if engine.is_required():
            pytest.fail(str(reason))
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def local_cloud(dynamodb_local: str) -> EngineCloud:
    """Tables in AWS's own engine; whoever uses them clears them first."""
    return EngineCloud(dynamodb_local)
