"""DynamoDB Local for a test session: resolved with Maven, in memory, on 127.0.0.1 and a free port."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from platformdirs import user_cache_path

HERE = Path(__file__).parent
POM = HERE / "pom.xml"
START_SECONDS = 60


class Unavailable(Exception):
    """The engine cannot run here, for the reason in the message."""


def is_required() -> bool:
    """Whether a missing engine is a failure instead of a skip: in CI, or on request."""
    return os.environ.get("CI") == "true" or os.environ.get("STOCKCTL_REQUIRE_ENGINES") == "1"


@contextmanager
def running() -> Iterator[str]:
    """The engine's endpoint.

    Raises:
        Unavailable: Java or Maven is missing, or Maven cannot resolve the engine.
    """
    _require("java")
    with TemporaryDirectory() as folder:
        path = _kept_class_path()
        port = _free_port()
        server = subprocess.Popen(
            [
                *_java(path),
                str(HERE / "Loopback.java"),
                "-inMemory",
                "-sharedDb",
                "-disableTelemetry",
                "-port",
                str(port),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
        )
        try:
            _wait_for(port, server)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.kill()
            server.wait()


def _require(program: str) -> None:
    if shutil.which(program) is None:
        raise Unavailable(f"{program} is not installed")


def _kept_class_path() -> str:
    """The jars of the engine, as Maven resolved them at the last run with this pom: asking Maven takes 4 s of CPU."""
    digest = hashlib.sha256(POM.read_bytes()).hexdigest()[:16]
    kept = user_cache_path("stockctl-tests", ensure_exists=True) / f"{digest}.classpath"
    if not (kept.exists() and all(Path(jar).exists() for jar in kept.read_text().split(os.pathsep))):
        _resolve_class_path(kept)
    return kept.read_text()


def _resolve_class_path(into: Path) -> None:
    """Has Maven fetch the jars into its own cache, and lists them."""
    _require("mvn")
    maven = ["mvn", "-q", "-B", "-f", str(POM), "dependency:build-classpath", f"-Dmdep.outputFile={into}"]
    done = subprocess.run(maven, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable(f"Maven cannot resolve DynamoDB Local: {done.stdout[-500:]}")


def _java(class_path: str) -> list[str]:
    """Java with the engine and SQLite's native library, which is next to one of the jars in Maven's cache."""
    folders = {str(Path(jar).parent) for jar in class_path.split(os.pathsep) if "sqlite4java" in jar}
    native = os.pathsep.join(sorted(folders))
    return ["java", "-Xmx512m", f"-Djava.library.path={native}", "--class-path", class_path]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise Unavailable("DynamoDB Local did not start")
