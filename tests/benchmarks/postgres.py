"""What one would build instead: a PostgreSQL of one's own, one record and two conditional updates a transaction."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TABLES = """
CREATE TABLE level (ingredient int PRIMARY KEY, quantity bigint NOT NULL, version bigint NOT NULL DEFAULT 0);
CREATE TABLE transactions (id uuid PRIMARY KEY, items text NOT NULL, at timestamptz NOT NULL DEFAULT now());
INSERT INTO level SELECT generate_series(0, 1000), 1000000000;
"""
TAKE = """
BEGIN;
INSERT INTO transactions (id, items) VALUES (gen_random_uuid(), ':first,:second');
UPDATE level SET quantity = quantity - 1, version = version + 1 WHERE ingredient = :first AND quantity >= 1;
UPDATE level SET quantity = quantity - 1, version = version + 1 WHERE ingredient = :second AND quantity >= 1;
COMMIT;
"""
WIDE = """
\\set a random(0, 999)
\\set b (:a + random(1, 999)) % 1000
\\set first least(:a, :b)
\\set second greatest(:a, :b)
"""
HOT = "\\set first random(0, 999)\n\\set second 1000\n"
CLIENTS = 8
SECONDS = 5


@dataclass(frozen=True)
class Postgres:
    """A server on a socket in its folder, run by `user` (it refuses to be root)."""

    folder: Path
    user: str

    def transactions_a_second(self, choice: str) -> float:
        """What pgbench makes of it, with eight clients."""
        script = self.folder / "script.sql"
        script.write_text(choice + TAKE)
        told = self.run(
            "pgbench", "-n", "-c", str(CLIENTS), "-j", "2", "-T", str(SECONDS), "-f", str(script), "postgres"
        )
        found = re.search(r"tps = ([0-9.]+)", told)
        assert found, told
        return float(found[1])

    def run(self, *command: str) -> str:
        """One of PostgreSQL's programs; what it prints."""
        ended = subprocess.run(
            command,
            check=True,
            capture_output=True,
            text=True,
            user=self.user,
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "PGHOST": str(self.folder), "LC_ALL": "C"},
        )
        return ended.stdout


def is_installed() -> bool:
    """Whether server and pgbench are there."""
    return all(shutil.which(name) for name in ("initdb", "pg_ctl", "postgres", "pgbench"))


@contextmanager
def server() -> Iterator[Postgres]:
    """A server with the tables made, durable as it comes: every commit is flushed."""
    folder = Path(tempfile.mkdtemp(prefix="stockctl-postgres-"))
    user = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    shutil.chown(folder, user)
    made = Postgres(folder, user)
    try:
        made.run("initdb", "-D", "data", "-A", "trust", "-U", user)
        options = f"-k {folder} -c listen_addresses='' "
        made.run("pg_ctl", "-D", "data", "-w", "-l", "log", "-o", options, "start")
        made.run("psql", "-q", "-d", "postgres", "-c", TABLES)
        yield made
    finally:
        subprocess.run(
            ["pg_ctl", "-D", "data", "-m", "immediate", "stop"],  # noqa: S607
            check=False,
            capture_output=True,
            user=user,
            cwd=folder,
        )
        shutil.rmtree(folder, ignore_errors=True)
