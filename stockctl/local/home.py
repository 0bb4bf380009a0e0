"""The folder of the embedded cloud: its state, its log, and the locks that keep two commands from starting it twice.

Whether it runs is a question of a lock and not of a process id: the supervisor holds `running.lock` for as long as it
lives, and the system lets go of it whatever way the process ends. `run.json` is removed before a supervisor is started,
which writes it once it holds the lock: while the lock is held, the process it names is ours, and never one that was
given the same id later.
"""

from __future__ import annotations

import json
import os
import shutil
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from platformdirs import user_data_path

from stockctl.aws.target import Target
from stockctl.domain.errors import StockctlError

try:
    import fcntl
except ImportError as error:
    raise StockctlError("the embedded cloud runs on Linux and macOS", "On Windows, use it in WSL.") from error

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

HOME_VARIABLE = "STOCKCTL_HOME"
REGION = "us-east-1"
ROOT_KEY = "test"
"""Access key and secret of the emulator's root user: no secret, it opens nothing but this machine's emulator."""


@dataclass(frozen=True)
class Run:
    """One life of the supervisor: its process, its port on 127.0.0.1, and when it started (ISO 8601, UTC)."""

    pid: int
    port: int
    since: str

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def target(self, stack: str = "") -> Target:
        """A stack on this run, with the keys of the emulator's root user."""
        return Target(
            stack=stack,
            local=True,
            region=REGION,
            endpoint_url=self.endpoint,
            access_key_id=ROOT_KEY,
            secret_access_key=ROOT_KEY,
        )


@dataclass(frozen=True)
class Saved:
    """How much of the last run is on disk: `at` the last save, `unsaved_since` the first change after it."""

    at: str | None = None
    unsaved_since: str | None = None
    clean: bool = True


class Home:
    """Where everything of the embedded cloud is kept."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.state = root / "state"
        self.objects = root / "objects"
        self.temporary = root / "tmp"
        self.log = root / "cloud.log"
        self._run = root / "run.json"
        self._port = root / "port.json"
        self._saved = root / "saved.json"

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> Home:
        """`$STOCKCTL_HOME`, else the user's data directory."""
        named = variables.get(HOME_VARIABLE)
        return cls(Path(named).expanduser().absolute() if named else user_data_path("stockctl", appauthor=False))

    def make(self) -> None:
        """Makes the folders, for this user's eyes only."""
        for folder in (self.root, self.state, self.objects, self.temporary):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def wipe(self) -> None:
        """Removes all that the embedded cloud has kept; the folder itself may hold other things."""
        for folder in (self.state, self.objects, self.temporary):
            shutil.rmtree(folder, ignore_errors=True)
        for file in (self._run, self._port, self._saved, self.log, self._previous_log):
            file.unlink(missing_ok=True)

    def size(self) -> int:
        """Bytes of state on disk."""
        files = (path for folder in (self.state, self.objects) for path in folder.rglob("*"))
        return sum(path.stat().st_size for path in files if path.is_file())

    def run(self) -> Run | None:
        """The run that was recorded last; it lives as long as `is_locked`."""
        found = _read(self._run)
        return Run(int(found["pid"]), int(found["port"]), str(found["since"])) if found else None

    def record_run(self, run: Run) -> None:
        _write(self._run, asdict(run))
        _write(self._port, {"port": run.port})

    def clear_run(self) -> None:
        """Before a start, when nothing runs: forgets the last run, and what its functions left lying about."""
        self._run.unlink(missing_ok=True)
        shutil.rmtree(self.temporary, ignore_errors=True)
        self.make()

    def last_port(self) -> int | None:
        """The port of the last run: queue URLs in the saved state carry it."""
        found = _read(self._port)
        return int(found["port"]) if found else None

    def saved(self) -> Saved:
        """What the last run said of its state on disk."""
        return Saved(**(_read(self._saved) or {}))

    def record_saved(self, saved: Saved) -> None:
        _write(self._saved, asdict(saved))

    def open_log(self) -> IO[bytes]:
        """A new log; the one before is kept beside it."""
        if self.log.exists():
            self.log.replace(self._previous_log)
        return self.log.open("wb")

    def last_words(self) -> str:
        """The last line of the log, to end a sentence with; nothing where it is empty."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").split("\n") if self.log.exists() else []
        said = [line.strip() for line in lines if line.strip()]
        return f": {said[-1]}" if said else ""

    @property
    def _previous_log(self) -> Path:
        return self.root / "cloud.log.1"

    def is_locked(self) -> bool:
        """Whether a supervisor lives. Asking never takes the lock from one that is about to start."""
        try:
            with (self.root / "running.lock").open("rb") as lock:
                return not _take(lock, fcntl.LOCK_SH)
        except FileNotFoundError:
            return False

    def hold(self) -> IO[bytes] | None:
        """Takes the supervisor's lock until the file is closed; None where another one holds it."""
        lock = (self.root / "running.lock").open("ab")
        if _take(lock, fcntl.LOCK_EX):
            return lock
        lock.close()
        return None

    @contextmanager
    def alone(self, task: str) -> Iterator[None]:
        """Keeps two commands from doing one task (`starting`, `deploying`) at the same time; the second one waits."""
        self.make()
        with (self.root / f"{task}.lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def now_text(moment: datetime) -> str:
    """ISO 8601 with Z, to the second."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _take(lock: IO[bytes], kind: int) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):  # cut off half-way: as good as not there
        return None
    return found if isinstance(found, dict) else None


def _write(path: Path, document: dict[str, Any]) -> None:
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(json.dumps(document), encoding="utf-8")
    draft.replace(path)
