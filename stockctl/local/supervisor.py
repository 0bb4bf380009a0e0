"""The process behind `stockctl local up`: the emulator, the TTL stand-in and the saving of state, in one.

Started by `cloud.py` as `python -m stockctl.local.supervisor`, with everything it needs in its environment. Ends on
SIGTERM or SIGINT, after all has been saved.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, cast

from hypercorn.asyncio import serve
from hypercorn.config import Config

from stockctl.aws.clients import Clients
from stockctl.domain.instants import iso_seconds
from stockctl.local import emulator_cache, invocations
from stockctl.local.checkpoints import Checkpoints, EmulatorState
from stockctl.local.emulator import replace
from stockctl.local.expiry import ExpiryService
from stockctl.local.gateway import Application, Gateway
from stockctl.local.home import SECONDS_FOR_THE_LOCK, Home, Run
from stockctl.local.object_files import ObjectFiles
from stockctl.local.root_user import RootUser
from stockctl.local.saved_state import SavedState
from stockctl.local.streams import forget_positions
from stockctl.local.table_rows import TableRows

if TYPE_CHECKING:
    from hypercorn.typing import Framework

ADDRESS = "127.0.0.1"
SECONDS_TO_DISK = 1.0
"""At most this much is lost when the power fails."""


@dataclass(frozen=True)
class Emulator:
    """The emulator, made durable and private, before it serves."""

    application: Application
    rows: TableRows
    objects: ObjectFiles
    checkpoints: Checkpoints

    @classmethod
    def of(cls, home: Home) -> Emulator:
        """Replaces what must be replaced.

        Raises:
            SystemExit: the installed release does not fit: it would lose data, and let others in.
        """
        emulator_cache.apply()
        rows = TableRows(home.rows, lambda problem: checkpoints.report(problem))  # noqa: PLW0108 - named below
        objects = ObjectFiles(rows.sync)
        user, saved = RootUser(home.key()), SavedState(home, rows)
        needed = (user, saved, rows, objects, invocations)
        if replace(each for part in needed for each in part.replacements()):
            sys.exit("the installed release of ministack does not fit: run `pip install 'stockctl[local]'`")
        checkpoints = Checkpoints(home, rows, EmulatorState())
        return cls(importlib.import_module("ministack.app").app, rows, objects, checkpoints)

    def sync(self) -> None:
        """Brings to the disk what has been written."""
        try:
            self.rows.sync()
            self.objects.sync()
        except OSError as error:
            self.checkpoints.report(f"changes do not reach the disk: {error.strerror}")


async def _serve(run: Run, home: Home) -> None:
    emulator = Emulator.of(home)
    expiry = ExpiryService(Clients.of_target(run.target()))
    disk = _Every(SECONDS_TO_DISK, emulator.sync)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    checkpoints = emulator.checkpoints
    tasks = [asyncio.create_task(work) for work in (checkpoints.keep(), checkpoints.note_read_streams())]
    expiry.start()
    disk.start()
    try:
        gateway = Gateway(emulator.application, run, checkpoints, home)
        await serve(cast("Framework", gateway), _config(run), shutdown_trigger=stopping.wait)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.to_thread(expiry.stop)
        disk.stop()
    await checkpoints.end()


class _Every(threading.Thread):
    """Does something every so often, until it is stopped."""

    def __init__(self, seconds: float, work: Callable[[], None]) -> None:
        super().__init__(name="disk", daemon=True)
        self._seconds = seconds
        self._work = work
        self._is_stopped = threading.Event()

    def run(self) -> None:
        while not self._is_stopped.wait(self._seconds):
            self._work()

    def stop(self) -> None:
        self._is_stopped.set()
        self.join()


def _config(run: Run) -> Config:
    config = Config()
    config.bind = [f"{ADDRESS}:{run.port}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1
    config.loglevel = "WARNING"
    return config


def _lock(home: Home) -> IO[bytes]:
    deadline = time.monotonic() + SECONDS_FOR_THE_LOCK
    while (lock := home.hold()) is None:
        if time.monotonic() > deadline:
            sys.exit("another embedded cloud runs in this folder")
        time.sleep(0.05)  # a command that only asks whether we run holds it for a moment
    return lock


def main() -> None:
    """Runs until it is told to stop."""
    home = Home.of(os.environ)
    with _lock(home):
        home.recover()
        run = Run(os.getpid(), int(os.environ["GATEWAY_PORT"]), iso_seconds(int(time.time())), home.key())
        home.record_run(run)
        forget_positions(home)
        asyncio.run(_serve(run, home))


if __name__ == "__main__":
    main()
