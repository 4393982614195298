"""The accounts of the desk of a folder, for the command line and for the desk itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from mep3m.database import Database
from mep3m.desk.accounts.people import SCHEMA, People
from mep3m.desk.folder import DeskFolder

_FILE = "accounts.sqlite"


def accounts(folder: DeskFolder) -> Database:
    """Return the file of the accounts; it is made where there is none."""
    return Database(folder.own / _FILE, SCHEMA)


@contextmanager
def opened(path: Path) -> Iterator[People]:
    """Open the accounts of the desk of a folder.

    Raises:
        NotFoundError: the folder holds nothing that a desk can show.
    """
    database = accounts(DeskFolder.open(path))
    try:
        yield People(database)
    finally:
        database.close()


def today() -> str:
    """Return the date, as accounts keep it."""
    return datetime.now(UTC).date().isoformat()
