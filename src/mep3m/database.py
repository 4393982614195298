"""One SQLite file that many read and one writes at a time; what a change wrote is on disk when it returns."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mep3m.errors import FormatError, StoreError

#: seconds that a writer of this process or of another one is waited for
PATIENCE = 30.0
#: seconds between two tries where SQLite does not wait by itself
PAUSE = 0.01


def connect(path: Path, synchronous: str = "FULL", patience: float = PATIENCE) -> sqlite3.Connection:
    """Return a connection in WAL mode, for any thread, that begins no transaction by itself.

    Raises:
        sqlite3.DatabaseError: the file is none, or others held it for longer than `patience` seconds.
    """
    connection = sqlite3.connect(path, timeout=patience, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    until = time.monotonic() + patience
    # who takes the file into WAL mode while another one does is refused at once, whatever the timeout
    while not _in_wal_mode(connection):
        if time.monotonic() > until:
            connection.close()
            raise sqlite3.OperationalError("database is locked")
        time.sleep(PAUSE)
    return connection


def _in_wal_mode(connection: sqlite3.Connection) -> bool:
    try:
        [(mode,)] = connection.execute("PRAGMA journal_mode = WAL").fetchall()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise
        return False
    return bool(mode == "wal")


class Database:
    """A file in WAL mode: readers never wait, writers stand in line.

    `schema` are the steps that made the file what it is, each a script; an older file gets those that it
    lacks. Every thread reads through a connection of its own; changes of this process go
    through one connection, in turn.

    Raises:
        FormatError: the file is no database, or a later version of mep3m made it.
    """

    def __init__(self, path: Path, schema: tuple[str, ...]) -> None:
        self.path = path
        self._schema = schema
        self._turn = threading.Lock()
        self._readers = threading.local()
        self._open: list[sqlite3.Connection] = []
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._writer = self._connect()
            self._bring_up_to_date()
        except sqlite3.DatabaseError as error:
            self.close()
            raise FormatError(
                f"{path} is no database of mep3m ({error}); move it away, or restore it"
            ) from None

    @property
    def read(self) -> sqlite3.Connection:
        """The connection of this thread for questions."""
        connection: sqlite3.Connection | None = getattr(self._readers, "connection", None)
        if connection is None:
            connection = self._readers.connection = self._connect()
            connection.execute("PRAGMA query_only = ON")
        return connection

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """Let one change at a time be made: all of the block, on disk at its end, or nothing of it.

        Raises:
            StoreError: another process wrote for longer than `PATIENCE`, or the disk is full.
        """
        with self._turn:
            try:
                self._writer.execute("BEGIN IMMEDIATE")
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException as error:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                if isinstance(error, sqlite3.OperationalError):
                    raise StoreError(f"nothing was recorded in {self.path}: {error}") from None
                raise

    def close(self) -> None:
        """Close every connection."""
        for connection in self._open:
            connection.close()
        self._open.clear()

    def _connect(self) -> sqlite3.Connection:
        connection = connect(self.path)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys = ON")
        self._open.append(connection)
        return connection

    def _bring_up_to_date(self) -> None:
        with self.change() as writer:
            [(version,)] = writer.execute("PRAGMA user_version").fetchall()
            if version > len(self._schema):
                raise FormatError(f"{self.path} was made by a later version of mep3m; update mep3m")
            for step in self._schema[version:]:
                for statement in filter(str.strip, step.split(";")):
                    writer.execute(statement)
            writer.execute(f"PRAGMA user_version = {len(self._schema)}")
