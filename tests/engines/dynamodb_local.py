"""DynamoDB Local for a test session: resolved with Maven, in memory, on 127.0.0.1 and a free port."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

HERE = Path(__file__).parent
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
    for program in ("java", "mvn"):
        if shutil.which(program) is None:
            raise Unavailable(f"{program} is not installed")
    with TemporaryDirectory() as folder:
        path = _class_path(Path(folder))
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


def _class_path(folder: Path) -> str:
    """The jars of the engine, as Maven resolves them into its own cache."""
    listed = folder / "classpath"
    pom = HERE / "pom.xml"
    maven = ["mvn", "-q", "-B", "-f", str(pom), "dependency:build-classpath", f"-Dmdep.outputFile={listed}"]
    done = subprocess.run(maven, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable(f"Maven cannot resolve DynamoDB Local: {done.stdout[-500:]}")
    return listed.read_text()


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
