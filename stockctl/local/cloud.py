"""The embedded cloud as a command sees it: start it, stop it, ask it, wipe it, and have a stack on it."""

from __future__ import annotations

import contextlib
import http.client
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass

from stockctl.domain.errors import StockctlError, UsageError
from stockctl.local.home import HOME_VARIABLE, SECONDS_FOR_THE_LOCK, Home, Run

ADDRESS = "127.0.0.1"
DEFAULT_PORT = 4580
PORT_VARIABLE = "STOCKCTL_LOCAL_PORT"
SECONDS_TO_START = 60.0
SECONDS_TO_STOP = 20.0

# What the emulator may see of the caller's environment. Above all none of AWS_*: it hands its own environment on to
# every function, which must not run with somebody's real credentials, profile or endpoint.
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "PYTHONPATH", "VIRTUAL_ENV", "SYSTEMROOT")


@dataclass(frozen=True)
class Started:
    """A run, and whether this call began it."""

    run: Run
    fresh: bool


class EmbeddedCloud:
    """The one embedded cloud of a state directory."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self.home = Home.of(variables)

    def running(self) -> Run | None:
        """The run that answers now, else None."""
        run = self.home.run() if self.home.is_locked() else None
        return run if run and _answers(run) else None

    def up(self, port: int | None = None, *, anywhere: bool = False) -> Started:
        """Starts it, if it does not run; where nobody has named a port and `anywhere` is set, on one that is free.

        Raises:
            StockctlError: the port is taken, the extra is not installed, it runs on another port, or it did not start.
        """
        if (run := self.running()) is None:
            with self.home.alone("starting"):
                if (run := self.running()) is None:  # else another command has started it meanwhile
                    return self._start(port, anywhere)
        if port not in {None, run.port}:
            raise StockctlError(
                f"the embedded cloud runs on port {run.port} already", "Run `stockctl local down` first."
            )
        return Started(run, fresh=False)

    def down(self) -> Run | None:
        """Stops it, state saved; the run that was ended, or None where none was."""
        with self.home.alone("starting"):
            return self._stop()

    def _stop(self) -> Run | None:
        run = self.home.run() if self.home.is_locked() else None
        if run is None:
            return None
        for number, seconds in ((signal.SIGTERM, SECONDS_TO_STOP), (signal.SIGKILL, 5.0)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(run.pid, number)
            if self._ends(seconds):
                return run
        raise StockctlError(f"the embedded cloud (process {run.pid}) does not end")

    def reset(self) -> None:
        """Stops it and wipes its state."""
        with self.home.alone("starting"):
            self._stop()
            self.home.wipe()

    def stacks(self) -> list[str]:
        """The names of the stacks on it; none where it does not run."""
        run = self.running()
        if run is None:
            return []
        from stockctl.aws.clients import Clients

        found = Clients.of_target(run.target()).cloudformation.describe_stacks()["Stacks"]
        return sorted(stack["StackName"] for stack in found)

    def _ends(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.home.is_locked():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def _start(self, port: int | None, anywhere: bool) -> Started:
        if importlib.util.find_spec("ministack") is None:
            raise StockctlError("the embedded cloud is not installed", "Run `pip install 'stockctl[local]'`.")
        if not self._ends(SECONDS_FOR_THE_LOCK):  # one that was killed lives on for a moment
            raise StockctlError(
                "the embedded cloud runs but does not answer", "Run `stockctl local down`, then try again."
            )
        chosen = port or self.named_port() or self.home.last_port() or DEFAULT_PORT
        try:
            _bind(chosen)
        except OSError as error:
            if port or self.named_port() or not anywhere:
                raise StockctlError(
                    f"port {chosen} of {ADDRESS} cannot be used: {error.strerror}",
                    f"Give another one: `stockctl local up --port {chosen + 1}`, or set {PORT_VARIABLE}.",
                ) from error
            chosen = _bind(0)
        self.home.clear_run()
        return Started(self._launch(chosen), fresh=True)

    def named_port(self) -> int | None:
        """The port in the environment variable; None if it is not set.

        Raises:
            UsageError: it is not a port number.
        """
        named = self._variables.get(PORT_VARIABLE, "")
        if named and not (named.isdecimal() and 0 < int(named) < 65536):
            raise UsageError(f"{PORT_VARIABLE} is {named!r}", "Set it to a port number, 1 to 65535.")
        return int(named) if named else None

    def _launch(self, port: int) -> Run:
        with self.home.open_log() as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "stockctl.local.supervisor"],
                env=self._environment(port),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.home.root,
                start_new_session=True,  # Ctrl-C in the terminal that started it is not meant for it
            )
        deadline = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < deadline and process.poll() is None:
            run = self.running()
            if run is not None:
                return run
            time.sleep(0.05)
        process.terminate()
        raise StockctlError(f"the embedded cloud did not start{self.home.last_words()}", f"Its log is {self.home.log}.")

    def _environment(self, port: int) -> dict[str, str]:
        passed = {name: self._variables[name] for name in PASSED_ON if name in self._variables}
        return passed | {
            HOME_VARIABLE: str(self.home.root),
            "GATEWAY_PORT": str(port),
            "BIND_HOST": ADDRESS,
            "MINISTACK_HOST": ADDRESS,
            "AUTH": "true",
            "LAMBDA_EXECUTOR": "local",
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "DOCKER_HOST": "unix:///nonexistent",  # a container of anybody's is none of its business
            "PERSIST_STATE": "1",
            "S3_PERSIST": "1",
            "STATE_DIR": str(self.home.state),
            "S3_DATA_DIR": str(self.home.objects),
            "TMPDIR": str(self.home.temporary),
            "LOG_LEVEL": "WARNING",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "PYTHONUNBUFFERED": "1",
        }


def _answers(run: Run) -> bool:
    """Whether the process of this run is the one that listens on its port."""
    connection = http.client.HTTPConnection(ADDRESS, run.port, timeout=5)
    try:
        connection.request("GET", "/_stockctl")
        found = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()
    return isinstance(found, dict) and found.get("pid") == run.pid


def _bind(port: int) -> int:
    """Binds a port for a moment, 0 for any, and says which it was."""
    with socket.socket() as probe:
        # As the server does: a connection of the last run that lingers does not hold the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((ADDRESS, port))
        name: tuple[str, int] = probe.getsockname()
        return name[1]
