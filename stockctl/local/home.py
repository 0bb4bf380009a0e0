"""The folder of the embedded cloud: its state, its log, and the locks that keep two commands from starting it twice.

Whether it runs is a question of a lock and not of a process id: the supervisor holds `running.lock` for as long as it
lives, and the system lets go of it whatever way the process ends. `run.json` is removed before a supervisor is started,
which writes it once it holds the lock: while the lock is held, the process it names is ours, and never one that was
given the same id later.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from platformdirs import user_data_path

from stockctl.aws.target import Target
from stockctl.domain.errors import StockctlError
from stockctl.local.redo_log import sync_path

try:
    import fcntl
except ImportError as error:
    raise StockctlError("the embedded cloud runs on Linux and macOS", "On Windows, use it in WSL.") from error

HOME_VARIABLE = "STOCKCTL_HOME"
REGION = "us-east-1"
SECONDS_FOR_THE_LOCK = 3.0
"""A process that ends, or a command that only asks whether one runs, holds the lock for a moment longer."""
FREE_BYTES = 8 << 20
"""A disk with less room takes no changes."""
SET_ASIDE = "unreadable"
NEXT_STATE = "state.next"
READY_STATE = "state.ready"


@dataclass(frozen=True)
class RootKey:
    """The access key of the emulator's root user, random for each home: whoever has it may do everything here."""

    access_key_id: str
    secret_access_key: str = field(repr=False)


@dataclass(frozen=True)
class Run:
    """One life of the supervisor: its process, its port on 127.0.0.1, when it started (ISO 8601, UTC), its root key."""

    pid: int
    port: int
    since: str
    key: RootKey

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def variables(self) -> dict[str, str]:
        """The environment in which other AWS tools use it; empty means unset."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.key.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.key.secret_access_key,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_SESSION_TOKEN": "",
            "AWS_PROFILE": "",
        }

    def target(self, stack: str = "") -> Target:
        """A stack on this run, for the emulator's root user."""
        return Target(
            stack=stack,
            local=True,
            region=REGION,
            endpoint_url=self.endpoint,
            access_key_id=self.key.access_key_id,
            secret_access_key=self.key.secret_access_key,
        )


@dataclass(frozen=True)
class Saved:
    """When state was saved last, and why it could not be saved since, if so."""

    at: str | None = None
    problem: str | None = None


class Home:
    """Where everything of the embedded cloud is kept."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.state = root / "state"
        self.objects = root / "objects"
        self.rows = root / "rows"
        self.next_state = root / f"{NEXT_STATE}.{os.getpid()}"
        self.temporary = root / "tmp"
        self.log = root / "cloud.log"
        self._previous_log = root / "cloud.log.1"
        self._run = root / "run.json"
        self._port = root / "port.json"
        self._saved = root / "saved.json"
        self._key = root / "key.json"

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> Home:
        """`$STOCKCTL_HOME`, else the user's data directory."""
        named = variables.get(HOME_VARIABLE)
        return cls(Path(named).expanduser().absolute() if named else user_data_path("stockctl", appauthor=False))

    def make(self) -> None:
        """Makes the folders, for this user's eyes only."""
        for folder in (self.root, self.state, self.objects, self.rows, self.temporary):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def wipe(self) -> None:
        """Removes all that the embedded cloud has kept; the folder itself may hold other things."""
        folders = (self.state, self.objects, self.rows, self.temporary)
        for path in (*folders, *self._unfinished(), *self.set_aside()):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        for file in (self._run, self._port, self._saved, self._key, self.log, self._previous_log):
            file.unlink(missing_ok=True)

    def size(self) -> int:
        """Bytes of state on disk."""
        files = (path for folder in (self.state, self.objects, self.rows) for path in folder.rglob("*"))
        return sum(map(_size, files))

    def run(self) -> Run | None:
        """The run that was recorded last; it lives as long as `is_locked`."""
        match _read(self._run):
            case {"pid": int(pid), "port": int(port), "since": str(since)}:
                return Run(pid, port, since, self.key())
        return None

    def record_run(self, run: Run) -> None:
        _write(self._run, {"pid": run.pid, "port": run.port, "since": run.since})
        _write(self._port, {"port": run.port})

    def clear_run(self) -> None:
        """Before a start, when nothing runs: forgets the last run, and what its functions left lying about."""
        self._run.unlink(missing_ok=True)
        shutil.rmtree(self.temporary, ignore_errors=True)
        self.make()

    def last_port(self) -> int | None:
        """The port of the last run: queue URLs in the saved state carry it."""
        match _read(self._port):
            case {"port": int(port)} if 0 < port < 65536:
                return port
        return None

    def key(self) -> RootKey:
        """The root key of this home; made when it is first asked for."""
        match _read(self._key):
            case {"access_key_id": str(name), "secret_access_key": str(secret)}:
                return RootKey(name, secret)
        key = RootKey(f"AKIA{secrets.token_hex(8).upper()}", secrets.token_urlsafe(30))
        _write(self._key, asdict(key))
        return key

    def saved(self) -> Saved:
        """When and how the last run saved its state."""
        found = _read(self._saved) or {}
        return Saved(*(value if isinstance(value := found.get(name), str) else None for name in ("at", "problem")))

    def record_saved(self, saved: Saved) -> None:
        _write(self._saved, asdict(saved))

    def record_problem(self, problem: str) -> None:
        """Records why state cannot be saved, until the next save. If this cannot be written, only the log shows it."""
        with suppress(OSError):
            self.record_saved(Saved(self.saved().at, problem))

    def full_disk(self) -> str | None:
        """That the disk is full, where it is: what is saved, and why it failed, must still find a place."""
        found = os.statvfs(self.root)
        is_full = found.f_bavail * found.f_frsize < FREE_BYTES
        return f"the disk with {self.root} is full: changes are refused" if is_full else None

    def take_next_state(self) -> None:
        """Puts a whole new folder of state in the place of the one that is there."""
        ready = self.root / READY_STATE
        shutil.rmtree(ready, ignore_errors=True)
        self.next_state.replace(ready)
        self._take(ready)

    def recover(self) -> None:
        """Before a start: ends a change of folders that was cut off, and removes what was not finished."""
        ready = self.root / READY_STATE
        if ready.exists():
            self._take(ready)
        self.remove_unfinished()

    def remove_unfinished(self) -> None:
        """Removes what a save that failed, or was cut off, has left."""
        for path in self._unfinished():
            shutil.rmtree(path, ignore_errors=True)
        for draft in self.rows.glob("*.draft"):
            draft.unlink()

    def _take(self, ready: Path) -> None:
        replaced = self.root / f"{NEXT_STATE}.replaced"
        shutil.rmtree(replaced, ignore_errors=True)
        if self.state.exists():
            self.state.replace(replaced)
        ready.replace(self.state)
        sync_path(self.root)
        shutil.rmtree(replaced, ignore_errors=True)

    def _unfinished(self) -> list[Path]:
        return sorted(self.root.glob(f"{NEXT_STATE}.*"))

    def put_aside(self, path: Path) -> None:
        """Renames what cannot be read, so that nothing overwrites it."""
        path.rename(self.root / f"{path.name}.{SET_ASIDE}-{int(time.time() * 1000)}")

    def set_aside(self) -> list[Path]:
        """What could not be read, and is kept."""
        return sorted(self.root.glob(f"*.{SET_ASIDE}-*"))

    def problems(self) -> list[str]:
        """Problems with the saved state, one line each."""
        aside = [
            f"state that cannot be read is kept in {path}; delete it once you do not need it"
            for path in self.set_aside()
        ]
        problem = self.saved().problem
        return [*([problem] if problem else []), *aside]

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


def _take(lock: IO[bytes], kind: int) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):  # cut off half-way: as good as not there
        return None
    return found if isinstance(found, dict) else None


def _write(path: Path, document: dict[str, Any]) -> None:
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(document, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except FileNotFoundError:  # replaced meanwhile
        return 0
