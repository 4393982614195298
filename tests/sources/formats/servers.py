"""PostgreSQL and MariaDB from the system's packages, started on loopback for a test and stopped after it."""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PASSWORD = "hunter2-kept-out"
#: seconds that a server may take to answer
PATIENCE = 60


@dataclass(frozen=True)
class Server:
    """A running database: its URL without a password, and whether the password is needed."""

    url: str
    asks: bool

    def run(self, *statements: str) -> None:
        """Execute statements as the user that the tests read with."""
        import sqlalchemy

        url = sqlalchemy.engine.make_url(self.url)
        engine = sqlalchemy.create_engine(url.set(password=PASSWORD) if self.asks else url)
        with engine.begin() as connection:
            for statement in statements:
                connection.execute(sqlalchemy.text(statement.replace(":", "\\:")))
        engine.dispose()


def _port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _program(name: str, *more: str) -> str:
    found = shutil.which(name) or next((str(p) for p in map(Path, more) if p.exists()), None)
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    found = str(versions[-1]) if versions else found
    if found is None:
        pytest.skip(f"{name} is not installed; scripts/system-packages installs it")
    return found


@contextlib.contextmanager
def _folder(user: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Make a data folder; a server refuses to run as root, so that root gives it to the package's user."""
    folder = Path(tempfile.mkdtemp(prefix="mep3m-db-"))
    given: dict[str, Any] = {}
    try:
        if os.geteuid() == 0:
            entry = pwd.getpwnam(user)
            os.chown(folder, entry.pw_uid, entry.pw_gid)
            given = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
        yield folder, given
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _running(command: list[str], given: dict[str, Any], log: Path) -> Iterator[None]:
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, cwd=log.parent, **given)
    try:
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _answers(connect: Any, log: Path) -> Any:
    """Wait until a server answers, and return its connection."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return connect()
        except Exception as error:
            if time.monotonic() > end:
                raise AssertionError(f"{error}: {log.read_text(errors='replace')[-2000:]}") from error
            time.sleep(0.2)


@contextlib.contextmanager
def sqlite(folder: Path) -> Iterator[Server]:
    """Give a file as a database."""
    yield Server(f"sqlite:///{folder / 'shop.db'}", False)


@contextlib.contextmanager
def postgresql(folder: Path) -> Iterator[Server]:
    """Start PostgreSQL with a user who needs the password."""
    psycopg = pytest.importorskip("psycopg")
    initdb, postgres = _program("initdb"), _program("postgres")
    with _folder("postgres") as (data, given):
        secret = data / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        words = [
            initdb,
            "-D",
            str(data / "data"),
            "-U",
            "reader",
            "-A",
            "scram-sha-256",
            "-E",
            "UTF8",
            "--no-sync",
        ]
        words += ["--locale=C", f"--pwfile={secret}"]
        subprocess.run(words, check=True, capture_output=True, cwd=data, **given)
        port = _port()
        command = [postgres, "-D", str(data / "data"), "-p", str(port), "-k", str(data), "-F"]
        with _running([*command, "-c", "listen_addresses=127.0.0.1"], given, folder / "postgres.log"):
            words = f"host=127.0.0.1 port={port} user=reader password={PASSWORD} dbname=postgres"
            _answers(lambda: psycopg.connect(words), folder / "postgres.log").close()
            yield Server(f"postgresql+psycopg://reader@127.0.0.1:{port}/postgres", True)


@contextlib.contextmanager
def mariadb(folder: Path) -> Iterator[Server]:
    """Start MariaDB with a user who needs the password."""
    pymysql = pytest.importorskip("pymysql")
    install, server = _program("mariadb-install-db"), _program("mariadbd", "/usr/sbin/mariadbd")
    with _folder("mysql") as (data, given):
        words = [
            install,
            "--no-defaults",
            f"--datadir={data / 'data'}",
            "--auth-root-authentication-method=normal",
        ]
        subprocess.run([*words, "--skip-test-db"], check=True, capture_output=True, cwd=data, **given)
        port, place = _port(), data / "s"
        command = [
            server,
            "--no-defaults",
            f"--datadir={data / 'data'}",
            f"--socket={place}",
            f"--port={port}",
        ]
        command += ["--bind-address=127.0.0.1", f"--pid-file={data / 'pid'}", "--innodb-buffer-pool-size=16M"]
        with _running(command, given, folder / "mariadb.log"):
            root = _answers(
                lambda: pymysql.connect(unix_socket=str(place), user="root"), folder / "mariadb.log"
            )
            with root.cursor() as cursor:
                cursor.execute("CREATE DATABASE shop CHARACTER SET utf8mb4")
                cursor.execute(f"CREATE USER reader@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'")
                cursor.execute("GRANT ALL ON shop.* TO reader@'127.0.0.1'")
            root.close()
            yield Server(f"mysql+pymysql://reader@127.0.0.1:{port}/shop?charset=utf8mb4", True)


SERVERS = {"sqlite": sqlite, "postgresql": postgresql, "mariadb": mariadb}
