"""Products of a database query, read in batches after a key: any batch can be read alone.

The rows of a batch are those after the last key of the batch before (keyset pagination), so that a late batch
costs no more than the first. The key's bounds are part of the plan: an interrupted run goes on with the
batches that have no shard yet. Passwords come from the environment and are in no file, message or log.
"""

from __future__ import annotations

import datetime
import decimal
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from mep3m.errors import FormatError, InputError, NotFoundError, SettingsError, did_you_mean, require
from mep3m.settings.sources import Columns, DatabaseSettings, SourceEntry
from mep3m.sources.base import Batch, Part
from mep3m.sources.columns import ColumnMap
from mep3m.sources.delimited import Row

#: what stands for a password in a message of a driver that repeats it
HIDDEN = "***"


@dataclass(frozen=True)
class SqlSource:
    """The rows of one query; a product's line is its number in the order of the key, from 1."""

    name: str
    columns: Columns
    database: DatabaseSettings
    file: Path | None = None
    missing: tuple[str, ...] = ()

    def files(self) -> list[Path]:
        """Return the file of the query, where it is in one."""
        return [] if self.file is None else [self.file]

    @cached_property
    def query(self) -> str:
        """The SQL of the query.

        Raises:
            FormatError: there is none.
        """
        text = self.database.query or (self.file.read_text(encoding="utf-8-sig") if self.file else "")
        if not text.strip(" \t\r\n;"):
            raise FormatError(f"{self.file or self.name} is empty; write the query there (SELECT …)")
        return text.strip().rstrip(";")

    @cached_property
    def header(self) -> list[str]:
        """The names of the query's columns.

        Raises:
            NotFoundError: the key or a column of the map is not among them.
        """
        with self._connection() as connection:
            result = connection.execute(self._text(f"{self._select()} WHERE 1 = 0"))
            names = list(map(str, result.keys()))
        for name in (self.database.key, *self.columns.names()):
            if name not in names:
                raise NotFoundError(
                    f"the query of '{self.name}' has no column '{name}'{did_you_mean(name, names)}"
                )
        return names

    def parts(self) -> list[Part]:
        """Return the batches: one pass over the rows finds their bounds.

        Raises:
            InputError: the database cannot be reached, or a key is NULL or not unique.
        """
        return [part for part, _ in self._passes]

    def described_rows(self) -> dict[str, Any]:
        """Return what stands for the rows' content: their number and a hash of all of them."""
        whole = hashlib.sha256()
        for _, digest in self._passes:
            whole.update(digest)
        count = sum(part.stop - part.start for part, _ in self._passes)
        return {"path": f"{self.name} (query)", "size": count, "mtime_ns": 0, "sha256": whole.hexdigest()}

    @cached_property
    def _passes(self) -> list[tuple[Part, bytes]]:
        """The batches with a hash of each."""
        batches: list[tuple[Part, bytes]] = []
        key = self.header.index(self.database.key)
        after: Any = None
        start = 0
        with self._connection() as connection:
            while rows := self._batch(connection, after):
                self._check_keys([row[key] for row in rows], after)
                digest = hashlib.sha256(
                    repr([[_cell(value) for value in row] for row in rows]).encode()
                ).digest()
                bounds = orjson.dumps([_plain(after), _plain(rows[-1][key])]).decode()
                batches.append((Part(bounds, start, start + len(rows), start + 1), digest))
                after, start = rows[-1][key], start + len(rows)
            total = connection.execute(
                self._text(f"SELECT count(*) FROM ({self.query}) AS mep3m_query")
            ).scalar()
        if total != start:
            raise InputError(
                f"the key '{self.database.key}' of '{self.name}' orders {start:,} of {total:,} rows: it is "
                "NULL or equal for the database in some, or the table changed meanwhile; take another key"
            )
        return batches

    def _check_keys(self, keys: Sequence[Any], after: Any) -> None:
        if any(key is None for key in keys):
            raise InputError(
                f"the key '{self.database.key}' of '{self.name}' is NULL in some rows; take another"
            )
        every = [*([] if after is None else [after]), *keys]
        if len(set(every)) < len(every):
            raise InputError(f"the key '{self.database.key}' of '{self.name}' is not unique; take another")

    def read(self, part: Part) -> Iterator[Batch]:
        """Yield the products of one batch."""
        after, last = orjson.loads(part.file)
        with self._connection() as connection:
            rows = self._batch(connection, after, last)
        cells = [Row(part.line + i, [_cell(value) for value in row]) for i, row in enumerate(rows)]
        mapping = ColumnMap(self.columns, self.name, f"{self.name} (query)", self.missing)
        yield mapping.batch(cells, self.header)

    def _select(self) -> str:
        return f"SELECT * FROM ({self.query}) AS mep3m_query"

    def _batch(self, connection: Any, after: Any, last: Any = None) -> list[Sequence[Any]]:
        """Return the rows after a key: a batch of them, or all up to the key `last`."""
        key = connection.dialect.identifier_preparer.quote(self.database.key)
        bounds = {"after": after, "last": last, "batch": self.database.batch_rows}
        tests = [f"{key} > :after"] * (after is not None) + [f"{key} <= :last"] * (last is not None)
        where = f" WHERE {' AND '.join(tests)}" if tests else ""
        limit = "" if last is not None else " LIMIT :batch"
        used = {name: value for name, value in bounds.items() if f":{name}" in where + limit}
        statement = self._text(f"{self._select()}{where} ORDER BY {key}{limit}")
        return list(connection.execute(statement, used).fetchall())

    def _text(self, statement: str) -> Any:
        """Return a statement; colons of the query itself are no parameters."""
        sqlalchemy = require("sqlalchemy", "sql")
        escaped = statement.replace(self.query, self.query.replace(":", "\\:"), 1)
        return sqlalchemy.text(escaped)

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        """Open a connection for the time of a batch; what fails is told without the password.

        Raises:
            InputError: the database cannot be reached or refuses the query.
            SettingsError: the URL is none, or the environment variable of the password is not set.
        """
        sqlalchemy = require("sqlalchemy", "sql")
        password = self._password()
        try:
            url = sqlalchemy.engine.make_url(self.database.url)
            if password is not None:
                url = url.set(password=password)
            engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.pool.NullPool, hide_parameters=True)
        except (sqlalchemy.exc.ArgumentError, sqlalchemy.exc.NoSuchModuleError) as error:
            raise SettingsError(f"url of '{self.name}': {self._hidden(error, password)}") from None
        except ImportError as error:
            raise SettingsError(f"url of '{self.name}': {error}; pip install 'mep3m[sql]'") from None
        try:
            with engine.connect() as connection:
                yield connection
        except sqlalchemy.exc.SQLAlchemyError as error:
            cause = getattr(error, "orig", None) or error
            raise InputError(f"the database of '{self.name}' says: {self._hidden(cause, password)}") from None
        finally:
            engine.dispose()

    def _password(self) -> str | None:
        name = self.database.password_env
        if name is None:
            return None
        if name not in os.environ:
            raise SettingsError(
                f"the environment variable {name} of '{self.name}' is not set; put the password there"
            )
        return os.environ[name]

    def _hidden(self, error: object, password: str | None) -> str:
        text = " ".join(str(error).split())
        return text.replace(password, HIDDEN) if password else text


def _plain(value: Any) -> Any:
    """Return a key as JSON keeps it; a date or a decimal becomes text, which databases compare as such."""
    return value if isinstance(value, int | str) or value is None else _cell(value)


def _cell(value: Any) -> str:
    """Return a value as the text of a cell."""
    if value is None:
        return ""
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, datetime.date | datetime.datetime):
        return value.isoformat()
    return str(value)


def open_sql(entry: SourceEntry, path: Path) -> SqlSource:
    """Return the query of a project's `[[sources]]` entry; `path` is a file with it, or none is named.

    Raises:
        SettingsError: `[sources.database]` is missing.
    """
    if entry.database is None:
        raise SettingsError(
            f"source '{entry.name}' has format 'sql' and no [sources.database] with url and key"
        )
    return SqlSource(
        entry.name, entry.columns, entry.database, path if path.is_file() else None, entry.missing
    )
